# SPDX-License-Identifier: Apache-2.0
"""Jobs around a remote maker, in a real child: its input made ready, its clip joined to the head or delivered."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import pytest
from tests.media.clips import HEAD, HEAD_S, NEW, Film, Shape, shoot, write
from tests.media.conftest import packaged
from tests.render.conftest import create_plan
from tests.render.test_jobs import Bench, bench

from longtake.render.base import (
    ClipInput,
    CreateRequest,
    ExtendRequest,
    Failed,
    Probed,
    ProbeRequest,
    Produced,
    RenderJob,
    StageRequest,
)
from longtake.types import SECOND_US, Maker, Mode, Operation, Role

__all__ = ["bench"]

SOUND = Shape(rate_hz=48_000)
REMOTE = Maker(provider="relay-a", model="grok-video-3", engine="", mode=Mode.BRIDGED)


@pytest.fixture(scope="module")
def film() -> Film:
    return shoot(packaged("bikes.mp4"), HEAD + NEW, 20)


@pytest.fixture(scope="module")
def stocked(bench: Bench, film: Film, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A source and what a maker made of its head's last picture, as blobs."""
    folder = tmp_path_factory.mktemp("blobs")
    source = write(folder / "source.mp4", [*film[:HEAD], *film[:12]], SOUND)
    clip = write(folder / "clip.mp4", film[HEAD - 1 :], SOUND, sound_from_s=HEAD_S - 1 / 24)
    for key, path in {"source": source, "answer": clip}.items():
        bench.put(key, Path(path).read_bytes())
    bench.put("page", b"<html>502 Bad Gateway</html>" * 20)
    return bench


def extension(bench: Bench, key: str) -> ExtendRequest:
    probed = bench.do(ProbeRequest(key="source"))
    assert isinstance(probed, Probed)
    plan = create_plan(
        "a tram passes", operation=Operation.EXTEND, maker=REMOTE, start_us=HEAD_S * SECOND_US, source_asset_id="source"
    )
    return ExtendRequest(plan=plan, source_key="source", source=probed.facts, clip=ClipInput(key=key, sent_us=0))


def test_a_fetched_clip_is_joined_to_the_head(stocked: Bench) -> None:
    final = stocked.do(extension(stocked, "answer"))
    assert isinstance(final, Produced), final
    report = final.report
    paths = stocked.checked(report)
    assert list(paths) == [Role.VIDEO, Role.NEW_PART, Role.SEAM, Role.THUMBNAIL, Role.SPRITE]
    assert report.joined is not None
    assert (report.joined.kind, report.joined.repeated_frames) == ("tail", 1)
    assert report.seam is not None
    assert report.seam.verdict is not None
    assert report.seam.drift is not None
    assert report.look is not None
    assert cv2.imread(str(paths[Role.SEAM])) is not None
    assert report.head is not None
    assert report.head.copied >= HEAD - 4
    assert report.warnings == ()
    with av.open(str(paths[Role.VIDEO])) as container:
        assert sum(1 for _ in container.decode(video=0)) == HEAD + NEW


def test_a_page_in_a_clips_place_fails_the_job_and_is_not_tried_again(stocked: Bench) -> None:
    final = stocked.do(extension(stocked, "page"))
    assert isinstance(final, Failed), final
    assert (final.code, final.retryable) == ("clip_unusable", False)
    assert "HTML" in final.message


def test_a_fetched_clip_is_delivered(stocked: Bench) -> None:
    plan = create_plan("a tram passes", maker=REMOTE)
    final = stocked.do(CreateRequest(plan=plan, clip=ClipInput(key="answer")))
    assert isinstance(final, Produced), final
    paths = stocked.checked(final.report)
    assert list(paths) == [Role.VIDEO, Role.THUMBNAIL, Role.SPRITE]
    assert final.report.warnings == ()
    with av.open(str(paths[Role.VIDEO])) as container:
        assert sum(1 for _ in container.decode(video=0)) == NEW


def test_a_makers_input_is_made_ready(stocked: Bench) -> None:
    request = StageRequest(source_key="source", start_us=HEAD_S * SECOND_US, picture="jpeg", max_bytes=1 << 20)
    final = stocked.do(request)
    assert isinstance(final, Produced), final
    paths = stocked.checked(final.report)
    assert list(paths) == [Role.VIDEO, Role.LAST_FRAME]
    assert [made.mime for made in final.report.files] == ["video/mp4", "image/jpeg"]
    assert final.report.staged is not None
    assert final.report.staged.sent_us == pytest.approx(HEAD_S * SECOND_US, abs=1000)
    assert final.report.staged.copied >= HEAD - 4
    assert paths[Role.LAST_FRAME].read_bytes().startswith(b"\xff\xd8\xff")
    final = stocked.do(StageRequest(source_key="source", start_us=SECOND_US, video=False, picture="png"))
    assert isinstance(final, Produced), final
    assert list(stocked.checked(final.report)) == [Role.LAST_FRAME]
    assert final.report.staged is not None
    assert final.report.staged.sent_us == 0


def test_an_attempts_jobs_are_told_apart() -> None:
    request = StageRequest(source_key="source", start_us=0)
    job = RenderJob(task="grok:1", attempt=2, request=request, output="work/grok:1/2", part="stage")
    assert job.key == "grok:1.2.stage"
    assert RenderJob(task="grok:1", attempt=2, request=request, output="work/grok:1/2").key == "grok:1.2"
