# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of a server while a provider has its job, on every wire: nothing is bought twice, the result is stored.

An extension of a clip that no maker has seen, so that its inputs are staged, uploaded or sent, too.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.conftest import Json, Launch, Server, part_files
from tests.acceptance.test_provider_walks import FPS, done, extend, facts_of, failed, foreign_clip, save
from tests.fakes.upstream.process import RunningUpstream

START_S, NEW_S = 3.5, 2
WIRES = {
    "unified": ("unified", "grok-video-3", ""),
    "openai_videos": ("openai", "sora-2", ""),
    "xai": ("xai", "grok-imagine-video", ""),
    "fal": ("fal", "ltx-2.3", ""),
    "comfyui": ("comfyui", "ltx", 'workflows = { ltx = { create = "ltx-create", extend = "ltx-extend" } }'),
}
"""Of each kind of provider: where the fake speaks its wire, a model, and the account's options."""
KINDS = sorted(WIRES)
BUYS = {"comfyui": "/prompt$", "fal": "^/fal/", "xai": "extensions$|generations$"}
"""The call that buys, of wires where a key does not make it count once."""


def toml_of(kind: str, upstream: RunningUpstream, options: str = "") -> str:
    prefix, model, own = WIRES[kind]
    options = options or own
    return (
        f'[[providers]]\nname = "maker"\nkind = "{kind}"\nbase_url = "{upstream.url}/{prefix}"\n'
        f'api_key_env = "RELAY_KEY"\nmodels = {{ m = "{model}" }}\noptions = {{ {options} }}\n'
    )


def kill(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)


def until(what: Callable[[], bool], words: str) -> None:
    limit = time.monotonic() + 60
    while not what():
        assert time.monotonic() < limit, words
        time.sleep(0.02)


def step_of(server: Server, task_id: str) -> str:
    return str(server.request("GET", f"/v1/tasks/{task_id}").json["step"])


def bought(upstream: RunningUpstream, before: int) -> list[Json]:
    return upstream.jobs()[before:]


def check_end(
    server: Server, task_id: str, upstream: RunningUpstream, before: int, folder: Path, *, submits: int = 1
) -> None:
    """One job, one whole film with its head, nothing left over, and money that adds up."""
    ended = done(server, task_id)
    jobs = bought(upstream, before)
    assert [job["submits"] for job in jobs] == [submits], jobs
    seconds, size, rate, _ = facts_of(save(server, task_id, folder / "film.mp4"))
    assert (size, rate) == ((320, 180), FPS)
    assert seconds == pytest.approx(ended["metadata"]["duration"], abs=0.1)
    assert seconds - START_S >= 1
    assert ended["metadata"]["head"]["frames"] == round(START_S * FPS)
    assert part_files(server.home) == []
    assert server.request("GET", "/v1/ledger/check").json["problems"] == []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign_clip(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.mark.parametrize("kind", KINDS)
def test_kill_9_while_it_is_asked_how_the_job_is(
    serve: Launch, upstream: RunningUpstream, film: Path, tmp_path: Path, kind: str
) -> None:
    """Twice: the second process takes over what the first one had taken over."""
    before, toml = len(upstream.jobs()), toml_of(kind, upstream)
    upstream.set(render_s=6.0, new_s=NEW_S)
    server = serve(toml)
    task_id = extend(server, "m", server.upload(film), START_S, duration=NEW_S)
    until(lambda: step_of(server, task_id) == "polling", "the job never reached the provider")
    polls = bought(upstream, before)[0]["polls"]
    kill(server)
    server = serve(toml, server.home)
    until(lambda: bought(upstream, before)[0]["polls"] > polls, "nobody asks for the job any more")
    assert step_of(server, task_id) == "polling"
    kill(server)
    check_end(serve(toml, server.home), task_id, upstream, before, tmp_path)


@pytest.mark.parametrize("kind", sorted(BUYS))
def test_kill_9_while_the_result_comes(
    serve: Launch, upstream: RunningUpstream, film: Path, tmp_path: Path, kind: str
) -> None:
    before, toml = len(upstream.jobs()), toml_of(kind, upstream)
    upstream.set(new_s=NEW_S)
    server = serve(toml)
    upstream.spoil({"path": "/view|^/files/|/content$", "method": "GET", "times": 1, "latency_s": 30.0})
    task_id = extend(server, "m", server.upload(film), START_S, duration=NEW_S)
    until(lambda: step_of(server, task_id) == "fetching", "the result was never fetched")
    kill(server)
    upstream.spoil()
    check_end(serve(toml, server.home), task_id, upstream, before, tmp_path)


@pytest.mark.parametrize("kind", sorted(BUYS))
def test_kill_9_while_the_call_that_buys_is_on_its_way(
    serve: Launch, upstream: RunningUpstream, film: Path, tmp_path: Path, kind: str
) -> None:
    """ComfyUI is asked for the job by its id, and has it; the others cannot be asked, and are sent nothing again."""
    before, toml = len(upstream.jobs()), toml_of(kind, upstream)
    upstream.set(new_s=NEW_S)
    server = serve(toml)
    upstream.spoil({"path": BUYS[kind], "method": "POST", "times": 1, "answer_after_s": 30.0})
    task_id = extend(server, "m", server.upload(film), START_S, duration=NEW_S)
    until(lambda: len(bought(upstream, before)) == 1, "the call never arrived")
    kill(server)
    again = serve(toml, server.home)
    if kind == "comfyui":
        check_end(again, task_id, upstream, before, tmp_path)
        return
    assert failed(again, task_id)["code"] == "submission_unconfirmed"
    time.sleep(1)
    assert [job["submits"] for job in bought(upstream, before)] == [1]
    assert part_files(again.home) == []


def test_kill_9_amid_a_call_that_counts_once_under_its_key(
    serve: Launch, upstream: RunningUpstream, film: Path, tmp_path: Path
) -> None:
    """What was staged for it is staged again, and the call is repeated."""
    before, toml = len(upstream.jobs()), toml_of("unified", upstream, "counts_once = true")
    upstream.set(new_s=NEW_S, counts_once=True)
    server = serve(toml)
    upstream.spoil({"path": "/extend$|/create$", "method": "POST", "times": 1, "answer_after_s": 30.0})
    task_id = extend(server, "m", server.upload(film), START_S, duration=NEW_S)
    until(lambda: len(bought(upstream, before)) == 1, "the call never arrived")
    kill(server)
    check_end(serve(toml, server.home), task_id, upstream, before, tmp_path, submits=2)
