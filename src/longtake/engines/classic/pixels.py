# SPDX-License-Identifier: Apache-2.0
"""OpenCV's picture operations under names and types of our own: the only file of the engine that knows cv2."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

Values = NDArray[np.float32] | NDArray[np.float64]
"""Fields as arithmetic leaves them, in numpy's own view of what float32 becomes."""

THREADS = 2
"""DIS flow works in as many stripes as there are threads, and stripes change its result: a fixed count keeps every
machine's pictures the same."""

_ONE_MAP = cast("Floats", None)
"""What cv2.remap takes as its second map when the first holds both coordinates; its type stub does not know that."""
_FEWEST_POINTS = 12
"""Below so many corners that agree, two pictures show nothing in common."""
_PRESET_FAST, _PRESET_MEDIUM = 1, 2
"""cv2.DISOPTICAL_FLOW_PRESET_..."""


def floats(values: Values) -> Floats:
    """The values as 32-bit floats; themselves if they are."""
    return np.asarray(values, np.float32)


def fix_thread_count() -> None:
    """Make results independent of the machine's count of cores."""
    if cv2.getNumThreads() != THREADS:
        cv2.setNumThreads(THREADS)


def shrink(plane: Bytes, width: int, height: int) -> Bytes:
    """The plane at a smaller size, each pixel the mean of its area."""
    return cast("Bytes", cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def scale_smooth(plane: Bytes, width: int, height: int) -> Bytes:
    """The plane at any size: area means where it shrinks, cubic where it grows."""
    shrinks = width < plane.shape[1]
    return cast(
        "Bytes", cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    )


def scale_floats(field: Values, width: int, height: int, *, cubic: bool = False) -> Floats:
    """A float field (one channel or more) at another size, linear unless `cubic`."""
    way = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return cast("Floats", cv2.resize(floats(field), (width, height), interpolation=way))


def scale_floats_into(made: Floats, field: Floats) -> None:
    """A float field at the size of `made`, linear, put there."""
    cv2.resize(field, (made.shape[1], made.shape[0]), dst=made, interpolation=cv2.INTER_LINEAR)


def shrink_floats(field: Values, width: int, height: int) -> Floats:
    """A float field at a smaller size, each pixel the mean of its area."""
    return cast("Floats", cv2.resize(floats(field), (width, height), interpolation=cv2.INTER_AREA))


def blur(field: Values, sigma: float) -> Floats:
    """Gaussian blur of a float field, sigma in pixels."""
    return cast("Floats", cv2.GaussianBlur(floats(field), (0, 0), sigma))


def edge_strength(plane: Bytes) -> Floats:
    """Magnitude of the Laplacian: how much texture there is to follow."""
    return np.abs(cast("Floats", cv2.Laplacian(plane, cv2.CV_32F)))


def pixel_grid(width: int, height: int) -> Floats:
    """(height, width, 2): every pixel's own x and y."""
    grid = np.empty((height, width, 2), np.float32)
    grid[..., 0] = np.arange(width, dtype=np.float32)[None, :]
    grid[..., 1] = np.arange(height, dtype=np.float32)[:, None]
    return grid


def sample_into(made: Bytes, plane: Bytes, places: Floats) -> None:
    """The plane at fractional places (height, width, 2), linear, mirrored beyond its borders, put into `made`."""
    cv2.remap(plane, places, _ONE_MAP, cv2.INTER_LINEAR, dst=made, borderMode=cv2.BORDER_REFLECT_101)


_HALF_WAY = np.array([2, -7, 21, 21, -7, 2], np.float32) / 32
"""In the middle between two pixels: a little sharper than cubic, for what is lost between these points."""


def with_halves(plane: Bytes) -> Bytes:
    """The plane (height, width) with its half-way points, (2·height - 1, 2·width - 1): pixel x is at 2x, untouched."""

    def halves(part: Bytes, kernel: Values, anchor: tuple[int, int]) -> Bytes:
        return cast("Bytes", cv2.filter2D(part, -1, kernel, anchor=anchor, borderType=cv2.BORDER_REFLECT_101))

    height, width = plane.shape
    across = halves(plane, _HALF_WAY[None, :], (2, 0))
    down = halves(plane, _HALF_WAY[:, None], (0, 2))
    both = halves(across, _HALF_WAY[:, None], (0, 2))
    # Pairs of bytes side by side are the interleaved rows.
    rows = [
        cast("Bytes", cv2.merge([even, odd])).reshape(height, 2 * width)
        for even, odd in ((plane, across), (down, both))
    ]
    return np.stack(rows, axis=1).reshape(2 * height, 2 * width)[:-1, :-1]


def sample_field(field: Values, places: Values) -> Floats:
    """A float field at fractional places, its edge repeated beyond its borders."""
    return cast(
        "Floats", cv2.remap(floats(field), floats(places), _ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def sample_tile(tile: Values, places: Values) -> Floats:
    """A periodic texture at fractional places, repeated without end.

    The tile's last row and column repeat its first: then no place needs a border, which is three times as fast.
    """
    size = np.array([tile.shape[1] - 1, tile.shape[0] - 1], np.float32)
    turns = floats(places) / size
    turns -= np.floor(turns)
    turns *= size
    return cast("Floats", cv2.remap(floats(tile), turns, _ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def warp_affine(plane: Bytes, matrix: Values, width: int, height: int, *, cubic: bool) -> Bytes:
    """The plane seen through `matrix` (2x3), which maps places of the result to places of the plane."""
    way = (cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    return cast(
        "Bytes", cv2.warpAffine(plane, floats(matrix), (width, height), flags=way, borderMode=cv2.BORDER_REFLECT_101)
    )


def warp_affine_floats(field: Values, matrix: Values, width: int, height: int) -> Floats:
    """A float field seen through `matrix` (2x3, result to field), linear, its edge repeated."""
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cast(
        "Floats",
        cv2.warpAffine(floats(field), floats(matrix), (width, height), flags=way, borderMode=cv2.BORDER_REPLICATE),
    )


def scale_cubic(plane: Bytes, width: int, height: int) -> Bytes:
    """The plane at any size, cubic also where it shrinks a little."""
    return cast("Bytes", cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC))


def scale_by(plane: Bytes, factor: float) -> Bytes:
    """The plane `factor` times as large, cubic, exactly so even if that is no whole number of pixels."""
    return cast("Bytes", cv2.resize(plane, (0, 0), fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC))


def pad_mirrored(plane: Bytes, top: int, bottom: int, left: int, right: int) -> Bytes:
    """The plane with so many mirrored rows and columns around it."""
    return cast("Bytes", cv2.copyMakeBorder(plane, top, bottom, left, right, cv2.BORDER_REFLECT_101))


def mean_difference(first: Bytes, second: Bytes) -> float:
    """Mean absolute difference of two planes, in levels."""
    return float(cv2.norm(first, second, cv2.NORM_L1)) / first.size


def look_up(plane: Bytes, table: Bytes) -> Bytes:
    """Every value replaced by its entry of a table of 256."""
    return cast("Bytes", cv2.LUT(plane, table))


def add_centred(plane: Bytes, change: Bytes) -> Bytes:
    """The plane plus a change whose zero is 128, kept within 0 to 255."""
    return cast("Bytes", cv2.addWeighted(plane, 1.0, change, 1.0, -128.0))


def blend_by(plane: Bytes, other: Bytes | int, mask: Bytes) -> Bytes:
    """The plane where `mask` is 0, `other` (a plane or one value) where it is 255."""
    inverse = cast("Bytes", cv2.bitwise_not(mask))
    kept = cast("Bytes", cv2.multiply(plane, inverse, scale=1 / 255))
    if isinstance(other, int):
        return cast("Bytes", cv2.scaleAdd(mask, other / 255, kept))
    return cast("Bytes", cv2.add(kept, cv2.multiply(other, mask, scale=1 / 255)))


def blend(first: Bytes, second: Bytes, share: float) -> Bytes:
    """first·(1 - share) + second·share."""
    return cast("Bytes", cv2.addWeighted(first, 1.0 - share, second, share, 0.0))


def blend_fields(first: Bytes, second: Bytes, share: Values) -> Bytes:
    """first·(1 - share) + second·share, with a share for each pixel."""
    change = cast("Floats", cv2.subtract(second, first, dtype=cv2.CV_32F))
    cv2.multiply(change, floats(share), dst=change)
    return cast("Bytes", cv2.add(first, change, dtype=cv2.CV_8U))


def add_signed(plane: Bytes, change: NDArray[np.int16]) -> Bytes:
    """The plane plus a signed change, kept within 0 to 255."""
    return cast("Bytes", cv2.add(plane, change, dtype=cv2.CV_8U))


def mix_channels(picture: Values, matrix: Values) -> Floats:
    """Every pixel's channels times `matrix` (out, in + 1), whose last column is added."""
    return cast("Floats", cv2.transform(floats(picture), floats(matrix)))


def warp_endless(field: Values, matrix: Values, width: int, height: int) -> Floats:
    """A float field seen through `matrix` (2x3, result to field), linear, repeated without end."""
    way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cast(
        "Floats",
        cv2.warpAffine(floats(field), floats(matrix), (width, height), flags=way, borderMode=cv2.BORDER_WRAP),
    )


def tripled(field: Values) -> Floats:
    """(height, width, 3): a one-channel field in each of three channels."""
    plane = floats(field)
    return cast("Floats", cv2.merge([plane, plane, plane]))


def between(share: Values, low: Values, high: Values) -> Floats:
    """(height, width, 3): the colour `low` where `share` is 0, `high` where it is 1, in proportion elsewhere."""
    start = np.asarray(low, np.float32)
    return cast("Floats", cv2.transform(floats(share), np.column_stack([np.asarray(high, np.float32) - start, start])))


def lay(part: Floats, above: Values, share: Values) -> None:
    """Lay a picture, or one colour, over `part` with an opacity (height, width) of `share`, in place."""
    opacity = tripled(share)
    top = floats(above)
    if top.ndim == 1:
        over = cast("Floats", cv2.subtract(np.broadcast_to(top, part.shape), part))
    else:
        over = cast("Floats", cv2.subtract(top, part))
    cv2.multiply(over, opacity, dst=over)
    cv2.add(part, over, dst=part)


def lay_masked(part: Floats, light: Values, kept: Values) -> None:
    """Let through `kept` (height, width) of `part` and add `light` (height, width, 3) to it, in place."""
    cv2.multiply(part, tripled(kept), dst=part)
    cv2.add(part, floats(light), dst=part)


def add_light(part: Floats, strength: Values, color: Values) -> None:
    """Add a colour times `strength` (height, width) to `part`, in place."""
    cv2.add(part, between(strength, np.zeros(3, np.float32), color), dst=part)


def add_picture(part: Floats, light: Values) -> None:
    """Add `light`, of the same shape, to `part`, in place."""
    cv2.add(part, floats(light), dst=part)


def multiply(part: Floats, factor: Values) -> None:
    """Multiply `part` by a factor of its shape, in place."""
    cv2.multiply(part, floats(factor), dst=part)


def clip_colors(picture: Values) -> Floats:
    """A copy of the picture with values within 0 to 255."""
    return np.clip(floats(picture), 0, 255)


def keep_below(field: Floats, most: float) -> None:
    """Lower what is above `most`, in place."""
    np.minimum(field, np.float32(most), out=field)


def split_channels(picture: Values) -> list[Floats]:
    """Every channel as a plane of its own."""
    return [cast("Floats", plane) for plane in cv2.split(floats(picture))]


def to_bytes(field: Values, offset: Values) -> Bytes:
    """Field + offset, rounded to 8 bits and kept within them."""
    return cast("Bytes", cv2.add(floats(field), floats(offset), dtype=cv2.CV_8U))


def draw_disc(field: Floats, x: float, y: float, radius: float, value: float) -> None:
    """Paint an antialiased disc into a one-channel field, in place; places are in pixels."""
    fraction = 4
    place = (round(x * 2**fraction), round(y * 2**fraction))
    # The antialiased line type works on bytes only, so the disc is drawn as a mask of its neighbourhood.
    height, width = field.shape[:2]
    left, right = max(0, int(x - radius - 2)), min(width, int(x + radius + 3))
    top, bottom = max(0, int(y - radius - 2)), min(height, int(y + radius + 3))
    if left >= right or top >= bottom:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    offset = (place[0] - left * 2**fraction, place[1] - top * 2**fraction)
    cv2.circle(mask, offset, max(1, round(radius * 2**fraction)), (255,), -1, cv2.LINE_AA, fraction)
    share = mask.astype(np.float32) / np.float32(255)
    part = field[top:bottom, left:right]
    part += share * (np.float32(value) - part)


def fill_polygon(plane: Bytes, corners: list[tuple[float, float]], value: int) -> None:
    """Fill an antialiased polygon into a byte plane, in place; places are in pixels."""
    points = np.round(np.asarray(corners, np.float64) * 16).astype(np.int32)
    cv2.fillPoly(plane, [points], (value,), cv2.LINE_AA, 4)


def shared_view(first: Bytes, second: Bytes) -> Floats | None:
    """The similarity (2x3) that maps places of `first` to places of `second`, or None where too little agrees.

    ORB corners (Rublee et al., ICCV 2011) matched both ways, the turn, size and shift that most of them share (RANSAC).
    """
    finder = cv2.ORB.create(800)
    points, words = finder.detectAndCompute(first, cast("Bytes", None))
    others, other_words = finder.detectAndCompute(second, cast("Bytes", None))
    if len(points) < _FEWEST_POINTS or len(others) < _FEWEST_POINTS:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, True).match(words, other_words)
    if len(pairs) < _FEWEST_POINTS:
        return None
    here = np.array([points[pair.queryIdx].pt for pair in pairs], np.float32)
    there = np.array([others[pair.trainIdx].pt for pair in pairs], np.float32)
    found = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=3.0)
    matrix, kept = cast("tuple[Floats | None, Bytes]", found)
    if matrix is None or int(kept.sum()) < max(_FEWEST_POINTS, 0.2 * len(pairs)):
        return None
    return floats(matrix)


def pad_repeated(field: Floats) -> Floats:
    """The field with its border once more around it."""
    return cast("Floats", cv2.copyMakeBorder(field, 1, 1, 1, 1, cv2.BORDER_REPLICATE))


def mirror_border(plane: Bytes, margin: int) -> Bytes:
    """The plane with its mirror image `margin` pixels wide on every side."""
    return cast("Bytes", cv2.copyMakeBorder(plane, margin, margin, margin, margin, cv2.BORDER_REFLECT_101))


_CORNERS = 200
_FEWEST_CORNERS = 12


def similarity(first: Bytes, second: Bytes) -> tuple[NDArray[np.float64], float] | None:
    """The similarity (2x3, first to second) that most corners of `first` follow, and their share; None if unknown.

    Corners (Shi and Tomasi) tracked by pyramidal Lucas-Kanade, RANSAC with a pixel's tolerance.
    """
    # The type stubs do not know that there may be no corners, or no matrix to a degenerate set of them.
    corners = cast("Floats | None", cv2.goodFeaturesToTrack(first, _CORNERS, 0.01, 6))
    if corners is None or len(corners) < _FEWEST_CORNERS:
        return None
    tracked, found, _ = cv2.calcOpticalFlowPyrLK(first, second, corners, cast("Floats", None), winSize=(15, 15))
    kept = np.asarray(found, np.uint8)[:, 0] == 1
    if int(kept.sum()) < _FEWEST_CORNERS:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(
        corners[kept], np.asarray(tracked, np.float32)[kept], method=cv2.RANSAC, ransacReprojThreshold=1.0
    )
    matrix = cast("NDArray[np.float64] | None", matrix)
    return None if matrix is None else (matrix, float(inliers.mean()))


def draw_streaks(plane: Bytes, lines: NDArray[np.float64], value: int, thickness: float) -> None:
    """Paint lines (n, 4: x, y from and to, in pixels) with round ends into a byte plane, in place; they may overlap.

    A line thinner than a pixel is one pixel wide and as much fainter.
    """
    if lines.shape[0] == 0 or value <= 0:
        return
    wide = max(1, round(thickness))
    value = round(value * min(1.0, max(0.3, thickness)))
    points = np.rint(np.clip(lines, -4096, 16384) * 16).astype(np.int32).reshape(-1, 2, 1, 2)
    cv2.polylines(plane, list(points), False, (value,), wide, cv2.LINE_AA, 4)


def brighten(plane: Bytes, light: Bytes) -> Bytes:
    """The plane plus light, up to white."""
    return cast("Bytes", cv2.add(plane, light))


def add_share(plane: Bytes, other: Bytes, share: float) -> Bytes:
    """Plane + other·share, kept within 0 to 255."""
    return cast("Bytes", cv2.addWeighted(plane, 1.0, other, share, 0.0))


def soften(plane: Bytes, sigma: float) -> Bytes:
    """Gaussian blur of a byte plane, sigma in pixels."""
    return cast("Bytes", cv2.GaussianBlur(plane, (0, 0), sigma))


class FlowMeter:
    """Dense optical flow by Dense Inverse Search (Kroeger et al., ECCV 2016), preset `medium`, or `fast` if `quick`."""

    def __init__(self, *, quick: bool = False) -> None:
        self._search = cv2.DISOpticalFlow.create(_PRESET_FAST if quick else _PRESET_MEDIUM)

    def measure(self, first: Bytes, second: Bytes) -> Floats:
        """(height, width, 2) in pixels: what stands at x in `first` stands at x + flow in `second`."""
        return cast("Floats", self._search.calc(first, second, cast("Floats", None)))
