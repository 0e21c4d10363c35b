# SPDX-License-Identifier: Apache-2.0
"""What the fields of a request mean (DESIGN 2). Pure: the same submission, source and maker give the same plan."""

from __future__ import annotations

from typing import Literal

from longtake.errors import InvalidRequest, InvalidStartTime, OperationNotSupported, SourceUnusable
from longtake.settings import Settings
from longtake.tasks.geometry import Picture, Room, Wish, check_wish, picture_of_extended, picture_of_new
from longtake.tasks.parameters import picture_param
from longtake.types import (
    SECOND_US,
    Aspect,
    Capability,
    ImageInput,
    Look,
    Maker,
    MediaFacts,
    Operation,
    Plan,
    Rate,
    Role,
    SizeWish,
    Submission,
    UrlSource,
    Value,
)

CREATED_FPS = Rate(num=24)
MOST_PROMPT_CHARS = 32_000
MOST_SEED = 2**63 - 1
LEAST_SEGMENT_US = SECOND_US
START_SLACK_US = SECOND_US // 2
"""Relays send 6.041667 for the end of a nominal 6 s clip (wire.md 1.3)."""
FALLBACK_SIZE = (1280, 720)
"""Of a source that is not known yet."""


class SourceFacts(Value, frozen=True):
    """The video that is extended: its blob, what a probe found, and what its own request had asked for."""

    asset_id: str
    media: MediaFacts
    made_size: SizeWish | None = None
    made_aspect: Aspect | None = None
    look: Look | None = None
    """Of the first video of its line, where it is known."""


