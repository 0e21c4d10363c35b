# SPDX-License-Identifier: Apache-2.0
"""The size of the picture: what size, aspect and upscale mean (DESIGN 2). Pure."""

from __future__ import annotations

from longtake.errors import InvalidSize
from longtake.types import Aspect, ExactSize, Fit, ShortSide, SizeWish, Value

SIZE_TOLERANCE = 0.05
ASPECT_TOLERANCE = 0.03
"""Real "16:9" clips are 752x416 (1.8 % off)."""
LADDER = (480, 720, 1080, 1440, 2160)
"""Short sides, for `upscale` without a size."""
LEAST_SIDE = 64
MOST_RATIO = 4
CREATED_SHORT_SIDE = 720
CREATED_ASPECT = Aspect(width=16, height=9)


class Wish(Value, frozen=True):
    """What a request says about its picture."""

    size: SizeWish | None = None
    aspect: Aspect | None = None
    upscale: bool = False
    fit: Fit = Fit.COVER


class Room(Value, frozen=True):
    """What may be made: least and greatest short side, and the most pixels of a picture."""

    short_sides: tuple[int, int]
    pixels: int


class Picture(Value, frozen=True):
    """The decided picture, in pixels."""

    width: int
    height: int
    kept: bool = True
    """The source's own geometry is kept."""
    enhance: bool = False
    warnings: tuple[str, ...] = ()


def picture_of_new(wish: Wish, room: Room, image: tuple[int, int] | None) -> Picture:
    """The picture of a created clip; `image` is the width and height of its leading picture.

    Raises InvalidSize naming size or aspect_ratio.
    """
    check_wish(wish, room)
    warnings: tuple[str, ...] = ()
    if isinstance(wish.size, ExactSize):
        width, height = wish.size.width, wish.size.height
        warnings = _overruled(wish)
    else:
        short = (
            wish.size.pixels if wish.size else min(max(CREATED_SHORT_SIDE, room.short_sides[0]), room.short_sides[1])
        )
        width, height = _with_short_side(short, _ratio_of_new(wish, image))
    _check_pixels(width, height, room)
    if wish.upscale:
        warnings = (*warnings, f"upscale: the clip is made at {width}x{height} right away, so nothing was enlarged")
    return Picture(width=width, height=height, kept=False, warnings=warnings)


def picture_of_extended(wish: Wish, room: Room, source: tuple[int, int], made_for: Wish) -> Picture:
    """The picture of an extension. `source` is width and height as displayed, `made_for` what its own request said.

    Raises InvalidSize naming size, aspect_ratio or upscale.
    """
    if _is_kept(wish, source, made_for):
        warnings = ("upscale: the video is this large already, so nothing was enlarged",) if wish.upscale else ()
        return Picture(width=_even(source[0]), height=_even(source[1]), warnings=(*_overruled(wish), *warnings))
    check_wish(wish, room)
    next_short = _next_short_side(wish, room, source) if wish.upscale and wish.size is None else None
    has_aspect = wish.aspect is None or _has_aspect(wish.aspect, source) or wish.aspect == made_for.aspect
    if wish.size is None and next_short is None and has_aspect:
        warning = f"upscale: {source[0]}x{source[1]} is the greatest picture made here, so nothing was enlarged"
        return Picture(width=_even(source[0]), height=_even(source[1]), warnings=(warning,))
    if isinstance(wish.size, ExactSize):
        width, height = wish.size.width, wish.size.height
    else:
        short = wish.size.pixels if wish.size else next_short or min(source)
        ratio = wish.aspect.width / wish.aspect.height if wish.aspect else source[0] / source[1]
        width, height = _with_short_side(short, ratio)
    _check_pixels(width, height, room)
    grows = _scale(wish.fit, source, (width, height)) > 1
    warnings = _overruled(wish)
    if wish.upscale and not grows:
        warnings = (*warnings, f"upscale: {width}x{height} does not enlarge the video, so it changed nothing")
    return Picture(width=width, height=height, kept=False, enhance=wish.upscale and grows, warnings=warnings)


