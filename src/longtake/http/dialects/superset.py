# SPDX-License-Identifier: Apache-2.0
"""One body for each state of a task that every known client can read (wire.md 5.3 and rules R1 to R9).

R1: until a task is done its body holds no URL at all, for clients take any URL for the finished video.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import gcd
from typing import TypeAlias

import msgspec

from longtake.amounts import usd_text
from longtake.http.errors import MESSAGES_ZH
from longtake.lifecycle import state_of
from longtake.types import (
    SECOND_US,
    Asset,
    Fault,
    JoinReport,
    Operation,
    ProvenanceReport,
    RenderReport,
    Role,
    SeamReport,
    State,
    Task,
)

UrlOf: TypeAlias = Callable[[Task, Role, Asset], str]
"""Makes a signed, absolute URL of a task's file."""

Body: TypeAlias = "dict[str, object]"

WORDS: Mapping[State, str] = {
    State.QUEUED: "pending",
    State.RUNNING: "processing",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
    State.EXPIRED: "failed",
}
"""The unified words; R5: only `completed` and `failed` are ends."""

_NAMED_ASPECTS = ((2, 3), (3, 2), (1, 1), (16, 9), (9, 16), (4, 3), (3, 4), (21, 9), (9, 21))
_ASPECT_TOLERANCE = 0.03
_ENDED_WITHOUT_FAULT: Mapping[State, Fault] = {
    State.CANCELLED: Fault(code="cancelled", message="the task was cancelled", message_zh="任务已取消"),
    State.EXPIRED: Fault(code="expired", message="the task passed its deadline", message_zh="任务已超过期限"),
    State.FAILED: Fault(code="internal_error", message="the task failed", message_zh="任务失败"),
}


@lru_cache(maxsize=1024)
def seconds_text(length_us: int) -> str:
    """A length as clients expect it: a text in seconds, without needless decimals."""
    return f"{length_us / SECOND_US:.3f}".rstrip("0").rstrip(".")


def aspect_text(width: int, height: int) -> str:
    """The aspect by its usual name if within 3 % of one, else as a reduced ratio."""
    for named_width, named_height in _NAMED_ASPECTS:
        if abs(width * named_height / (height * named_width) - 1) <= _ASPECT_TOLERANCE:
            return f"{named_width}:{named_height}"
    divisor = gcd(width, height) or 1
    return f"{width // divisor}:{height // divisor}"


def render_submitted(task: Task) -> Body:
    """The answer to a submission: the same when it is replayed, whatever became of the task meanwhile."""
    created_s = task.created_ms // 1000
    # Relays answer `processing` for this family and `pending` for the others (wire.md 1.1).
    word = "processing" if task.id.startswith("grok:") else "pending"
    body = _start(task, word, 0, created_s)
    body["warnings"] = list(dict.fromkeys((*task.submission.warnings, *task.plan.warnings)))
    body["metadata"] = {
        "mode": task.plan.maker.mode.value,
        "hold_usd": usd_text(task.hold_microusd),
        "hold_microusd": task.hold_microusd,
        **_segments(task, None),
    }
    return body


