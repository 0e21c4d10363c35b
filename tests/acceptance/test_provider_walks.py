# SPDX-License-Identifier: Apache-2.0
"""xAI, fal and ComfyUI as a whole server uses them: every model extended, odd results joined, every trouble ended well.

One server with an account of each kind stands before the fake upstream for all tests of the file but those that kill.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.acceptance.conftest import (
    ADMIN_KEY,
    PROVIDER_KEYS,
    Json,
    Server,
    kill_group,
    longtake_environment,
    wait_for_server,
)
from tests.fakes.upstream.process import RunningUpstream

from longtake.catalog.provider_facts import provider_facts

KINDS = {"unified": "unified", "openai_videos": "openai", "xai": "xai", "fal": "fal", "comfyui": "comfyui"}
"""Each kind of provider, and where the fake speaks its wire."""
CONCRETE = {"*/extend*": "fal-ai/veo3.1/fast/extend-video"}
"""Names for the rows of the catalogue whose pattern is no name with a star at its end."""
ONE_OF_EACH = {"xai": "xai:grok-imagine-video-x", "fal": "fal:ltx-2.3", "comfyui": "comfyui:ltx"}
BROKEN_AT = ("unified:grok-video-3", *ONE_OF_EACH.values())
WORKFLOWS = '{ ltx = { create = "ltx-create", extend = "ltx-extend" }, wan = "wan-vace-extend" }'
FPS, SIDE = 24, (320, 180)
START_S = 3.5


def rows() -> list[tuple[str, str, str]]:
    """Kind, server and a concrete name of every row in the catalogue that claims to extend."""
    return [
        (kind, row.server, CONCRETE.get(row.name, row.name.replace("*", "-x" if row.name != "*" else "any")))
        for kind in ("unified", "openai_videos", "xai", "fal")
        for row in provider_facts(kind).models
        if "extend" in row.operations
    ]


def model_name(kind: str, server: str, name: str) -> str:
    """Our name of a row's model."""
    return f"{kind}{'.' if server else ''}{server}:{name}"


def house_toml(url: str) -> str:
    """An account for each kind and server, with a model for each row, named `kind:model` or `kind.server:model`."""
    models: dict[tuple[str, str], dict[str, str]] = {}
    for kind, server, name in rows():
        models.setdefault((kind, server), {})[model_name(kind, server, name)] = name
    models["xai", ""]["xai:grok-imagine-video-1.5"] = "grok-imagine-video-1.5"
    models["fal", ""]["fal:bridge"] = "fal-ai/kling/image-to-video"
    models["comfyui", ""] = {f"comfyui:{name}": name for name in ("ltx", "wan")}
    tables: list[str] = []
    for (kind, server), names in models.items():
        options = f'server = "{server}"' if server else f"workflows = {WORKFLOWS}" if kind == "comfyui" else ""
        tables += [
            "[[providers]]",
            f'name = "{kind}{server}"',
            f'kind = "{kind}"',
            f'base_url = "{url}/{KINDS[kind]}"',
            'api_key_env = "RELAY_KEY"',
            f"models = {{ {', '.join(f'{json.dumps(our)} = {json.dumps(their)}' for our, their in names.items())} }}",
            f"options = {{ {options} }}",
        ]
    return "\n".join(tables)