def check_wish(wish: Wish, room: Room) -> None:
    """Raise InvalidSize if a wish can be met for no source at all."""
    low, high = room.short_sides
    sides = f"between {low} and {high}"
    match wish.size:
        case ExactSize(width=width, height=height):
            if min(width, height) < LEAST_SIDE or width % 2 or height % 2:
                raise InvalidSize(f"size is {width}x{height}: send even sides of at least {LEAST_SIDE}", param="size")
            if not low <= min(width, height) <= high:
                raise InvalidSize(f"size is {width}x{height}: this model makes short sides {sides}", param="size")
            if max(width, height) > MOST_RATIO * min(width, height):
                raise InvalidSize(f"size is {width}x{height}: sides of at most 1:{MOST_RATIO} are made", param="size")
        case ShortSide(pixels=pixels):
            if not low <= pixels <= high or pixels % 2:
                raise InvalidSize(f"size is {pixels}p: this model makes even short sides {sides}", param="size")
        case None:
            pass
    if wish.aspect is not None:
        width, height = wish.aspect.width, wish.aspect.height
        if min(width, height) < 1 or max(width, height) > MOST_RATIO * min(width, height):
            raise InvalidSize(
                f"aspect_ratio is {wish.aspect}: send one from 1:{MOST_RATIO} to {MOST_RATIO}:1", param="aspect_ratio"
            )


def _is_kept(wish: Wish, source: tuple[int, int], made_for: Wish) -> bool:
    match wish.size:
        case None:
            if wish.upscale:
                return False
        case ExactSize(width=width, height=height):
            return (width, height) == source or wish.size == made_for.size
        case ShortSide(pixels=pixels):
            if abs(min(source) - pixels) > SIZE_TOLERANCE * pixels and wish.size != made_for.size:
                return False
    return wish.aspect is None or _has_aspect(wish.aspect, source) or wish.aspect == made_for.aspect


def _has_aspect(aspect: Aspect, source: tuple[int, int]) -> bool:
    # Cross-multiplied, so that a nonsensical aspect cannot divide by zero.
    return abs(source[0] * aspect.height - source[1] * aspect.width) <= ASPECT_TOLERANCE * source[1] * aspect.width


def _next_short_side(wish: Wish, room: Room, source: tuple[int, int]) -> int | None:
    ratio = wish.aspect.width / wish.aspect.height if wish.aspect else source[0] / source[1]
    for short in LADDER:
        width, height = _with_short_side(short, ratio)
        fits = short <= room.short_sides[1] and width * height <= room.pixels
        if fits and short > min(source) * (1 + SIZE_TOLERANCE):
            return short
    return None


def _ratio_of_new(wish: Wish, image: tuple[int, int] | None) -> float:
    if wish.aspect is not None:
        return wish.aspect.width / wish.aspect.height
    if image is not None:
        return min(max(image[0] / image[1], 1 / MOST_RATIO), MOST_RATIO)
    return CREATED_ASPECT.width / CREATED_ASPECT.height


def _with_short_side(short: int, ratio: float) -> tuple[int, int]:
    short = _even(short)
    return (_even(short * ratio), short) if ratio >= 1 else (short, _even(short / ratio))


def _scale(fit: Fit, source: tuple[int, int], target: tuple[int, int]) -> float:
    scales = (target[0] / source[0], target[1] / source[1])
    return max(scales) if fit is Fit.COVER else min(scales)


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2))


def _check_pixels(width: int, height: int, room: Room) -> None:
    if width * height > room.pixels:
        raise InvalidSize(
            f"size {width}x{height} has {width * height} pixels; at most {room.pixels} are made here", param="size"
        )


def _overruled(wish: Wish) -> tuple[str, ...]:
    if isinstance(wish.size, ExactSize) and wish.aspect is not None:
        size = (wish.size.width, wish.size.height)
        if not _has_aspect(wish.aspect, size):
            return (f"aspect_ratio {wish.aspect} was set aside for size {size[0]}x{size[1]}",)
    return ()
