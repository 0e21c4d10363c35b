# SPDX-License-Identifier: Apache-2.0
"""Jobs around a remote maker, in a real child: its input made ready, its clip joined to the head or delivered."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest
from tests.media.clips import HEAD, HEAD_S, NEW, Film, Shape, cast_of, shoot, write
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
from longtake.seam_report import JoinFault
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


def test_every_join_of_a_new_part_in_pieces_is_shown_and_judged(stocked: Bench, film: Film, tmp_path: Path) -> None:
    """Two clips one after the other, the second of another colour; the last job looks at the first join again."""
    first = extension(stocked, "answer")
    plan = msgspec.structs.replace(first.plan, new_us=SECOND_US // 2)
    done = stocked.do(msgspec.structs.replace(first, plan=plan, interim=True))
    assert isinstance(done, Produced), done
    (so_far,) = done.report.files
    assert so_far.role is Role.VIDEO
    assert done.report.seam is not None
    assert (done.report.seam.band, done.report.seam.drift) == (None, None)
    stocked.put("so-far", stocked.storage.path(so_far.key).read_bytes())
    rest = [*film[HEAD + 4 : HEAD + 12], *(cast_of((1, 1, 1), (-14, 9, 9))(one) for one in film[HEAD + 12 :])]
    clip = write(tmp_path / "rest.mp4", rest, SOUND, sound_from_s=HEAD_S + 4 / 24)
    stocked.put("rest", clip.read_bytes())
    begins_us = HEAD_S * SECOND_US + SECOND_US // 2
    facts = so_far.facts
    assert facts is not None
    last = stocked.do(
        ExtendRequest(
            plan=msgspec.structs.replace(plan, start_us=begins_us, source_asset_id="so-far", look=done.report.look),
            source_key="so-far", source=facts, clip=ClipInput(key="rest", sent_us=8 * SECOND_US // 24),
            part_from=HEAD, joints_us=(HEAD_S * SECOND_US,),
        )
    )  # fmt: skip
    assert isinstance(last, Produced), last
    (again,), seam = last.report.seen_again, last.report.seam
    assert seam is not None
    assert again.band is not None
    assert seam.band is not None
    picture = cv2.imread(str(stocked.checked(last.report)[Role.SEAM]))
    assert picture is not None
    assert (again.band.top, seam.band.top) == (0, again.band.height)
    assert picture.shape[:2] == (again.band.height + seam.band.height, seam.band.width)
    assert (seam.band.picture_height, again.band.picture_height) == (picture.shape[0], picture.shape[0])
    # The fourth picture of each row is the first new one.
    for band, number in ((again.band, HEAD), (seam.band, HEAD + 12)):
        left = 3 * 288 + 2 * 4 + 10
        shown = cv2.cvtColor(picture[band.top : band.top + 162, left : left + 288], cv2.COLOR_BGR2GRAY)
        expected = [
            cv2.resize(film[at][: film[at].shape[0] * 2 // 3], (288, 162), interpolation=cv2.INTER_AREA)
            for at in (number - 2, number, number + 2)
        ]
        alike = [float(np.corrcoef(shown.ravel(), one.ravel())[0, 1]) for one in expected]
        assert alike[1] > 0.99
        assert max(alike) == alike[1]
    assert again.drift is not None
    assert (abs(again.drift.u), abs(again.drift.v)) < (2, 2), "the first piece is of the source's colours"
    assert seam.drift is not None
    assert seam.drift.u > 4, (seam, again)
    assert (JoinFault.COLOR in seam.faults, JoinFault.DRIFT in seam.faults) == (True, True)


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