def render_task(task: Task, url_of: UrlOf) -> Body:
    """The answer to a query, in unified words."""
    state = state_of(task.step)
    body = _start(task, WORDS[state], task.progress, task.updated_ms // 1000)
    body["warnings"] = list(task.warnings)
    if state is State.SUCCEEDED:
        _add_result(body, task, url_of)
        return body
    body["metadata"] = {"mode": task.plan.maker.mode.value, **_cost(task), **_segments(task, task.report)}
    body["video_url"] = None
    if state not in {State.QUEUED, State.RUNNING}:
        fault = task.fault or _ENDED_WITHOUT_FAULT[state]
        code = fault.code if state is State.FAILED else state.value
        body["error"] = {
            "code": code,
            "message": fault.message,
            "message_zh": fault.message_zh or MESSAGES_ZH.get(code, ""),
            "param": fault.param,
            "retryable": fault.retryable,
        }
        body["fail_reason"] = fault.message
        body["completed_at"] = (task.finished_ms or task.updated_ms) // 1000
    return body


def render_record(task: Task, url_of: UrlOf) -> Body:
    """The superset with our own exact words beside it, for `/v1/tasks*`."""
    body = render_task(task, url_of)
    body["state"] = state_of(task.step).value
    body["step"] = task.step.value
    body["operation"] = task.operation.value
    body["sequence"] = task.sequence
    body["parent_id"] = task.parent_id
    body["cost_microusd"] = task.cost_microusd
    # A field's name is the caller's text as well: one that is a URL must not get into the body (R1).
    body["ignored"] = [name for name in task.submission.extra if "://" not in name]
    return body


def _start(task: Task, word: str, progress: int, updated_s: int) -> Body:
    maker = task.plan.maker
    body: Body = {
        "id": task.id,
        "task_id": task.id,
        "request_id": task.id,
        "object": "video",
        "model": task.model_requested,
        "status": word,
        "progress": progress,
        "created_at": task.created_ms // 1000,
        "status_update_time": updated_s,
        "seconds": seconds_text(task.plan.new_us),
        "size": f"{task.plan.width}x{task.plan.height}",
        "provider": maker.provider,
        "model_resolved": maker.model,
        "error": None,
    }
    if task.operation is Operation.REMIX:
        body["remixed_from_video_id"] = task.parent_id
    return body


def _cost(task: Task) -> Body:
    """What it cost by now: nothing before its end, and of one that was called off what its maker has billed so far."""
    return {"cost_usd": usd_text(task.cost_microusd), "cost_microusd": task.cost_microusd}


def _seam(seam: SeamReport) -> Body:
    body: Body = {
        "luma_step": round(seam.luma_step, 3),
        "median_step": round(seam.median_step, 3),
        "ratio": round(seam.ratio, 3),
        "click_db": None if seam.click_db is None else round(seam.click_db, 2),
    }
    if seam.verdict is None or seam.picture is None:
        return body
    return (
        body
        | {"verdict": seam.verdict.value, "faults": [fault.value for fault in seam.faults]}
        | msgspec.structs.asdict(seam.picture)
        | {
            "block": msgspec.structs.asdict(seam.picture.block) if seam.picture.block else None,
            "motion": msgspec.structs.asdict(seam.motion) if seam.motion else None,
            "level_db": seam.level_db,
            "drift": msgspec.structs.asdict(seam.drift) if seam.drift else None,
        }
    )


def _provenance(said: ProvenanceReport) -> Body:
    return {
        "c2pa": said.c2pa or None,
        "aigc": msgspec.json.decode(said.aigc) if said.aigc else None,
        "source_type": said.source_type,
    }


def _segments(task: Task, report: RenderReport | None, picture: str | None = None) -> Body:
    """The parts in which the new part is made, where there are several: what is done, and what is to come.

    `picture` is the URL of that of the joins, of which each one's own is a part (W3C Media Fragments, 4.2.2).
    """
    done = report.segments if report else ()
    rows: list[Body] = []
    for number, length_us in enumerate(task.plan.segments):
        if number >= len(done):
            rows.append({"status": "pending", "seconds": seconds_text(length_us)})
            continue
        made = done[number]
        row: Body = {
            "status": "completed",
            "seconds": seconds_text(made.new_us),
            "start_time": made.start_us / SECOND_US,
            "provider": made.maker.provider,
            "mode": made.maker.mode.value,
            "seam": _seam(made.seam) if made.seam else None,
        }
        band = made.seam.band if made.seam else None
        if picture and band:
            row["seam_picture_url"] = f"{picture}#xywh=0,{band.top},{band.width},{band.height}"
        rows.append(row | ({"joined": _joined(made.joined)} if made.joined else {}))
    return {"segments": rows} if rows else {}


def _joined(joined: JoinReport) -> Body:
    return {
        "kind": joined.kind,
        "begins": joined.begins_us / SECOND_US,
        "repeated_frames": joined.repeated_frames,
        "distance": round(joined.distance, 4),
        "fps": round(float(joined.fps.fraction), 3),
        "gains": [round(gain, 4) for gain in joined.gains],
        "shifts": [round(shift, 3) for shift in joined.shifts],
        "led_back": [round(shift, 3) for shift in joined.drift],
    }


def _add_result(body: Body, task: Task, url_of: UrlOf) -> None:
    urls = {role: url_of(task, role, asset) for role, asset in task.assets.items()}
    video = urls.get(Role.VIDEO)
    report = task.report
    asset = task.assets.get(Role.VIDEO)
    facts = asset.facts if asset else None
    metadata: Body = {
        "url": video,
        "mode": task.plan.maker.mode.value,
        **_cost(task),
        **_segments(task, report, urls.get(Role.SEAM)),
    }
    if report is not None:
        metadata["head"] = (
            {"frames": report.head.frames, "copied": report.head.copied} if report.head else {"frames": 0, "copied": 0}
        )
        metadata["seam"] = _seam(report.seam) if report.seam else None
        if report.joined is not None:
            metadata["joined"] = _joined(report.joined)
        metadata["pick"] = report.pick
        metadata["pick_error"] = None if report.pick_error is None else round(report.pick_error, 3)
        if report.scaler:
            metadata["scaler"] = report.scaler
        if report.provenance is not None:
            metadata["provenance"] = _provenance(report.provenance)
    if facts is not None:
        metadata["duration"] = facts.duration_us / SECOND_US
        metadata["frames"] = facts.video.frames
        body["size"] = f"{facts.video.width}x{facts.video.height}"
    if asset is not None:
        metadata["bytes"], metadata["sha256"] = asset.size_bytes, asset.sha256
    metadata["start_time"] = task.plan.start_us / SECOND_US
    if Role.NEW_PART in urls:
        metadata["new_part_url"] = urls[Role.NEW_PART]
    if Role.SPRITE in urls:
        metadata["spritesheet_url"] = urls[Role.SPRITE]
    if Role.SEAM in urls:
        metadata["seam_picture_url"] = urls[Role.SEAM]
    body |= {
        "progress": 100,
        "completed_at": (task.finished_ms or task.updated_ms) // 1000,
        "expires_at": None if task.expires_ms is None else task.expires_ms // 1000,
        "video_url": video,
        "url": video,
        "result_url": video,
        "thumbnail_url": urls.get(Role.THUMBNAIL),
        "output": {"url": video},
        "metadata": metadata,
        "prompt": task.plan.prompt,
        "enhanced_prompt": "",
        "aspect_ratio": aspect_text(facts.video.width, facts.video.height)
        if facts
        else aspect_text(task.plan.width, task.plan.height),
    }
