# SPDX-License-Identifier: Apache-2.0
"""What an extension goes on from: our own file, and the video that the account itself has of it, on its own clock."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import SourceUnusable
from longtake.providers.base import Abilities, InputLimits
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.ways import Native, Way, way_of
from longtake.store.base import Store
from longtake.tasks.remote import native_ids
from longtake.tasks.segments import AS_PLANNED_US, Segment, segment_of
from longtake.types import Asset, JoinReport, Mode, Operation, Task, Value

_USUAL_CODECS = frozenset({"h264", "hevc", "av1"})


class Origin(Value, frozen=True):
    """What a segment goes on from."""

    start_us: int
    source: Asset | None = None
    """None where a video is created."""
    native: Native | None = None
    """What the account has of it, if it made its end."""

    @property
    def source_us(self) -> int:
        """The source's length."""
        return self.source.facts.duration_us if self.source and self.source.facts else 0


class OwnClip(Value, frozen=True):
    """A clip that an account has of the end of a video."""

    ids: Mapping[str, str]
    begins_us: int
    """Where our video's beginning would lie on its clock."""
    clip_us: int

    def at(self, start_us: int) -> Native | None:
        """It as what a start goes on from; None if the start is before it."""
        there_us = self.begins_us + start_us
        if there_us < 0:
            return None
        return Native(ids=self.ids, start_us=there_us, length_us=max(self.clip_us, there_us))


class _Part(Value, frozen=True):
    """A part of a video that a provider made: where it lies there, and how its clip was joined."""

    task: Task
    segment: int
    """Which of the task's."""
    start_us: int
    wished_us: int
    joined: JoinReport | None


async def origin_of(store: Store, task: Task, segment: Segment, account: LiveAccount) -> Origin:
    """What a segment goes on from, as this account would be given it. Raises SourceUnusable if it is gone."""
    if segment.operation is Operation.CREATE:
        return Origin(start_us=0)
    if segment.source is not None:
        part = _part(task, segment.number - 1)
        clip = None if part is None else await _clip(store, part, account, task.model_made)
        native = clip.at(segment.start_us) if clip else None
        return Origin(start_us=segment.start_us, source=segment.source, native=native)
    source = await _source(store, task)
    parent = await store.task(task.tenant_id, task.parent_id) if task.parent_id else None
    clip = None if parent is None else await own_clip(store, parent, account, task.model_made)
    return Origin(start_us=segment.start_us, source=source, native=clip.at(segment.start_us) if clip else None)


async def own_clip(store: Store, parent: Task, account: LiveAccount, model_name: str) -> OwnClip | None:
    """What an account itself has of a finished task's video; None if it did not make its end."""
    # What we cut and joined, it has never seen.
    part = _part(parent) if parent.plan.maker.mode is Mode.NATIVE else None
    return None if part is None else await _clip(store, part, account, model_name)


async def way_at(store: Store, task: Task, account: LiveAccount, segment: Segment | None = None) -> Way | None:
    """How this account would do the task's next segment, or that one; None = it cannot."""
    segment = segment or segment_of(task)
    abilities = account.abilities[task.model_made]
    longest_us = abilities.max_new_us or max(abilities.lengths_us, default=None)
    if longest_us is not None and segment.wished_us > longest_us + AS_PLANNED_US:
        return None
    if segment.operation is Operation.CREATE and not segment.is_last and not _can_go_on(abilities):
        return None
    origin = await origin_of(store, task, segment, account)
    return way_of(
        abilities,
        segment.operation,
        start_us=origin.start_us,
        source_us=origin.source_us,
        native=origin.native,
        fits=origin.source is None or fits(origin.source, abilities.source),
    )


def fits(source: Asset, limits: InputLimits) -> bool:
    """Whether a file as it is can be given to a maker: an MP4 of a usual codec, upright, within its limits."""
    if source.facts is None:
        return True
    picture = source.facts.video
    return (
        source.mime == "video/mp4"
        and picture.codec in _USUAL_CODECS
        and picture.rotation_deg == 0
        and (limits.max_bytes is None or source.size_bytes <= limits.max_bytes)
        and picture.fps.within(limits.max_fps) == picture.fps
        and (limits.max_short_side is None or min(picture.width, picture.height) <= limits.max_short_side)
    )


def asked_us(wished_us: int, abilities: Abilities) -> int:
    """The shortest length that the model makes and that is enough; what is too much is cut off here."""
    for length_us in abilities.lengths_us:
        if length_us >= wished_us:
            return length_us
    return max(abilities.lengths_us, default=max(wished_us, abilities.min_new_us))


def _can_go_on(abilities: Abilities) -> bool:
    return way_of(abilities, Operation.EXTEND, native=Native(ids={})) is not None


def _part(task: Task, segment: int | None = None) -> _Part | None:
    """That segment of what a provider made of a task, or the last one."""
    plan, report = task.plan, task.report
    if not plan.maker.is_remote or report is None:
        return None
    if not report.segments:
        return _Part(task=task, segment=0, start_us=plan.start_us, wished_us=plan.new_us, joined=report.joined)
    number = len(report.segments) - 1 if segment is None else segment
    made = report.segments[number]
    return _Part(task=task, segment=number, start_us=made.start_us, wished_us=plan.segments[number], joined=made.joined)


async def _clip(store: Store, part: _Part, account: LiveAccount, model_name: str) -> OwnClip | None:
    """The clip that the account made for a part of a task's video."""
    maker, ids = await native_ids(store, part.task, part.segment)
    if maker != account.name or not ids:
        return None
    begins_us, clip_us = (part.joined.begins_us, part.joined.clip_us) if part.joined else (0, 0)
    if part.joined is None and part.task.operation is Operation.UPLOAD:
        clip_us = part.wished_us  # adopted: measured, not ordered
    elif part.joined is None and part.task.operation is not Operation.REMIX:
        clip_us = asked_us(part.wished_us, account.abilities[model_name])
    return OwnClip(ids=ids, begins_us=begins_us - part.start_us, clip_us=clip_us)


async def _source(store: Store, task: Task) -> Asset:
    asset = await store.asset(task.plan.source_asset_id) if task.plan.source_asset_id else None
    if asset is None or asset.tenant_id != task.tenant_id:
        raise SourceUnusable("the source video is gone: submit the request again with another", param="task_id")
    return asset
