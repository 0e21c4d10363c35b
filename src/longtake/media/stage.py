# SPDX-License-Identifier: Apache-2.0
"""The head as a remote maker takes it: a file within its limits, or the last picture before the cut.

No maker continues from any second but the last one, so the head is cut there first. What it is given may be smaller or
shorter than the head; the result is not, since the head itself is never taken from what comes back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.errors import LimitExceeded, MediaError
from longtake.media.assemble import create
from longtake.media.audio import result_form
from longtake.media.clip import ClipPart, clip_pictures, clip_sound, in_step
from longtake.media.context import decode_frames
from longtake.media.contract import CancelCheck, Target, Watch
from longtake.media.cut import Cut, find_cut
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.match import timed_frames
from longtake.media.mux import kept_if_complete
from longtake.media.open import DEFAULT_LIMITS, MediaLimits
from longtake.media.planes import from_av
from longtake.media.scale import Geometry, Scaler, even, input_matrix, kept_geometry, output_color
from longtake.media.sound import Damage
from longtake.media.source import Source, read_source
from longtake.media.tint import Tint
from longtake.media.trim import trim
from longtake.types import SECOND_US, MediaFacts, Rate

_TRIES = 5
_COARSEST_CRF = 36
_CRF_A_HALF = 6
"""x264's file is about half as large with so much more."""
_LEAST_SIDE = 240
_MOST_CHANNELS = 2
"""Of sound that is encoded for a maker; six channels are a quarter of a small file."""
_JPEG_QUALITIES = (95, 90, 80, 70)
_LUMA_SHARES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""How much red and blue there is in luma (ITU-R BT.601, BT.709, BT.2020)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLimits:
    """What a maker takes; None = no limit."""

    length_us: int | None = None
    """Only so much of the head, counted back from the cut."""
    max_bytes: int | None = None
    short_side: int | None = None
    """At most, in pixels."""
    max_fps: int | None = None
    """At most, in frames a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A file for a maker."""

    facts: MediaFacts
    sent_us: int
    """How much of the head is in it, counted back from the cut; `Returned.sent_us` of what comes back."""
    copied: int
    """How many of the source's packets were copied."""
    warnings: tuple[str, ...] = ()


def stage_head(
    source: Path,
    output: Path,
    *,
    start_us: int,
    limits: StageLimits,
    watch: Watch,
    preset: str = "veryfast",
    crf: int = 18,
    media_limits: MediaLimits = DEFAULT_LIMITS,
) -> Staged:
    """Write source[0, start), or the end of it, to `output`: MP4, H.264 and AAC, the last frame the one at the cut.

    Packets are copied where nothing has to change and the file fits; else it is encoded, coarser and then smaller until
    it does. On any error no file stays. Raises MediaError or LimitExceeded for a source that cannot be worked with,
    LimitExceeded if it cannot be made to fit, WorkCancelled.
    """
    check = CancelCheck(watch)
    opened = read_source(source, media_limits, check=check)
    cut = find_cut(opened, start_us, copy=False)
    head_us = round((cut.end - opened.frames.start) * opened.frames.time_base * SECOND_US)
    side = min(opened.picture.displayed_width, opened.picture.displayed_height)
    fits_whole = limits.length_us is None or limits.length_us >= head_us
    fits_size = limits.short_side is None or limits.short_side >= side
    rate = Rate.of(cut.rate).within(limits.max_fps).fraction
    most = limits.max_bytes
    with kept_if_complete(output):
        if fits_whole and fits_size and rate == cut.rate:
            target = Target(width=0, height=0, preset=preset, crf=crf)
            made = trim(opened, output, end_us=start_us, target=target, watch=watch)
            if most is None or output.stat().st_size <= most:
                assert made.head is not None
                return Staged(facts=made.facts, sent_us=head_us, copied=made.head.copied, warnings=made.warnings)
        side = min(side, limits.short_side or side)
        for _ in range(_TRIES):
            sent_us, facts = _encode_end(
                opened,
                output,
                cut,
                limits.length_us or head_us,
                rate=rate,
                side=side,
                crf=crf,
                preset=preset,
                watch=watch,
            )
            size = output.stat().st_size
            if most is None or size <= most:
                return Staged(facts=facts, sent_us=sent_us, copied=0)
            if (side, crf) == (_LEAST_SIDE, _COARSEST_CRF):
                break
            crf += math.ceil(_CRF_A_HALF * math.log2(size / most)) + 1
            if crf > _COARSEST_CRF:
                smaller = side * 0.9 * 2 ** ((_COARSEST_CRF - crf) / _CRF_A_HALF / 2)
                side, crf = max(_LEAST_SIDE, even(smaller)), _COARSEST_CRF
        raise LimitExceeded(
            f"the source's head cannot be made smaller than the {most} bytes that this model takes; "
            "start earlier, or use another model"
        )


