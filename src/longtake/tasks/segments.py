# SPDX-License-Identifier: Apache-2.0
"""One new part in several pieces: what the piece at hand is made from, and what is said of all of them together.

A piece goes on from the end of what exists by then, which is stored (Role.SO_FAR) before the next one is bought.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from longtake.errors import SourceUnusable
from longtake.seam_report import JoinFault, SeenAgain, Verdict
from longtake.types import (
    SECOND_US,
    Asset,
    ImageInput,
    Operation,
    Plan,
    RenderReport,
    Role,
    SeamReport,
    SegmentReport,
    Task,
    Value,
)

AS_PLANNED_US = 250_000
"""What a piece may lack after the one before it without being asked for at the next greater length."""
_STEP_RATIO, _STEP_LEVELS = 1.5, 1.5
_WORSE = (Verdict.UNSEEN, Verdict.SLIGHT, Verdict.FROZEN, Verdict.VISIBLE, Verdict.FLASH)


class Segment(Value, frozen=True):
    """The piece of a task's new part that is being made; of most tasks the only one."""

    number: int
    """From 0."""
    count: int
    operation: Operation
    new_us: int
    """How much of the new part it is to be, whatever the pieces before it came to."""
    wished_us: int
    """What a maker is asked for, before that is rounded up to what it makes."""
    start_us: int = 0
    """Where in its source it begins."""
    source: Asset | None = None
    """What it goes on from, where that is what the pieces before it came to; None = the task's own source, if any."""
    images: tuple[ImageInput, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether nothing follows it."""
        return self.number + 1 == self.count

    def percent(self, done: int) -> int:
        """A task's progress at a point where one that is made at once has `done` percent."""
        return (self.number * 100 + done) // self.count


def segment_of(task: Task) -> Segment:
    """The piece to be made next. Raises SourceUnusable if what it goes on from is gone."""
    plan = task.plan
    if not plan.segments:
        return Segment(
            number=0,
            count=1,
            operation=task.operation,
            new_us=plan.new_us,
            wished_us=plan.new_us,
            start_us=plan.start_us,
            images=plan.images,
        )
    done = len(task.report.segments) if task.report else 0
    lengths_us = plan.segments
    number, count = min(done, len(lengths_us) - 1), len(lengths_us)
    first = Segment(
        number=0,
        count=count,
        operation=task.operation,
        new_us=lengths_us[0],
        wished_us=lengths_us[0],
        start_us=plan.start_us,
        # The last picture is where the last piece ends.
        images=tuple(image for image in plan.images if count == 1 or image.role is not Role.LAST_FRAME),
    )
    if number == 0:
        return first
    source = task.assets.get(Role.SO_FAR)
    if source is None or source.facts is None:
        raise SourceUnusable("what was made so far of this video is gone: submit the request again", param="task_id")
    assert task.report is not None, "a segment after the first follows one that is done"
    ends_us = task.report.segments[0].start_us + sum(lengths_us[: number + 1])
    begins_us = source.facts.duration_us
    # A maker's clip may have been shorter than it should, and frames are of no whole number of microseconds.
    new_us = min(ends_us - begins_us, max(lengths_us))
    planned_us = lengths_us[number]
    is_last = number + 1 == count
    return msgspec.structs.replace(
        first,
        number=number,
        operation=Operation.EXTEND,
        new_us=new_us,
        wished_us=planned_us if new_us <= planned_us + AS_PLANNED_US else new_us,
        start_us=begins_us,
        source=source,
        images=tuple(image for image in plan.images if is_last and image.role is Role.LAST_FRAME),
    )


def plan_of(task: Task, segment: Segment) -> Plan:
    """The plan of one piece, as if it were all that there is to be made."""
    if segment.count == 1:
        return task.plan
    return msgspec.structs.replace(
        task.plan,
        operation=segment.operation,
        start_us=segment.start_us,
        new_us=segment.new_us,
        # The first join has brought the head to the wished picture.
        geometry_kept=task.plan.geometry_kept or segment.number > 0,
        source_asset_id=segment.source.id if segment.source else task.plan.source_asset_id,
        images=segment.images,
        look=(task.report.look if task.report else None) or task.plan.look,
        segments=(),
    )


def joints_before(task: Task) -> tuple[int, ...]:
    """Where in the result the segments that are done were joined."""
    done = task.report.segments if task.report else ()
    return tuple(one.start_us for one in done if one.seam is not None)


def report_with(task: Task, segment: Segment, made: RenderReport) -> RenderReport:
    """The report of all pieces that are done, with that of the one that was just joined."""
    if segment.count == 1:
        return made
    before = task.report.segments[: segment.number] if task.report else ()
    said = task.report.warnings if task.report and before else ()
    seam = made.seam if segment.operation is Operation.EXTEND else None
    start_us, new_us = _place_of(segment, made)
    this = SegmentReport(maker=task.plan.maker, start_us=start_us, new_us=new_us, seam=seam, joined=made.joined)
    segments = (*_seen_again(before, made.seen_again), this)
    seams = [one.seam for one in segments if one.seam is not None]
    head = task.report.head if task.report and before else made.head
    return msgspec.structs.replace(
        made,
        head=head if task.operation is Operation.EXTEND else None,
        seam=max(seams, key=_badness, default=None),
        segments=segments,
        seen_again=(),
        warnings=(*said, *(_of_segment(segment, warning) for warning in made.warnings)),
    )


def _seen_again(segments: Sequence[SegmentReport], seen: Sequence[SeenAgain]) -> Iterator[SegmentReport]:
    """The segments with what the finished video shows of their joins, where it was looked at."""
    left = iter(seen)
    for one in segments:
        again = next(left, None) if one.seam is not None else None
        if one.seam is None or again is None:
            yield one
            continue
        faults = (*one.seam.faults, JoinFault.DRIFT) if again.is_off else one.seam.faults
        seam = msgspec.structs.replace(one.seam, faults=faults, drift=again.drift, band=again.band)
        yield msgspec.structs.replace(one, seam=seam)


def without_last(report: RenderReport) -> RenderReport:
    """The report as it was before the last piece was joined, which is to be joined again."""
    return msgspec.structs.replace(report, segments=report.segments[:-1])


def _place_of(segment: Segment, made: RenderReport) -> tuple[int, int]:
    """Where a piece begins and how long it came out, by what there is now."""
    video = next((file.facts for file in made.files if file.role is Role.VIDEO), None)
    if video is None:
        return segment.start_us, segment.new_us
    if segment.source is None and made.head is not None:
        # The head ends with a frame, not at a microsecond: at 0 it is one frame long.
        new_us = round((video.video.frames - made.head.frames) / video.video.fps.fraction * SECOND_US)
        return video.duration_us - new_us, new_us
    return segment.start_us, video.duration_us - segment.start_us


def _badness(seam: SeamReport) -> tuple[int, int, float]:
    """Orders joins: by the word for them, by how much is wrong, by how far a step is beyond what nobody sees."""
    word = 0 if seam.verdict is None else _WORSE.index(seam.verdict)
    return word, len(seam.faults), seam.luma_step / max(_STEP_RATIO * seam.median_step, _STEP_LEVELS)


def _of_segment(segment: Segment, warning: str) -> str:
    code, colon, words = warning.partition(": ")
    where = f"in part {segment.number + 1} of {segment.count}"
    return f"{code}: {where}: {words}" if colon else f"{warning} ({where})"
