# SPDX-License-Identifier: Apache-2.0
"""ComfyUI: workflows with slots, what is queued, and how the history is read."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
from tests.providers.exchange import CALLER_KEY, account, answer, fault_in, job, trouble_in, update_of

from longtake.errors import ConfigurationError, InvalidRequest
from longtake.providers.base import (
    Account,
    Cancels,
    Follows,
    InputKind,
    PictureInput,
    Provider,
    Recovers,
    Refused,
    Trouble,
    Unclear,
    Uploads,
    VideoInput,
)
from longtake.providers.comfyui.provider import ComfyUiProvider
from longtake.providers.comfyui.workflow import SLOTS, read_workflow, shipped_workflows
from longtake.types import SECOND_US, ExactSize, Operation, Rate

MAKER = ComfyUiProvider()
BASE = "http://127.0.0.1:8188"
WHO = account(BASE)
SOURCE = VideoInput(
    kind=InputKind.UPLOAD, value="longtake-1.mp4", duration_us=5 * SECOND_US, width=640, height=360, fps=Rate(num=24)
)
NODES: dict[str, Any] = {
    "text": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}, {{ style }}", "clip": ["4", 0]}},
    "seed": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "steps": 20}},
    "save": {"class_type": "SaveVideo", "inputs": {"filename_prefix": "{{filename_prefix}}"}},
}


def with_workflow(folder: Path, document: object, **options: object) -> Account:
    path = folder / "own.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return account(BASE, workflows={"mine": str(path)}, **options)


def graph_of(who: Account, wish: object) -> dict[str, Any]:
    body = MAKER.submit(who, wish).json  # pyright: ignore[reportArgumentType]
    assert isinstance(body, dict)
    return cast("dict[str, Any]", body["prompt"])


def test_it_is_what_the_ports_ask_for() -> None:
    for port in (Provider, Follows, Cancels, Recovers, Uploads):
        assert isinstance(MAKER, port)
    assert not MAKER.counts_once(WHO), "ComfyUI runs a prompt as often as it is sent"


def test_slots_are_filled_with_values_of_their_kind(tmp_path: Path) -> None:
    who = with_workflow(tmp_path, NODES, slots={"style": "oil"})
    graph = graph_of(who, job(model="mine", seed=7))
    assert graph["text"]["inputs"] == {"text": "a cat, oil", "clip": ["4", 0]}
    assert graph["seed"]["inputs"] == {"seed": 7, "steps": 20}
    assert graph["save"]["inputs"]["filename_prefix"].endswith(CALLER_KEY)
    graph = graph_of(with_workflow(tmp_path, NODES), job(model="mine", extra={"style": "ink"}))
    assert graph["text"]["inputs"]["text"] == "a cat, ink"


def test_a_prompt_with_braces_is_a_prompt(tmp_path: Path) -> None:
    who = with_workflow(tmp_path, NODES, slots={"style": "x"})
    graph = graph_of(who, job(model="mine", prompt="{{seed}}"))
    assert graph["text"]["inputs"]["text"] == "{{seed}}, x"


def test_a_slot_that_nothing_fills_is_refused_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="style") as caught:
        MAKER.submit(with_workflow(tmp_path, NODES), job(model="mine"))
    assert all(slot in caught.value.message for slot in SLOTS)


def test_seeds_differ_by_try_and_repeat_by_key(tmp_path: Path) -> None:
    who = with_workflow(tmp_path, NODES, slots={"style": "x"})
    first = graph_of(who, job(model="mine"))["seed"]["inputs"]["seed"]
    assert graph_of(who, job(model="mine"))["seed"]["inputs"]["seed"] == first
    assert graph_of(who, job(model="mine", caller_key="another"))["seed"]["inputs"]["seed"] != first
    assert 0 <= first < 2**53


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "API format|does not fit"),
        ({"nodes": {}, "links": {}}, "API"),
        ({"_longtake": {"speed": 3}, **NODES}, "speed"),
        ({}, "API"),
    ],
)
def test_a_file_that_is_no_workflow_is_refused(tmp_path: Path, document: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        MAKER.abilities(with_workflow(tmp_path, document), "mine")


def test_a_missing_file_is_refused_with_the_shipped_names() -> None:
    with pytest.raises(ConfigurationError, match="wan-vace-extend"):
        MAKER.abilities(WHO, "nowhere.json")
    with pytest.raises(ConfigurationError, match="workflows"):
        MAKER.abilities(account(BASE, workflows={"mine": 7}), "mine")


@pytest.mark.parametrize("name", shipped_workflows())
def test_every_shipped_workflow_is_whole(name: str) -> None:
    """All links lead to nodes of the graph, all slots are filled, and a video is saved."""
    operation = Operation.EXTEND if "extend" in name else Operation.CREATE
    assert MAKER.abilities(WHO, name).operations == {operation}
    wish = job(operation, model=name, source=SOURCE if operation is Operation.EXTEND else None)
    graph = graph_of(WHO, wish)
    assert "_longtake" not in graph
    assert "{{" not in json.dumps(graph)
    assert any(node["class_type"] == "SaveVideo" for node in graph.values())
    links = [value[0] for node in graph.values() for value in node["inputs"].values() if isinstance(value, list)]
    assert set(links) <= set(graph)
    used = set(links) | {name for name, node in graph.items() if node["class_type"] == "SaveVideo"}
    assert used == set(graph), "a node is connected to nothing"


def test_lengths_follow_the_models_rule() -> None:
    """Wan makes 4n + 1 frames, of which the first are the source's last ones."""
    graph = graph_of(WHO, job(Operation.EXTEND, model="wan-vace-extend", source=SOURCE, new_us=2 * SECOND_US))
    vace, context = graph["vace"]["inputs"], graph["context"]["inputs"]
    assert context["length"] == 17
    assert context["batch_index"] == 5 * 24 - 17
    assert vace["length"] % 4 == 1
    assert vace["length"] >= 17 + 2 * 24
    assert graph["grey"]["inputs"]["batch_size"] == vace["length"] - 17
    assert (vace["width"], vace["height"]) == (640, 368)
    assert graph["video"]["inputs"]["fps"] == 24.0
    longest = graph_of(WHO, job(Operation.EXTEND, model="wan-vace-extend", source=SOURCE, new_us=60 * SECOND_US))
    assert longest["vace"]["inputs"]["length"] == 81


