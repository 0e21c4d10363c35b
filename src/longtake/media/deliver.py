# SPDX-License-Identifier: Apache-2.0
"""A clip that a remote maker returned, delivered as a video of its own: MP4, H.264, AAC, its index in front."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from longtake.media.clip import blaming_maker
from longtake.media.contract import Assembled, CancelCheck, Target, Watch
from longtake.media.open import DEFAULT_LIMITS, MediaLimits
from longtake.media.scale import even
from longtake.media.source import Picture, read_source
from longtake.media.trim import trim
from longtake.types import SECOND_US

_SIZE_TOLERANCE = 0.05
_ASPECT_TOLERANCE = 0.03
"""What is a size or an aspect within this is made for it (DESIGN 2): real 16:9 clips are 752x416."""
_SHORT_US = 100_000


def deliver(
    clip: Path,
    output: Path,
    *,
    new_us: int,
    target: Target,
    watch: Watch,
    maker_decides: Literal["", "size", "picture"] = "",
    limits: MediaLimits = DEFAULT_LIMITS,
) -> Assembled:
    """Write the clip's first `new_us`, or all of it, to `output`. Packets that are right already are copied.

    A clip whose size is not the target's, within 5 %, is scaled to it; where the maker decides the size only its aspect
    has to be the target's, and where it decides the picture nothing has. A shorter one is delivered as long as it is;
    warnings say that, and what was encoded anew. On any error no file stays.

    Raises ClipUnusable if the clip cannot be decoded, WorkCancelled.
    """
    with blaming_maker():
        source = read_source(clip, limits, check=CancelCheck(watch))
        duration_us = source.frames.duration_us
        frame_us = float(SECOND_US / source.frames.rate)
        if maker_decides:
            target = _at_its_own_size(source.picture, target)
        kept = maker_decides == "picture" or _is_meant(source.picture, target)
        end_us = new_us if duration_us > new_us + frame_us / 2 else duration_us
        made = trim(source, output, end_us=end_us, target=replace(target, geometry_kept=kept), watch=watch)
    warnings = [one.replace("the source", "the clip") for one in made.warnings]
    if new_us - duration_us > _SHORT_US:
        warnings.append(
            f"clip_too_short: the maker's clip has {duration_us / SECOND_US:.2f} s; {new_us / SECOND_US:g} s were "
            "asked for"
        )
    if not kept:
        picture = source.picture
        warnings.append(
            f"clip_scaled: from {picture.displayed_width}x{picture.displayed_height} to {target.width}x{target.height}"
        )
    return Assembled(facts=made.facts, copied=made.head.copied if made.head else 0, warnings=tuple(warnings))


def _at_its_own_size(picture: Picture, target: Target) -> Target:
    """The target's aspect with the picture's short side."""
    factor = min(picture.displayed_width, picture.displayed_height) / min(target.width, target.height)
    return replace(target, width=even(target.width * factor), height=even(target.height * factor))


def _is_meant(picture: Picture, target: Target) -> bool:
    """Whether a picture's size is what was asked for."""
    wide, high = picture.displayed_width, picture.displayed_height
    size = abs(min(wide, high) / min(target.width, target.height) - 1)
    aspect = abs(Fraction(wide * target.height, high * target.width) - 1)
    return size <= _SIZE_TOLERANCE and aspect <= _ASPECT_TOLERANCE
