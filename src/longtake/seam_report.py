# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of joins: what is said of the place where a new part meets what was there.

Levels are 8-bit levels of a plane, signed differences are new minus old.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As `types.Value`, which stands above this module."""


class Verdict(StrEnum):
    """How a join looks, in one word."""

    UNSEEN = "unseen"
    SLIGHT = "slight"
    """It is seen by who looks for it."""
    VISIBLE = "visible"
    FROZEN = "frozen"
    """The picture stands still where it should move."""
    FLASH = "flash"
    """The first frames are brighter or darker than what is before and after them."""


class JoinFault(StrEnum):
    """What is wrong at a join."""

    JUMP = "jump"
    """The picture changes more than its motion explains."""
    BRIGHTNESS = "brightness"
    COLOR = "color"
    SHARPNESS = "sharpness"
    BLOCK = "block"
    """A part of the picture jumps."""
    FROZEN = "frozen"
    FLASH = "flash"
    REVERSED = "reversed"
    """What moves one way before the join goes back the same way after it."""
    PACE = "pace"
    """What moves is suddenly much faster or slower."""
    CLICK = "click"
    LEVEL = "level"
    """The sound is suddenly louder or quieter."""
    DRIFT = "drift"
    """The new part does not look like the first video of the line any more."""


class BlockStep(_Value, frozen=True):
    """The block of a grid that steps furthest beyond its usual at the join, from 0, top left."""

    row: int
    column: int
    rows: int
    columns: int
    step: float
    usual: float
    """The most that it and the blocks around it stepped before the join, or go on to step after it."""


class PictureJoin(_Value, frozen=True):
    """How the pictures on both sides of a join differ, beyond the luma step."""

    after_step: float
    """The median step of distinct frames after the join: against median_step, how much of the motion goes on."""
    brightness: float
    """Step of the mean luma."""
    u: float
    """Step of the mean U."""
    v: float
    """Step of the mean V."""
    delta_e: float
    """Distance of the mean colours in CIELAB, lightness left out; 2.3 is just noticed."""
    sharpness: float
    """Of the first new frames over that of the last old ones."""
    flash: float
    """How far the mean luma of the first 8 frames leaves what it is before and after them; 0 = it does not."""
    block: BlockStep | None = None


class MotionJoin(_Value, frozen=True):
    """How things move around a join, by optical flow.

    Lengths are the mean over the picture from one frame to the next that differs from it, in thousandths of the
    picture's longer side.
    """

    before: float
    at: float
    """From the last old frame to the first new one."""
    after: float
    direction: float
    """1 = the motion goes on as it was, 0 = it has nothing to do with it, -1 = it goes back."""
    steady: float
    """How much of one direction it was before the join, as `direction` between its own frames; below 0.5 nothing is
    made of a turn."""


class DriftReport(_Value, frozen=True):
    """How far the new part is from all that the first video of the line showed; within its range nothing is off."""

    brightness: float
    u: float
    v: float
    contrast: float
    """Of the new part over the nearest that the first video had; 1 = within its range."""
    sharpness: float = 1.0
    """The same of its sharpness; 1 also where that of the first video is not known."""


class Band(_Value, frozen=True):
    """Where in a picture of several joins that of one is, in pixels from the top left."""

    top: int
    width: int
    height: int
    picture_height: int
    """Of the whole picture, which is as wide."""


class SeamReport(_Value, frozen=True):
    """How the join looks and sounds. Steps are mean absolute luma differences in 8-bit levels.

    Measured on the frames and samples as they go to the encoder, which are the result's within its loss; `drift` on the
    decoded result. Reports of earlier builds have no verdict and nothing below it.
    """

    luma_step: float
    median_step: float
    ratio: float
    """luma_step / median_step: near 1 natural, near 0 frozen, above 2 a visible jump."""
    click_db: float | None = None
    """Greatest sample step at the join against the sound's usual one, in dB; None without sound."""
    verdict: Verdict | None = None
    """Of the picture."""
    faults: tuple[JoinFault, ...] = ()
    """Of picture and sound."""
    picture: PictureJoin | None = None
    motion: MotionJoin | None = None
    """None where nothing moves on one side, and in reports of earlier builds."""
    level_db: float | None = None
    """How much louder the first 0.4 s are than the last 0.4 s before; None without sound."""
    drift: DriftReport | None = None
    band: Band | None = None
    """None = the picture, if there is one, shows this join alone."""


class SeenAgain(_Value, frozen=True):
    """What the finished video shows of a join that was made before its last segment."""

    band: Band | None = None
    drift: DriftReport | None = None
    is_off: bool = False
    """Whether that is a drift."""