@pytest.fixture(scope="module")
def house(started_upstream: RunningUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with all accounts."""
    home, log = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("log") / "server.log"
    (home / "longtake.toml").write_text(house_toml(started_upstream.url), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "longtake", "serve", "--port", "0", "--home", str(home)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env=longtake_environment({"LONGTAKE_ADMIN_KEY": ADMIN_KEY, **PROVIDER_KEYS}),
        )  # fmt: skip
    try:
        yield Server(process, home, log, wait_for_server(process, home, log))
    finally:
        kill_group(process)


@pytest.fixture(scope="module")
def foreign(house: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An uploaded clip of 5 s with a tone, which no maker has ever seen."""
    return house.upload(foreign_clip(tmp_path_factory.mktemp("foreign") / "foreign.mp4"))


def foreign_clip(path: Path, seconds: int = 5) -> Path:
    """A slope that moves by two columns a frame, and a square on it."""
    columns, lines = np.meshgrid(np.arange(SIDE[0]), np.arange(SIDE[1]))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": "48"})
        video.width, video.height, video.pix_fmt = *SIDE, "yuv420p"
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        for number in range(FPS * seconds):
            picture = np.stack([(columns + 2 * number) % 256, lines + 40, 255 - lines], axis=-1).astype(np.uint8)
            picture[60:100, 40 + 2 * number : 80 + 2 * number] = (240, 200, 40)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        tone = (0.2 * np.sin(2 * np.pi * 330 * np.arange(48_000 * seconds) / 48_000)).astype(np.float32)
        for begin in range(0, len(tone), 1024):
            block = np.stack([tone[begin : begin + 1024]] * 2)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, begin, Fraction(1, 48_000)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def create(server: Server, model: str, **changes: object) -> str:
    return submit(server, "create", model, **changes)


def extend(server: Server, model: str, source: str, start_s: float, **changes: object) -> str:
    return submit(server, "extend", model, task_id=source, start_time=start_s, **changes)


def submit(server: Server, verb: str, model: str, **fields: object) -> str:
    body = {"model": model, "prompt": "a cat on a wall", **fields}
    answer = server.request("POST", f"/v1/video/{verb}", body)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


def done(server: Server, task_id: str, limit_s: float = 240) -> Json:
    ended = server.wait(task_id, limit_s)
    assert ended["state"] == "succeeded", (ended["model"], ended["error"], server.log.read_text()[-3000:])
    return ended


def failed(server: Server, task_id: str, limit_s: float = 240) -> Json:
    ended = server.wait(task_id, limit_s)
    assert ended["state"] == "failed", ended
    assert "http" not in ended["error"]["message"]
    return ended["error"]


def save(server: Server, task_id: str, path: Path) -> Path:
    answer = server.request("GET", f"/v1/videos/{task_id}/content")
    assert answer.status == 200, answer.body
    path.write_bytes(answer.body)
    return path


def facts_of(path: Path) -> tuple[float, tuple[int, int], Fraction, int]:
    """Seconds, size, frames a second and the sound's rate of a file, decoded to its end."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        sound = container.streams.audio[0].rate if container.streams.audio else 0
        frames = [frame.pts or 0 for frame in container.decode(video)]
        rate = video.average_rate or Fraction(1)
        assert frames == sorted(set(frames))
        return len(frames) / float(rate), (video.width, video.height), rate, sound


def step_reached(server: Server, task_id: str, step: str) -> None:
    limit = time.monotonic() + 120
    while server.request("GET", f"/v1/tasks/{task_id}").json["step"] != step:
        assert time.monotonic() < limit, f"the task never came to {step}"
        time.sleep(0.05)


def asked_of(upstream: RunningUpstream, before: int) -> list[Json]:
    return upstream.jobs()[before:]


GROUPS = ["unified", "openai_videos", "xai", "fal:g", "fal:", "comfyui"]
"""Of models, by how their names begin; each model is in the first that fits."""


@pytest.mark.parametrize("group", GROUPS)
def test_every_model_that_claims_to_extend_does(house, foreign, upstream, tmp_path, group):
    """From 3.5 s of a clip that it has never seen; of its own making where it takes nothing else."""
    upstream.set(new_s=0)
    names = {model_name(*row): (row[0], row[2], row[1]) for row in rows()}
    names |= {f"comfyui:{name}": ("comfyui", name, "") for name in ("ltx", "wan")}
    names = {name: row for name, row in names.items() if group == next(g for g in GROUPS if name.startswith(g))}
    only_own = {
        name
        for name, (kind, theirs, server) in names.items()
        if (row := provider_facts(kind).find(theirs, server)) is not None and row.source_by == ("id",)
    }
    own = {name: create(house, name) for name in sorted(only_own)}
    for task_id in own.values():
        done(house, task_id)
    before = len(upstream.jobs())
    asked = {name: extend(house, name, str(own.get(name, foreign)), 3 if name in own else START_S) for name in names}
    for name, task_id in asked.items():
        ended = done(house, task_id)
        start_s = 3 if name in own else START_S
        seconds, size, rate, _ = facts_of(save(house, task_id, tmp_path / f"{name.replace('/', '-')}.mp4"))
        assert ended["metadata"]["mode"] == ("native" if name in own or "longtake" in name else "native_trimmed"), name
        assert seconds - start_s >= 1
        assert seconds == pytest.approx(ended["metadata"]["duration"], abs=0.1)
        assert ended["metadata"]["head"]["frames"] == round(start_s * FPS)
        assert ended["metadata"]["head"]["copied"] >= round(start_s * FPS) - 16
        assert rate == FPS
        assert name in own or size == SIDE
    jobs = asked_of(upstream, before)
    assert len(jobs) == len(asked)
    assert {job["operation"] for job in jobs} == {"extend"}
    assert upstream.seen()["leaks"] == []
    if group not in {"unified", "openai_videos"}:
        assert all(abs(job["source"]["seconds"] - START_S) < 0.1 for job in jobs)


ODD: dict[str, tuple[str, dict[str, object]]] = {
    "xai whole, faster, larger, with sound": (
        "xai:grok-imagine-video-x", {"fps": 30, "result_size": (848, 480), "sound_hz": 44_100}
    ),
    "fal the new part alone, slower, of another aspect": (
        "fal:ltx-2.3", {"returns": "new_part", "fps": 16, "result_size": (256, 192)}
    ),
    "comfyui of 16 frames a second, with sound": ("comfyui:wan", {"fps": 16, "sound_hz": 22_050}),
    "fal bridged, faster, larger": ("fal:bridge", {"fps": 30, "result_size": (640, 360), "sound_hz": 48_000}),
    "xai bridged, without sound": ("xai:grok-imagine-video-1.5", {"fps": 25}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_odd_result_becomes_one_film(house, foreign, upstream, tmp_path, name):
    model, settings = ODD[name]
    upstream.set(new_s=0, **settings)
    start_s = 3.25
    ended = done(house, extend(house, model, foreign, start_s, duration=3))
    assert ended["metadata"]["mode"] == ("bridged" if "bridged" in name else "native_trimmed")
    seconds, size, rate, sound_hz = facts_of(save(house, ended["id"], tmp_path / "film.mp4"))
    assert seconds == pytest.approx(start_s + 3, abs=0.2)
    assert (size, rate) == (SIDE, FPS)
    assert sound_hz == 48_000
    assert ended["metadata"]["head"] == {"frames": round(start_s * FPS), "copied": ended["metadata"]["head"]["copied"]}
    assert ended["metadata"]["head"]["copied"] >= round(start_s * FPS) - 16
    assert ended["metadata"]["seam"]["luma_step"] <= max(5 * ended["metadata"]["seam"]["median_step"], 3)
    assert ended["video_url"]


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_clip_of_its_own_making_goes_on_from_any_second(house, upstream, tmp_path, kind):
    upstream.set(width=320, height=180, new_s=0)
    model = ONE_OF_EACH[kind]
    made = done(house, create(house, model, duration=4))
    before = len(upstream.jobs())
    whole_s, size, _, _ = facts_of(save(house, made["id"], tmp_path / "made.mp4"))
    assert size == SIDE
    for start_s in (whole_s, 3.25):
        ended = done(house, extend(house, model, made["id"], start_s, duration=2))
        seconds, size, _, _ = facts_of(save(house, ended["id"], tmp_path / "longer.mp4"))
        assert size == SIDE
        assert seconds == pytest.approx(start_s + 2, abs=0.1)
        assert ended["metadata"]["mode"] == ("native" if start_s == whole_s else "native_trimmed")
    assert [job["operation"] for job in asked_of(upstream, before)] == ["extend", "extend"]


@pytest.mark.parametrize(("model", "counts"), [("comfyui:ltx", (24, 25)), ("comfyui:wan", (16, 17))])
def test_a_workflow_sees_the_end_of_a_long_video_at_its_own_rate(house, upstream, tmp_path, model, counts):
    """Of more than is uploaded, and of more frames a second than its model makes: what it makes lasts as asked."""
    upstream.set(new_s=0)
    fps, seen = counts
    source = house.upload(foreign_clip(tmp_path / "long.mp4", seconds=12))
    before = len(upstream.jobs())
    ended = done(house, extend(house, model, source, 11.5, duration=4))
    seconds, _, rate, _ = facts_of(save(house, ended["id"], tmp_path / "film.mp4"))
    assert (seconds, rate) == (pytest.approx(15.5, abs=0.05), FPS)
    assert not [warning for warning in ended["warnings"] if warning.startswith("clip_too_short")]
    assert ended["metadata"]["joined"]["kind"] == "overlap"
    (job,) = asked_of(upstream, before)
    shown = round(job["source"]["seconds"] * fps)
    nodes = job["asked"]["prompt"].values()
    (context,) = [node["inputs"] for node in nodes if node["class_type"] == "ImageFromBatch"]
    assert (context["length"], shown - context["batch_index"] - seen) == (seen, 0)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_result_that_is_too_short_is_told(house, foreign, upstream, tmp_path, kind):
    upstream.set(new_s=1)
    ended = done(house, extend(house, ONE_OF_EACH[kind], foreign, 4, duration=4))
    seconds, _, _, _ = facts_of(save(house, ended["id"], tmp_path / "short.mp4"))
    if kind == "comfyui":
        assert seconds == pytest.approx(8, abs=0.2), "the fake's ComfyUI makes as many frames as its graph says"
    else:
        assert seconds == pytest.approx(5, abs=0.2)
        assert any(warning.startswith("clip_too_short") for warning in ended["warnings"])


@pytest.mark.parametrize("kind", ["xai", "fal"])
def test_moderation_is_the_callers_to_mend(house, foreign, upstream, kind):
    before = len(upstream.jobs())
    upstream.set(outcome="moderated")
    error = failed(house, extend(house, ONE_OF_EACH[kind], foreign, START_S))
    assert (error["code"], error["param"]) == ("content_policy_violation", "prompt")
    assert len(asked_of(upstream, before)) == 1


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_busy_maker_is_asked_again(house, upstream, kind):
    before = len(upstream.jobs())
    path = "/prompt" if kind == "comfyui" else f"^/{kind}/"
    upstream.spoil({"path": path, "method": "POST", "status": 429, "headers": {"retry-after": "1"}, "body": {}})
    done(house, create(house, ONE_OF_EACH[kind], duration=2))
    assert len(asked_of(upstream, before)) == 1


@pytest.mark.parametrize("kind", ONE_OF_EACH)
@pytest.mark.parametrize(
    ("what", "rule"),
    [
        ("expired", {"status": 403, "text": "<Error>Request has expired</Error>"}),
        ("a page", {"status": 200, "text": "<!doctype html><title>Sign in</title>"}),
    ],
)
def test_a_result_that_cannot_be_had_at_first_is_asked_for_again(house, upstream, kind, what, rule):
    """The provider is asked for a fresh link; nothing is bought again."""
    before = len(upstream.jobs())
    upstream.spoil({"path": "/view" if kind == "comfyui" else "^/files/", **rule})
    done(house, create(house, ONE_OF_EACH[kind], duration=2))
    assert len(asked_of(upstream, before)) == 1, what


def test_a_file_that_stays_broken_is_the_makers_fault(house, upstream):
    """At each kind of maker; beside each other, since each is tried for half a minute."""
    before = len(upstream.jobs())
    ends: dict[tuple[str, str], str] = {}
    for file in ("truncated", "html", "gone"):
        upstream.set(file=file)
        for model in BROKEN_AT:
            ends[model, file] = create(house, model, duration=2)
        for model in BROKEN_AT:
            step_reached(house, ends[model, file], "fetching")
    for (model, file), task_id in ends.items():
        error = failed(house, task_id)
        assert error["code"] == "upstream_error", (model, file)
        assert "http" not in error["message"], (model, file)
    assert len(asked_of(upstream, before)) == len(ends) == 3 * len(BROKEN_AT)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_failed_job_tells_why(house, upstream, kind):
    upstream.set(outcome="failed")
    error = failed(house, create(house, ONE_OF_EACH[kind], duration=2))
    assert error["code"] == "upstream_error"
    assert "the model broke" in error["message"]


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_cancel_while_it_works_ends_the_task_at_once(house, upstream, kind):
    before = len(upstream.jobs())
    upstream.set(render_s=6)
    task_id = create(house, ONE_OF_EACH[kind], duration=2)
    step_reached(house, task_id, "polling")
    assert house.request("POST", f"/v1/tasks/{task_id}/cancel").status == 200
    assert house.wait(task_id, 30)["state"] == "cancelled"
    jobs = asked_of(upstream, before)
    assert [job["state"] for job in jobs if job["state"] != "cancelled"] == (
        [jobs[0]["state"]] if kind == "xai" else []
    )
