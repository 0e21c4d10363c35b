# SPDX-License-Identifier: Apache-2.0
"""Of a new part in several pieces the report is of the worst join; a picture is there only if that is the last."""

from __future__ import annotations

import msgspec
import pytest
from tests.http.test_rules import task

from longtake.seam_report import JoinFault, SeamReport, Verdict
from longtake.tasks.segments import Segment, report_with
from longtake.types import MadeFile, Operation, RenderReport, Role, SegmentReport

FILES = tuple(
    MadeFile(role=role, key=f"work/{role}", mime="image/jpeg", size_bytes=1, sha256="0" * 64)
    for role in (Role.SEAM, Role.THUMBNAIL)
)
UNSEEN = SeamReport(luma_step=2.0, median_step=1.0, ratio=2.0, verdict=Verdict.UNSEEN)
FROZEN = SeamReport(luma_step=0.0, median_step=1.0, ratio=0.0, verdict=Verdict.FROZEN, faults=(JoinFault.FROZEN,))
OLD = SeamReport(luma_step=0.5, median_step=1.0, ratio=0.5)


@pytest.mark.parametrize(
    ("first", "last", "worst", "pictured"),
    [(UNSEEN, FROZEN, FROZEN, True), (FROZEN, UNSEEN, FROZEN, False), (OLD, UNSEEN, UNSEEN, True)],
    ids=["the last is frozen", "the first is frozen", "the first is of an earlier build"],
)
def test_the_worst_join_is_told(first: SeamReport, last: SeamReport, worst: SeamReport, *, pictured: bool) -> None:
    base = task()
    plan = msgspec.structs.replace(base.plan, segments=(3_000_000, 3_000_000), new_us=6_000_000)
    done = SegmentReport(maker=plan.maker, start_us=3_000_000, new_us=3_000_000, seam=first)
    of_two = msgspec.structs.replace(base, plan=plan, report=RenderReport(files=(), seam=first, segments=(done,)))
    segment = Segment(number=1, count=2, operation=Operation.EXTEND, new_us=3_000_000, wished_us=3_000_000)
    report = report_with(of_two, segment, RenderReport(files=FILES, seam=last))
    assert report.seam == worst
    assert [one.seam for one in report.segments] == [first, last]
    assert (Role.SEAM in {file.role for file in report.files}) is pictured