def _encode_end(
    source: Source,
    output: Path,
    cut: Cut,
    length_us: int,
    *,
    rate: Fraction,
    side: int,
    crf: int,
    preset: str,
    watch: Watch,
) -> tuple[int, MediaFacts]:
    """The last `length_us` before the cut at a constant rate; how much that is and what the file is."""
    kept = kept_geometry(source.picture)
    factor = min(1.0, side / min(kept.width, kept.height))
    geometry = Geometry(width=even(kept.width * factor), height=even(kept.height * factor)) if factor < 1 else kept
    head_s = (cut.end - source.frames.start) * source.frames.time_base
    wanted = max(1, int(min(Fraction(length_us, SECOND_US), head_s) * rate))
    begin_s = max(Fraction(0), head_s - wanted / rate)
    part = ClipPart(
        source=source, picture=source.picture, geometry=geometry, tint=Tint(), begin_s=begin_s, fps=rate,
        frames=wanted,
    )  # fmt: skip
    form = result_form(source)
    if form is not None:
        form = replace(form, channels=min(form.channels, _MOST_CHANNELS))

    def make() -> Iterator[VideoFrame | AudioBlock]:
        sound = clip_sound(part, form, None, Damage()) if form is not None else None
        yield from in_step(clip_pictures(part, CancelCheck(watch)), sound, part.fps, form.rate_hz if form else 1)

    made = create(
        output, frames=wanted, fps=rate, width=geometry.width, height=geometry.height,
        audio=(form.rate_hz, form.channels) if form is not None else None, make=make, preset=preset, crf=crf,
        watch=watch, color=output_color(source.picture),
    )  # fmt: skip
    return round(wanted / rate * SECOND_US), made.facts


def stage_picture(
    source: Path,
    output: Path,
    *,
    start_us: int,
    kind: Literal["png", "jpeg"] = "png",
    limits: StageLimits,
    media_limits: MediaLimits = DEFAULT_LIMITS,
) -> tuple[int, int]:
    """Write the last picture before the cut, upright with square pixels, and return its width and height.

    A JPEG that is too large is made coarser, and either kind smaller, until it fits. Raises MediaError or
    LimitExceeded.
    """
    opened = read_source(source, media_limits)
    cut = find_cut(opened, start_us, copy=False)
    picture = _last_picture(opened, cut)
    most = limits.max_bytes
    kept = kept_geometry(opened.picture)
    side = min(limits.short_side or min(kept.width, kept.height), kept.width, kept.height)
    while True:
        factor = min(1.0, side / min(kept.width, kept.height))
        wide, high = even(kept.width * factor), even(kept.height * factor)
        image = picture if factor == 1 else cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA)
        for quality in _JPEG_QUALITIES if kind == "jpeg" else (0,):
            options = [cv2.IMWRITE_JPEG_QUALITY, quality] if kind == "jpeg" else []
            _, content = cv2.imencode(".jpg" if kind == "jpeg" else ".png", image, options)
            if most is None or content.size <= most:
                try:
                    output.write_bytes(content.tobytes())
                except OSError as error:
                    output.unlink(missing_ok=True)
                    raise MediaError(
                        f"the picture cannot be written: {error.strerror}; look for free disk space"
                    ) from error
                return wide, high
        if side <= _LEAST_SIDE:
            raise LimitExceeded(f"the last picture cannot be made smaller than the {most} bytes that this model takes")
        side = max(_LEAST_SIDE, side * 2 // 3)


def _last_picture(source: Source, cut: Cut) -> NDArray[np.uint8]:
    """The head's last frame as 8-bit BGR."""
    last: list[VideoFrame] = []

    def take(_number: int, frame: av.VideoFrame) -> None:
        for scaled in Scaler(source.picture, kept_geometry(source.picture)).convert([frame]):
            last[:] = [from_av(scaled)]

    if source.frames.exact:
        decode_frames(source, cut.head - 1, cut.head, take)
    else:
        for number, frame in enumerate(timed_frames(source)):
            if number >= cut.head:
                break
            if number == cut.head - 1 or not last:
                take(number, frame)
    if not last:
        raise MediaError("the picture before the cut cannot be decoded; the file is damaged or cut off")
    return _as_bgr(last[0], source)


def _as_bgr(picture: VideoFrame, source: Source) -> NDArray[np.uint8]:
    """A picture as 8-bit BGR, exactly: what swscale gives without being asked for more is 1.5 levels darker."""
    size = (picture.width, picture.height)
    chroma = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (picture.u, picture.v)]
    planes = np.dstack([picture.y, *chroma]).astype(np.float32)
    red, blue = _LUMA_SHARES[input_matrix(source.picture)]
    green = 1 - red - blue
    full = output_color(source.picture).full_range
    luma, color = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    to_bgr = np.array(
        [
            [luma, color * 2 * (1 - blue), 0],
            [luma, -color * 2 * (1 - blue) * blue / green, -color * 2 * (1 - red) * red / green],
            [luma, 0, color * 2 * (1 - red)],
        ]
    )
    shift = -to_bgr @ np.array([0 if full else 16, 128, 128])
    image = cv2.transform(planes, np.column_stack([to_bgr, shift]).astype(np.float32))
    return np.clip(np.rint(np.asarray(image)), 0, 255).astype(np.uint8)
