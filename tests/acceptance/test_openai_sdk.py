# SPDX-License-Identifier: Apache-2.0
# pyright: reportDeprecated=false
"""OpenAI's own Python client against a real server: what it sends is taken, what it reads is there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import openai
import pytest
from openai._types import FileTypes
from openai.types import Video, VideoDeleteResponse
from tests.acceptance.conftest import Launch, Server, duration_s
from tests.acceptance.quick_home import quick_home

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
UNKNOWN_ID = "sora-2:018f0000-0000-7000-8000-00000000dead"
SAMPLE_ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"


@pytest.fixture(scope="module")
def server(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return launch(quick_home(tmp_path_factory.mktemp("home")))


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as client:
        yield client


@pytest.fixture
def upload(server: Server, clip: Path) -> str:
    """The id of an uploaded clip of 3 s."""
    return server.upload(clip)


def finished(client: openai.OpenAI, video: Video) -> Video:
    ended = client.videos.poll(video.id)
    assert (ended.status, ended.progress, ended.error) == ("completed", 100, None), ended
    return ended


def saved(client: openai.OpenAI, video: Video, path: Path) -> Path:
    client.videos.download_content(video.id).write_to_file(path)
    return path


def test_create_and_poll_then_read_its_files(client: openai.OpenAI, tmp_path: Path) -> None:
    video = client.videos.create_and_poll(
        model="sora-2", prompt="waves at night", seconds="4", extra_body={"size": "480x480"}
    )
    assert (video.object, video.status, video.model, video.seconds, video.size) == (
        "video", "completed", "sora-2", "4", "480x480",
    )  # fmt: skip
    assert video.completed_at is not None
    assert video.completed_at >= video.created_at
    assert video.prompt == "waves at night"
    read = client.videos.retrieve(video.id)
    assert (read.id, read.status, read.remixed_from_video_id) == (video.id, "completed", None)
    assert duration_s(saved(client, video, tmp_path / "video.mp4")) == pytest.approx(4, abs=0.05)
    for variant in ("thumbnail", "spritesheet"):
        content = client.videos.download_content(video.id, variant=variant)
        assert content.response.headers["content-type"].startswith("image/")
        assert content.read()[:2] in {b"\xff\xd8", b"\x89P"}
    deleted = client.videos.delete(video.id)
    assert deleted == VideoDeleteResponse(id=video.id, object="video.deleted", deleted=True)
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


def test_extend_in_three_ways(client: openai.OpenAI, clip: Path, upload: str, tmp_path: Path) -> None:
    with clip.open("rb") as file:
        by_file = client.videos.extend(video=file, prompt="it goes on", seconds="4")
    by_field = client.videos.extend(
        video=cast("FileTypes", openai.omit), prompt="it goes on", seconds="4",
        extra_body={"video": {"id": upload}},
    )  # fmt: skip
    by_json = client.post(
        "/videos/extensions", cast_to=Video, body={"prompt": "it goes on", "seconds": "4", "video": {"id": upload}}
    )
    for number, video in enumerate((by_file, by_field, by_json)):
        assert (video.status, video.seconds) == ("queued", "7")
        ended = finished(client, video)
        assert (ended.seconds, ended.size) == ("7", "320x180")
        assert duration_s(saved(client, video, tmp_path / f"{number}.mp4")) == pytest.approx(7, abs=0.05)


def test_remix_and_edit(client: openai.OpenAI, clip: Path, upload: str, tmp_path: Path) -> None:
    remixed = finished(client, client.videos.remix(upload, prompt="black and white"))
    assert (remixed.remixed_from_video_id, remixed.seconds, remixed.model) == (upload, "3", "sora-2")
    assert duration_s(saved(client, remixed, tmp_path / "remixed.mp4")) == pytest.approx(3, abs=0.05)
    with clip.open("rb") as file:
        edited = finished(client, client.videos.edit(video=file, prompt="fade to black"))
    assert (edited.remixed_from_video_id, edited.seconds) == (None, "3")


def test_lists_page_by_page(client: openai.OpenAI, upload: str) -> None:
    made = [client.videos.remix(upload, prompt=f"zoom in, number {number}").id for number in range(5)]
    seen = [video.id for video in client.videos.list(limit=2, order="asc")]
    assert [video_id for video_id in seen if video_id in made] == made
    first = client.videos.list(limit=3)
    assert [video.id for video in first.data] == made[:1:-1]
    assert first.has_more
    after = client.videos.list(after=made[2], limit=2)
    assert [video.id for video in after.data] == [made[1], made[0]]


def test_errors_are_told(server: Server, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.videos.retrieve(UNKNOWN_ID)
    assert (unknown.value.status_code, unknown.value.code, unknown.value.param) == (404, "task_not_exist", "id")
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.create(prompt="x", model="no-such-model")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert refused.value.type == "invalid_request_error"
    assert refused.value.request_id
    assert refused.value.request_id in refused.value.message
    with pytest.raises(openai.BadRequestError) as character:
        client.videos.get_character("char_1")
    assert character.value.code == "operation_not_supported"
    stranger = client.with_options(api_key="sk-wrong")
    with pytest.raises(openai.AuthenticationError) as closed:
        stranger.videos.list()
    assert closed.value.code == "invalid_api_key"
    running = client.videos.create(prompt="rain", model="longtake-cpu", seconds="12")
    with pytest.raises(openai.ConflictError) as busy:
        client.with_options(max_retries=2).videos.delete(running.id)
    assert busy.value.code == "task_running"
    assert busy.value.response.headers["x-should-retry"] == "false"
    cancelled = server.request("POST", f"/v1/tasks/{running.id}/cancel")
    assert cancelled.status == 200
    ended = client.videos.poll(running.id)
    assert (ended.status, ended.error and ended.error.code) == ("failed", "cancelled")


def test_the_asynchronous_client_and_the_mount(server: Server, tmp_path: Path) -> None:
    async def extend() -> Path:
        base_url = f"{server.url}/openai/v1"
        async with openai.AsyncOpenAI(base_url=base_url, api_key=server.key, max_retries=0) as client:
            video = await client.post(
                f"/videos/{SAMPLE_ID}/extend", cast_to=Video, body={"prompt": "zoom in", "start_time": 1, "duration": 1}
            )
            ended = await client.videos.poll(video.id)
            assert (ended.status, ended.seconds) == ("completed", "2")
            assert (await client.videos.list(limit=1)).data[0].id == video.id
            content = await client.videos.download_content(video.id)
            content.write_to_file(tmp_path / "video.mp4")
            return tmp_path / "video.mp4"

    assert duration_s(asyncio.run(extend())) == pytest.approx(2, abs=0.05)