def test_a_short_source_gives_a_short_context() -> None:
    short = VideoInput(kind=InputKind.UPLOAD, value="a.mp4", duration_us=500_000, fps=Rate.of(Fraction(24)))
    graph = graph_of(WHO, job(Operation.EXTEND, model="wan-vace-extend", source=short))
    context = graph["context"]["inputs"]
    assert (context["batch_index"], context["length"]) == (12 - 9, 9)


def test_sizes_and_pictures_come_from_the_job(tmp_path: Path) -> None:
    nodes = NODES | {
        "size": {
            "class_type": "Empty",
            "inputs": {"width": "{{width}}", "height": "{{height}}", "image": "{{first_frame}}"},
        }
    }
    who = with_workflow(tmp_path, nodes, slots={"style": "x"})
    picture = PictureInput(role="first_frame", value="frame.png")
    wish = job(model="mine", size=ExactSize(width=640, height=360), pictures=(picture,))
    assert graph_of(who, wish)["size"]["inputs"] == {"width": 640, "height": 368, "image": "frame.png"}
    assert MAKER.abilities(who, "mine").pictures == {"first_frame"}
    assert MAKER.abilities(who, "mine").pictures_by == (InputKind.UPLOAD,)
    with pytest.raises(ConfigurationError, match="first_frame"):
        MAKER.submit(who, job(model="mine"))
    with pytest.raises(InvalidRequest, match="last_frame"):
        MAKER.submit(who, job(model="mine", pictures=(PictureInput(role="last_frame", value="x"),)))