class Limits(Value, frozen=True):
    """What the operator allows."""

    pixels: int = 4096 * 2304
    source_us: int = 600 * SECOND_US
    source_frames: int = 36_000
    result_us: int = 900 * SECOND_US

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings name."""
        return cls(
            pixels=settings.max_pixels,
            source_us=settings.max_source_s * SECOND_US,
            source_frames=settings.max_source_frames,
            result_us=settings.max_result_s * SECOND_US,
        )


def plan(
    submission: Submission,
    source: SourceFacts | None,
    maker: Maker,
    capability: Capability,
    limits: Limits,
    *,
    leading_image: MediaFacts | None = None,
) -> Plan:
    """Decide what will be made.

    `source` is what is extended or remixed; None on create, and where the source has not finished or been fetched:
    that plan is provisional. `leading_image` is the first picture of a create; it gives the aspect where nothing else
    does, so that a plan without it is provisional while it is elsewhere.

    Raises InvalidRequest, InvalidSize, InvalidStartTime, OperationNotSupported or SourceUnusable, naming the parameter.
    """
    _check_words(submission, capability)
    wish = Wish(size=submission.size, aspect=submission.aspect, upscale=submission.upscale, fit=submission.fit)
    room = Room(short_sides=capability.short_sides, pixels=limits.pixels)
    is_remix = submission.operation is Operation.REMIX
    new_us = _new_length_us(submission, capability)
    segments = _segments(submission, new_us, capability)
    fps, start_us, warnings = CREATED_FPS, 0, ()
    if submission.operation is Operation.CREATE:
        image = (leading_image.video.width, leading_image.video.height) if leading_image else None
        picture = picture_of_new(wish, room, image)
    elif source is None:
        check_wish(wish, room)
        picture = _picture_not_known_yet(wish, room)
        start_us = submission.start_us or 0
    else:
        _check_source(source.media, limits)
        fps = source.media.video.fps
        if is_remix:
            new_us, warnings = _remixed_length_us(submission.new_us, source.media.duration_us)
        else:
            start_us, warnings = _start_us(submission.start_us, source.media.duration_us)
        displayed = (source.media.video.width, source.media.video.height)
        made_for = Wish(size=source.made_size, aspect=source.made_aspect)
        picture = picture_of_extended(wish, room, displayed, made_for)
        if not picture.kept and not is_remix:
            warnings = (*warnings, _head_reencoded(displayed, picture))
    if segments:
        warnings = (*warnings, _in_segments(new_us, segments, capability))
    _check_lengths(start_us, new_us, fps, limits)
    if submission.operation is Operation.CREATE:
        provisional = leading_image is None and bool(submission.images)
    else:
        provisional = source is None
    return Plan(
        operation=submission.operation,
        maker=maker,
        prompt=submission.prompt,
        new_us=new_us,
        width=picture.width,
        height=picture.height,
        fps=fps,
        start_us=start_us,
        geometry_kept=picture.kept and submission.operation is not Operation.CREATE,
        maker_decides=_left_to(maker, submission),
        fit=submission.fit,
        enhance=picture.enhance,
        seed=submission.seed or 0,
        source_asset_id=source.asset_id if source else None,
        images=submission.images,
        provisional=provisional,
        fetches=isinstance(submission.source, UrlSource) or any(image.url for image in submission.images),
        segments=segments,
        look=source.look if source else None,
        most_new_us=limits.source_us if provisional and is_remix and submission.new_us is None else None,
        warnings=(*warnings, *picture.warnings),
    )


def _left_to(maker: Maker, submission: Submission) -> Literal["", "size", "picture"]:
    if not maker.is_remote or submission.operation is not Operation.CREATE or submission.size is not None:
        return ""
    return "picture" if submission.aspect is None else "size"


def _check_words(submission: Submission, capability: Capability) -> None:
    if submission.operation not in capability.operations or submission.operation is Operation.UPLOAD:
        raise OperationNotSupported(
            f"unsupported operation: this model cannot {submission.operation.value}", param="model"
        )
    if not submission.prompt.strip():
        raise InvalidRequest("prompt is empty: say what shall happen in the new part", param="prompt")
    if len(submission.prompt) > MOST_PROMPT_CHARS:
        raise InvalidRequest(
            f"prompt has {len(submission.prompt)} characters: send at most {MOST_PROMPT_CHARS}", param="prompt"
        )
    if submission.seed is not None and not 0 <= submission.seed <= MOST_SEED:
        raise InvalidRequest(f"seed is {submission.seed}: send a whole number from 0 to {MOST_SEED}", param="seed")
    if submission.start_us is not None and submission.start_us < 0:
        raise InvalidStartTime(
            f"start_time is {_seconds(submission.start_us)}: send a second of the source, from 0 on", param="start_time"
        )
    _check_images(submission.images, submission.operation, capability)


def _check_images(images: tuple[ImageInput, ...], operation: Operation, capability: Capability) -> None:
    if len(images) > capability.max_images:
        raise InvalidRequest(
            f"images has {len(images)} pictures: this model takes at most {capability.max_images}", param="images"
        )
    if operation is Operation.REMIX and images:
        param = picture_param(images[0].role)
        raise InvalidRequest(f"{param}: a remix is made of the source's own pictures alone: leave it out", param=param)
    if operation is Operation.EXTEND:
        for image in images:
            param = picture_param(image.role)
            if image.role is Role.FIRST_FRAME:
                raise InvalidRequest(
                    f"{param} is a first frame, but an extension begins with the source's own frame at the cut: "
                    "leave it out",
                    param=param,
                )
            if image.role not in capability.extend_image_roles:
                # Not "unsupported": a client would take it for a model that cannot extend at all (wire.md R9).
                raise InvalidRequest(
                    f"{param} has a {image.role.value} picture, which this model cannot follow when it extends: "
                    "leave it out, or name another model",
                    param=param,
                )


def _new_length_us(submission: Submission, capability: Capability) -> int:
    new_us = capability.default_new_us if submission.new_us is None else submission.new_us
    if new_us <= 0:
        raise InvalidRequest(f"duration is {_seconds(new_us)}: send seconds above 0", param="duration")
    most_us = capability.max_new_us * capability.most_segments
    if new_us > most_us and submission.operation is not Operation.REMIX:
        at_once = f"this model makes at most {_seconds(capability.max_new_us)} at once"
        in_all = (
            f", and {_seconds(most_us)} in {capability.most_segments} parts" if most_us > capability.max_new_us else ""
        )
        raise InvalidRequest(f"duration is {_seconds(new_us)}: {at_once}{in_all}", param="duration")
    return new_us


def _segments(submission: Submission, new_us: int, capability: Capability) -> tuple[int, ...]:
    """The lengths of the pieces that a new part is made in: all but the last as long as the model makes them."""
    longest_us = capability.max_new_us
    if new_us <= longest_us or submission.operation is Operation.REMIX:
        return ()
    if submission.operation is Operation.CREATE and any(image.role is Role.LAST_FRAME for image in submission.images):
        param = picture_param(Role.LAST_FRAME)
        raise InvalidRequest(
            f"{param} cannot be combined with a duration of {_seconds(new_us)}, which this model makes in parts of "
            f"{_seconds(longest_us)}: leave it out, or send at most that",
            param=param,
        )
    whole, rest_us = divmod(new_us, longest_us)
    if 0 < rest_us < LEAST_SEGMENT_US and whole:
        # A job for a blink would be bought at the model's least length; the piece before it lends some of its own.
        return (*[longest_us] * (whole - 1), longest_us + rest_us - LEAST_SEGMENT_US, LEAST_SEGMENT_US)
    return (*[longest_us] * whole, *([rest_us] if rest_us else []))


def _in_segments(new_us: int, segments: tuple[int, ...], capability: Capability) -> str:
    lengths = " + ".join(_seconds(length_us) for length_us in segments)
    return (
        f"segments: this model makes at most {_seconds(capability.max_new_us)} at once, so the {_seconds(new_us)} are "
        f"made in {len(segments)} parts, each from the end of the one before: {lengths}"
    )


def _remixed_length_us(wished_us: int | None, duration_us: int) -> tuple[int, tuple[str, ...]]:
    if wished_us is None or wished_us == duration_us:
        return duration_us, ()
    if wished_us < duration_us:
        return wished_us, ()
    duration = _seconds(duration_us)
    return duration_us, (f"duration {_seconds(wished_us)} was set aside: a remix is no longer than its {duration}",)


def _start_us(wished_us: int | None, duration_us: int) -> tuple[int, tuple[str, ...]]:
    if wished_us is None:
        return duration_us, ()
    if wished_us <= duration_us:
        return wished_us, ()
    whole_us = -(-duration_us // SECOND_US) * SECOND_US
    if wished_us <= max(whole_us, duration_us + START_SLACK_US):
        wished, duration = _seconds(wished_us), _seconds(duration_us)
        return duration_us, (f"start_time {wished} is past the end of the video: the new part begins at {duration}",)
    raise InvalidStartTime(
        f"start_time is {_seconds(wished_us)}, but the video is {_seconds(duration_us)} long: send 0 to "
        f"{duration_us // SECOND_US}, or leave it out to extend from the end",
        message_zh=f"start_time 为 {_seconds(wished_us)}，超过视频长度 {_seconds(duration_us)}",
        param="start_time",
    )


def _check_source(media: MediaFacts, limits: Limits) -> None:
    """Results may be longer than what is taken as a source, so a long chain comes to its end here."""
    if media.is_image:
        raise SourceUnusable(
            "task_id names a picture: extend needs a video; create makes one from a picture", param="task_id"
        )
    if media.duration_us > limits.source_us or media.video.frames > limits.source_frames:
        raise SourceUnusable(
            f"the video is {_seconds(media.duration_us)} long and has {media.video.frames} frames; at most "
            f"{_seconds(limits.source_us)} and {limits.source_frames} frames can be extended here",
            param="task_id",
        )


def _check_lengths(start_us: int, new_us: int, fps: Rate, limits: Limits) -> None:
    if start_us + new_us > limits.result_us:
        param = "duration" if start_us < limits.result_us else "start_time"
        raise InvalidRequest(
            f"the result would be {_seconds(start_us + new_us)} long (start_time + duration); at most "
            f"{_seconds(limits.result_us)} is made here: send less",
            param=param,
        )
    if 2 * new_us * fps.num <= fps.den * SECOND_US:  # half a frame rounds to none
        raise InvalidRequest(
            f"duration is {_seconds(new_us)}, less than one frame of this video: send more", param="duration"
        )


def _picture_not_known_yet(wish: Wish, room: Room) -> Picture:
    if wish.size is None and wish.aspect is None:
        return Picture(width=FALLBACK_SIZE[0], height=FALLBACK_SIZE[1])
    picture = picture_of_new(Wish(size=wish.size, aspect=wish.aspect), room, None)
    return Picture(width=picture.width, height=picture.height)


def _head_reencoded(source: tuple[int, int], picture: Picture) -> str:
    return (
        f"head_reencoded: the video is {source[0]}x{source[1]} and {picture.width}x{picture.height} was asked for, so "
        "all of it is encoded anew; leave size, aspect_ratio and upscale out to have its frames copied"
    )


def _seconds(time_us: int) -> str:
    return f"{time_us / SECOND_US:.6f}".rstrip("0").rstrip(".") + " s"
