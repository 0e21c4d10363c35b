# SPDX-License-Identifier: Apache-2.0
"""How a video came to be, for other programs: as an OpenTimelineIO timeline that can be cut on, and as a document.

Each stretch's clip plays from the video of the task that made it, which has more on both sides of the cut than the
result, so that an editor may move the cut. OpenTimelineIO's own library writes the same JSON; it is the judge in tests,
rather than a dependency of every installation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import cast

import msgspec

from longtake.amounts import usd_text
from longtake.errors import InvalidRequest, TaskNotFinished
from longtake.http.context import Context
from longtake.http.dialects.superset import Body, UrlOf
from longtake.http.links import file_name
from longtake.http.messages import Answer, Call, header_value, json_answer
from longtake.http.videos import task_id
from longtake.lifecycle import state_of
from longtake.tasks.lineage import Lineage, Stretch
from longtake.types import SECOND_US, Asset, MediaFacts, Operation, Role, Task

_MEDIA = ("links", "names")


async def read_timeline(context: Context, call: Call) -> Answer:
    """The stretches of a finished video as an OpenTimelineIO timeline. `media`: signed links, or names of files."""
    media = call.query().get("media") or _MEDIA[0]
    if media not in _MEDIA:
        raise InvalidRequest(f"media is {media[:40]!r}: ask for {' or '.join(_MEDIA)}", param="media")
    kin = await _finished(context, call)
    url_of = context.links.url_maker(call) if media == "links" else _name_of
    name = f"{kin.path[-1].id.replace(':', '-')}.otio"
    disposition = (b"content-disposition", header_value(f'attachment; filename="{name}"'))
    return json_answer(timeline(kin, url_of), headers=[disposition])


async def read_provenance(context: Context, call: Call) -> Answer:
    """Who made each second of a finished video, by what, at what cost, and the files that show it."""
    kin = await _finished(context, call)
    return json_answer(provenance(kin, context.links.url_maker(call)))


async def _finished(context: Context, call: Call) -> Lineage:
    """The kin of a task that has a video. Raises TaskNotFound, TaskNotFinished."""
    kin = await context.service.lineage(call.owner, task_id(call.params["id"], "id"))
    if not kin.stretches:
        status = state_of(kin.path[-1].step).value
        raise TaskNotFinished(f"Task is not completed yet, current status: {status}", param="id")
    return kin


def provenance(kin: Lineage, url_of: UrlOf) -> Body:
    """The document of a path, from the oldest ancestor that is still there to the task."""
    task = kin.path[-1]
    return {
        "object": "provenance",
        "id": task.id,
        "stretches": [_stretch(one) for one in kin.stretches],
        "path": [_step(one, url_of) for one in kin.path],
        "parent_is_gone": kin.parent_is_gone,
        "cost_usd": usd_text(sum(one.cost_microusd for one in kin.path)),
        "cost_microusd": sum(one.cost_microusd for one in kin.path),
    }


def _stretch(one: Stretch) -> Body:
    return {
        "from": one.from_us / SECOND_US,
        "to": one.to_us / SECOND_US,
        "task_id": one.task_id,
        **_made_by(one),
    }


def _made_by(one: Stretch) -> Body:
    """Who made a stretch; an upload was made elsewhere, nobody here knows by whom."""
    is_upload = one.operation is Operation.UPLOAD
    return {
        "operation": one.operation.value,
        "provider": None if is_upload else one.provider,
        "model": None if is_upload else one.model,
        "mode": None if is_upload else one.mode.value,
        "prompt": None if is_upload else one.prompt,
        "segment": one.segment,
        "cost_usd": usd_text(one.cost_microusd),
        "cost_microusd": one.cost_microusd,
    }


def _step(task: Task, url_of: UrlOf) -> Body:
    video = task.assets.get(Role.VIDEO)
    said = task.report.provenance if task.report is not None else None
    head = task.report.head if task.report is not None else None
    return {
        "task_id": task.id,
        "operation": task.operation.value,
        "created_at": task.created_ms // 1000,
        "start_time": task.plan.start_us / SECOND_US,
        "cost_usd": usd_text(task.cost_microusd),
        "cost_microusd": task.cost_microusd,
        "sha256": video.sha256 if video is not None else None,
        "bytes": video.size_bytes if video is not None else None,
        "url": url_of(task, Role.VIDEO, video) if video is not None else None,
        "head": {"frames": head.frames, "copied": head.copied} if head is not None else None,
        "c2pa": said.c2pa or None if said is not None else None,
        "aigc": msgspec.json.decode(said.aigc) if said is not None and said.aigc else None,
    }


def timeline(kin: Lineage, url_of: UrlOf) -> Body:
    """The timeline, with a track of pictures and, where there is sound, one of sound."""
    task = kin.path[-1]
    facts = _facts(task)
    assert facts is not None, "a video with stretches has facts"
    rate = facts.video.fps.fraction
    by_id = {one.id: one for one in kin.path}

    def clips(kind: str) -> list[Body]:
        return [_clip(one, by_id[one.task_id], rate, url_of, kind) for one in kin.stretches]

    tracks = [_track("Video", clips("Video"))]
    if facts.audio is not None:
        tracks.append(_track("Audio", clips("Audio")))
    return {
        **_item("Timeline.1", task.id),
        "metadata": {"longtake": _without_urls(provenance(kin, url_of))},
        "global_start_time": None,
        "tracks": {**_composed("Stack.1", "tracks"), "children": tracks},
    }


def _without_urls(document: Body) -> Body:
    """The document beside the clips, which have the links already."""
    path = cast("Sequence[Mapping[str, object]]", document["path"])
    return {**document, "path": [{name: value for name, value in one.items() if name != "url"} for one in path]}


def _clip(one: Stretch, task: Task, rate: Fraction, url_of: UrlOf, kind: str) -> Body:
    facts, video = _facts(task), task.assets[Role.VIDEO]
    assert facts is not None, "a task with a stretch has facts"
    metadata = {"longtake": _stretch(one)}
    reference: Body = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": file_name(task.id, Role.VIDEO, video),
        "available_range": _range(0, facts.duration_us, rate),
        "available_image_bounds": None,
        "target_url": url_of(task, Role.VIDEO, video),
    }
    name = one.operation.value if one.operation is Operation.UPLOAD else f"{one.operation.value} · {one.model}"
    return {
        **_composed("Clip.2", name),
        "metadata": metadata if kind == "Video" else {},
        "source_range": _range(one.from_us, one.to_us, rate),
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _track(kind: str, clips: Sequence[Body]) -> Body:
    return {**_composed("Track.1", kind), "kind": kind, "children": list(clips)}


def _composed(schema: str, name: str) -> Body:
    return {**_item(schema, name), "source_range": None, "effects": [], "markers": [], "enabled": True}


def _item(schema: str, name: str) -> Body:
    return {"OTIO_SCHEMA": schema, "metadata": {}, "name": name}


def _range(from_us: int, to_us: int, rate: Fraction) -> Body:
    """Whole frames of the result's rate: neighbours meet, since both ends are rounded alike."""
    first, last = round(from_us * rate / SECOND_US), round(to_us * rate / SECOND_US)
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(first, rate), "duration": _time(last - first, rate)}


def _time(frames: int, rate: Fraction) -> Body:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}


def _facts(task: Task) -> MediaFacts | None:
    video = task.assets.get(Role.VIDEO)
    return video.facts if video is not None else None


def _name_of(task: Task, role: Role, asset: Asset) -> str:
    """A name beside the timeline, as the file has when it is downloaded."""
    return file_name(task.id, role, asset)