def test_one_model_may_have_a_workflow_for_each_operation() -> None:
    who = account(BASE, workflows={"ltx": {"create": "ltx-create", "extend": "ltx-extend"}})
    abilities = MAKER.abilities(who, "ltx")
    assert abilities.operations == {Operation.CREATE, Operation.EXTEND}
    assert abilities.source_by == (InputKind.UPLOAD,)
    assert abilities.source.max_us == 10 * SECOND_US, "more than the model sees is not sent"
    assert "context" not in graph_of(who, job(model="ltx"))
    assert "context" in graph_of(who, job(Operation.EXTEND, model="ltx", source=SOURCE))
    with pytest.raises(InvalidRequest, match="remix"):
        MAKER.submit(account(BASE, workflows={"ltx": {"create": "ltx-create"}}), job(Operation.REMIX, model="ltx"))


def test_the_key_of_the_try_is_the_prompts_id_and_travels_along() -> None:
    body = MAKER.submit(WHO, job(model="ltx-create")).json
    assert isinstance(body, dict)
    assert body["prompt_id"] == CALLER_KEY
    assert body["extra_data"] == {"longtake_key": CALLER_KEY}
    assert MAKER.submit(WHO, job(model="ltx-create")).may_repeat is False


def test_two_files_of_one_name_are_two_uploads(tmp_path: Path) -> None:
    names = set()
    for folder in ("one", "two"):
        request = MAKER.upload(WHO, VideoInput(kind=InputKind.UPLOAD, path=tmp_path / folder / "head.mp4"))
        assert request.url == f"{BASE}/upload/image"
        names |= {part.filename for part in request.parts if hasattr(part, "filename")}  # pyright: ignore[reportAttributeAccessIssue]
    assert len(names) == 2
    staged = PictureInput(role="first_frame", value="", path=tmp_path / "frame.png")
    assert (
        MAKER.read_upload(WHO, staged, answer({"name": "a.png", "subfolder": "in", "type": "input"})).value
        == "in/a.png"
    )


def test_a_graph_that_does_not_fit_says_which_node() -> None:
    body = {
        "error": {
            "type": "prompt_outputs_failed_validation",
            "message": "Prompt outputs failed validation",
            "details": "",
        },
        "node_errors": {"12": {"errors": [{"message": "Value not in list", "details": "unet_name: 'x' not in []"}]}},
    }
    read = MAKER.read_submit(WHO, job(), answer(body, 400))
    assert isinstance(read, Refused)
    assert read.fault.message == "Prompt outputs failed validation; node 12: unet_name: 'x' not in []"
    assert read.fault.trouble is Trouble.INVALID


def item(prompt_id: str, key: str = "") -> list[object]:
    return [3, prompt_id, {}, {"longtake_key": key} if key else {}, ["save"]]


def test_the_queue_tells_what_waits_and_runs() -> None:
    queue = {"queue_running": [item("b")], "queue_pending": [item("a"), item("c")]}
    assert MAKER.poll(WHO, "a").url == f"{BASE}/queue"
    assert update_of(MAKER.read_poll(WHO, "a", answer(queue))).status == "queued"
    assert update_of(MAKER.read_poll(WHO, "b", answer(queue))).status == "running"
    gone = update_of(MAKER.read_poll(WHO, "d", answer(queue)))
    assert gone.follow is not None
    assert gone.follow.url == f"{BASE}/history/d"
    assert trouble_in(MAKER.read_poll(WHO, "a", answer({"hello": "world"}))) is Trouble.UPSTREAM
    assert trouble_in(MAKER.read_poll(WHO, "a", answer("<html>", 502))) is Trouble.UPSTREAM


