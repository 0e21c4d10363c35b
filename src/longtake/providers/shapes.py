# SPDX-License-Identifier: Apache-2.0
"""From what is wished to what a provider offers: lengths, sizes, aspects. What differs is mended when it is joined."""

from __future__ import annotations

import math
from collections.abc import Sequence

from longtake.providers.base import Abilities
from longtake.types import SECOND_US, Aspect, ExactSize, SizeWish

_USUAL_ASPECT = Aspect(width=16, height=9)
_EVEN = 2


def offered_us(wished_us: int, abilities: Abilities) -> int:
    """The shortest length offered that is not shorter than the wish, else the longest: microseconds of the new part."""
    if abilities.lengths_us:
        return next((length for length in abilities.lengths_us if length >= wished_us), abilities.lengths_us[-1])
    most_us = wished_us if abilities.max_new_us is None else abilities.max_new_us
    return max(abilities.min_new_us, min(wished_us, most_us))


def offered_seconds(wished_us: int, abilities: Abilities) -> int:
    """As `offered_us`, in whole seconds, rounded up: providers count in these."""
    return max(1, math.ceil(offered_us(wished_us, abilities) / SECOND_US))


def seconds_of(length_us: int) -> int | float:
    """A length in seconds: a whole number where it is one, since many providers take no other."""
    return length_us // SECOND_US if length_us % SECOND_US == 0 else length_us / SECOND_US


def offered_short_side(size: SizeWish | None, offered: Sequence[int]) -> int | None:
    """The least short side offered that is not smaller than the wish, else the greatest; None without a wish."""
    if size is None:
        return None
    wished = min(size.width, size.height) if isinstance(size, ExactSize) else size.pixels
    return next((side for side in sorted(offered) if side >= wished), max(offered, default=wished))


def offered_aspect(aspect: Aspect | None, offered: Sequence[str]) -> str:
    """The aspect offered that is nearest to the wish by its ratio; empty without a wish."""
    if aspect is None:
        return ""
    if not offered:
        return str(aspect)
    wished = math.log(aspect.width / aspect.height)
    return min(offered, key=lambda name: abs(math.log(_ratio(name)) - wished))


def aspect_of(size: SizeWish | None, aspect: Aspect | None) -> Aspect | None:
    """The wished aspect, or that of an exact size."""
    if aspect is None and isinstance(size, ExactSize):
        return Aspect(width=size.width, height=size.height)
    return aspect


def exact_size(size: SizeWish | None, aspect: Aspect | None) -> ExactSize | None:
    """A size in pixels, for providers that know no other; None where no size is wished. Sides are even."""
    if size is None or isinstance(size, ExactSize):
        return size
    aspect = aspect or _USUAL_ASPECT
    long_side = size.pixels * max(aspect.width, aspect.height) / min(aspect.width, aspect.height)
    long_side = round(long_side / _EVEN) * _EVEN
    is_wide = aspect.width >= aspect.height
    return ExactSize(width=long_side if is_wide else size.pixels, height=size.pixels if is_wide else long_side)


def _ratio(name: str) -> float:
    width, _, height = name.partition(":")
    return float(width) / float(height)
