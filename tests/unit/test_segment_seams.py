# SPDX-License-Identifier: Apache-2.0
"""Of a new part in several pieces the report is of the worst join, and each has its own beside its piece."""

from __future__ import annotations

import msgspec
import pytest
from tests.http.test_rules import task

from longtake.seam_report import Band, DriftReport, JoinFault, SeamReport, SeenAgain, Verdict
from longtake.tasks.segments import Segment, joints_before, report_with
from longtake.types import MadeFile, Operation, RenderReport, Role, SegmentReport, Task

FILES = tuple(
    MadeFile(role=role, key=f"work/{role}", mime="image/jpeg", size_bytes=1, sha256="0" * 64)
    for role in (Role.SEAM, Role.THUMBNAIL)
)
UNSEEN = SeamReport(luma_step=2.0, median_step=1.0, ratio=2.0, verdict=Verdict.UNSEEN)
FROZEN = SeamReport(luma_step=0.0, median_step=1.0, ratio=0.0, verdict=Verdict.FROZEN, faults=(JoinFault.FROZEN,))
OLD = SeamReport(luma_step=0.5, median_step=1.0, ratio=0.5)


@pytest.mark.parametrize(
    ("first", "last", "worst"),
    [(UNSEEN, FROZEN, FROZEN), (FROZEN, UNSEEN, FROZEN), (OLD, UNSEEN, UNSEEN)],
    ids=["the last is frozen", "the first is frozen", "the first is of an earlier build"],
)
def test_the_worst_join_is_told(first: SeamReport, last: SeamReport, worst: SeamReport) -> None:
    report = report_with(*of_two(first), RenderReport(files=FILES, seam=last))
    assert report.seam == worst
    assert [one.seam for one in report.segments] == [first, last]
    assert report.files == FILES


def of_two(first: SeamReport) -> tuple[Task, Segment]:
    """A task whose first of two pieces is done, and the second."""
    base = task()
    plan = msgspec.structs.replace(base.plan, segments=(3_000_000, 3_000_000), new_us=6_000_000)
    done = SegmentReport(maker=plan.maker, start_us=3_000_000, new_us=3_000_000, seam=first)
    half = msgspec.structs.replace(base, plan=plan, report=RenderReport(files=(), seam=first, segments=(done,)))
    return half, Segment(number=1, count=2, operation=Operation.EXTEND, new_us=3_000_000, wished_us=3_000_000)


def test_what_the_finished_video_shows_of_an_earlier_join_is_added_to_it() -> None:
    half, segment = of_two(UNSEEN)
    assert joints_before(half) == (3_000_000,)
    band = Band(top=0, width=1762, height=332, picture_height=664)
    drift = DriftReport(brightness=9.0, u=0.0, v=0.0, contrast=1.0)
    last = msgspec.structs.replace(UNSEEN, band=msgspec.structs.replace(band, top=332))
    seen = (SeenAgain(band=band, drift=drift, is_off=True),)
    report = report_with(half, segment, RenderReport(files=FILES, seam=last, seen_again=seen))
    first = report.segments[0].seam
    assert first is not None
    assert (first.band, first.drift, first.faults) == (band, drift, (JoinFault.DRIFT,))
    assert report.segments[1].seam == last
    assert report.seam == first, "one with a fault is worse than one without"
    assert report.seen_again == ()
    # A first piece that was created has no join.
    created = msgspec.structs.replace(half, report=msgspec.structs.replace(
        half.report, segments=tuple(msgspec.structs.replace(one, seam=None) for one in half.report.segments)
    ) if half.report else None)  # fmt: skip
    assert joints_before(created) == ()