def entry(status: str, outputs: dict[str, object] | None = None, *messages: object) -> dict[str, object]:
    return {"outputs": outputs or {}, "status": {"status_str": status, "completed": True, "messages": list(messages)}}


PREVIEW = {"filename": "p.mp4", "subfolder": "", "type": "temp"}
FILE = {"filename": "a b.mp4", "subfolder": "longtake", "type": "output"}


@pytest.mark.parametrize("name", ["images", "gifs", "videos"])
def test_a_finished_video_is_found_under_any_of_its_names(name: str) -> None:
    outputs: dict[str, object] = {
        "9": {"images": [{"filename": "x.png", "subfolder": "", "type": "output"}]},
        "3": {name: [PREVIEW]},
        "4": {name: [FILE], "animated": [True]},
    }
    read = update_of(MAKER.read_follow(WHO, "a", answer({"a": entry("success", outputs)})))
    assert read.video is not None
    assert read.video.url == f"{BASE}/view?filename=a+b.mp4&subfolder=longtake&type=output"
    assert read.video.with_key


def test_failures_are_told_in_the_nodes_words() -> None:
    broke = ["execution_error", {"node_type": "KSampler", "exception_message": "bad shape"}]
    read = update_of(MAKER.read_follow(WHO, "a", answer({"a": entry("error", None, broke)})))
    assert (read.status, fault_in(read).message, trouble_in(read)) == (
        "failed",
        "KSampler: bad shape",
        Trouble.UPSTREAM,
    )
    full = ["execution_error", {"node_type": "KSampler", "exception_message": "CUDA out of memory."}]
    assert trouble_in(MAKER.read_follow(WHO, "a", answer({"a": entry("error", None, full)}))) is Trouble.BUSY
    stopped = entry("error", None, ["execution_interrupted", {}])
    assert update_of(MAKER.read_follow(WHO, "a", answer({"a": stopped}))).status == "cancelled"
    nothing = update_of(MAKER.read_follow(WHO, "a", answer({"a": entry("success")})))
    assert "without a video" in fault_in(nothing).message


def test_a_prompt_that_is_nowhere_is_not_found() -> None:
    assert trouble_in(MAKER.read_follow(WHO, "a", answer({}))) is Trouble.NOT_FOUND


def test_after_a_lost_answer_the_key_finds_the_prompt_whatever_its_id() -> None:
    wish = job(model="ltx-create")
    queue = {"queue_running": [], "queue_pending": [item("other", CALLER_KEY)]}
    assert update_of(MAKER.read_recover(WHO, wish, answer(queue))).handle == "other"
    empty = {"queue_running": [], "queue_pending": []}
    asked = update_of(MAKER.read_recover(WHO, wish, answer(empty)))
    assert asked.follow is not None
    assert asked.follow.url == f"{BASE}/history"
    history = {"other": entry("success", {"4": {"images": [FILE]}}) | {"prompt": item("other", CALLER_KEY)}}
    found = update_of(MAKER.read_follow(WHO, asked.handle, answer(history)))
    assert (found.handle, found.status) == ("other", "succeeded")
    assert trouble_in(MAKER.read_follow(WHO, asked.handle, answer({}))) is Trouble.NOT_FOUND
    assert isinstance(MAKER.read_recover(WHO, wish, answer("<html>", 502)), Unclear)


def test_a_cancel_takes_it_out_of_the_queue_or_stops_it() -> None:
    assert [(call.method, call.url, call.json) for call in MAKER.cancel(WHO, "a")] == [
        ("POST", f"{BASE}/queue", {"delete": ["a"]}),
        ("POST", f"{BASE}/interrupt", {"prompt_id": "a"}),
    ]


def test_a_template_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(NODES), encoding="utf-8")
    assert "style" in read_workflow(str(path)).slots
    path.write_text(json.dumps({"save": NODES["save"]}), encoding="utf-8")
    assert read_workflow(str(path)).slots == {"filename_prefix"}
