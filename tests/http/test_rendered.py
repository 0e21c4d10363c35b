# SPDX-License-Identifier: Apache-2.0
"""Bodies that are kept for who asks again: never another task's, another caller's, or of before a change."""

from __future__ import annotations

import gc
from collections.abc import Callable

import httpx2
import msgspec
import pytest
from tests.contract.values import make_task
from tests.http.conftest import SAMPLE_ID, World
from tests.http.test_links import ASSET, Moment, call_with

from longtake.http.dialects.openai import render_video
from longtake.http.dialects.superset import render_record, render_task
from longtake.http.links import STABLE_S, Links
from longtake.http.messages import Call
from longtake.http.proxies import Proxies
from longtake.http.rendered import RenderedTasks
from longtake.types import Role, Step

FINISHED = msgspec.structs.replace(
    make_task(), step=Step.SUCCEEDED, assets={Role.VIDEO: ASSET, Role.THUMBNAIL: msgspec.structs.replace(ASSET, id="b")}
)
LOCAL, NAMED = call_with(host="127.0.0.1:8420"), call_with(host="localhost:8420")


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def rendered(clock: Moment) -> RenderedTasks:
    return RenderedTasks(Links(b"s" * 32, public_url="", lifetime_s=86_400, proxies=Proxies(()), now_s=clock))


def test_the_same_is_made_once_for_each_form(rendered: RenderedTasks) -> None:
    bodies = [rendered.body(LOCAL, FINISHED, render) for render in (render_task, render_record, render_video)]
    assert len(set(bodies)) == 3
    for body, render in zip(bodies, (render_task, render_record, render_video), strict=True):
        assert rendered.body(LOCAL, FINISHED, render) is body


@pytest.mark.parametrize("other", [NAMED, call_with(server=("10.0.0.1", 80))])
def test_links_are_for_who_asks(rendered: RenderedTasks, other: Call) -> None:
    for _ in range(2):
        assert b"http://127.0.0.1:8420/v1/assets/" in rendered.body(LOCAL, FINISHED, render_task)
        assert b"//127.0.0.1" not in rendered.body(other, FINISHED, render_task)


def test_links_are_renewed(rendered: RenderedTasks, clock: Moment) -> None:
    first = rendered.body(LOCAL, FINISHED, render_task)
    clock.now_s += STABLE_S
    assert rendered.body(LOCAL, FINISHED, render_task) != first


def test_what_is_written_to_a_task_shows(rendered: RenderedTasks) -> None:
    """Each change is another object, though its id is the same."""
    task = make_task()
    for progress in range(100):
        task = msgspec.structs.replace(task, step=Step.GENERATING, progress=progress)
        shown = msgspec.json.decode(rendered.body(LOCAL, task, render_task))
        assert (shown["id"], shown["progress"]) == (task.id, progress)


@pytest.mark.parametrize("render", [render_task, render_video])
def test_nothing_stays_of_a_task_that_is_gone(
    rendered: RenderedTasks, render: Callable[..., dict[str, object]]
) -> None:
    for _ in range(50):
        rendered.body(LOCAL, msgspec.structs.replace(FINISHED), render)
    gc.collect()
    assert rendered._known == {}


def test_a_deleted_task_and_a_foreign_one_are_unknown(
    world: World, client: httpx2.Client, other: httpx2.Client
) -> None:
    sent = {"file": ("a.mp4", world.storage.path(_asset_of(client, SAMPLE_ID)).read_bytes())}
    made = client.post("/v1/files", files=sent).json()["id"]
    paths = (f"/v1/video/query?id={made}", f"/v1/videos/{made}", f"/v1/tasks/{made}")
    for path in paths:
        assert [client.get(path).status_code for _ in range(2)] == [200, 200]
        assert other.get(path).status_code == 404
    assert client.delete(f"/v1/tasks/{made}").status_code == 200
    for path in paths:
        assert client.get(path).status_code == 404


def _asset_of(client: httpx2.Client, task_id: str) -> str:
    url: str = client.get(f"/v1/tasks/{task_id}").json()["video_url"]
    return url.split("/")[5]
