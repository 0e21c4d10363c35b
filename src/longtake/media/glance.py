# SPDX-License-Identifier: Apache-2.0
"""What the seam report keeps of a frame that passes near the join: a few numbers, so that the frame need not stay.

The frames are those that the head's decoder and the maker give anyway: nothing is decoded for this. A copied head shows
exactly these pictures in the result; what is encoded shows them but for its encoder's loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.media.frames import VideoFrame
from longtake.types import ColorTags

AFTER_FRAMES = 13
"""New frames that are looked at: a flash is looked for in the first eight, the others show what it goes back to."""
SHARP_FRAMES = 3
"""Frames on either side whose sharpness is measured."""
SMALL_FRAMES = 5
"""Frames on either side that are kept small: for the motion between them, and most of them for the join's picture."""
BLOCKS = 12
"""Blocks along the picture's longer side."""
_ROWS_ENOUGH = 360
"""Of so many rows and more only some are looked at, but for a step: the means of the others hardly differ."""
_SMALL_SIDE_PX = 288
_BESIDE = np.array([[1, -4, 1]], np.float32)
"""Of the Laplacian the row that has the pixel itself."""

_XYZ_OF_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)
"""Of IEC 61966-2-1."""

Luma = NDArray[np.uint8]
Grid = NDArray[np.float32]


def luma_step(before: Luma, after: Luma) -> float:
    """Mean absolute difference of two luma planes, in 8-bit levels."""
    return float(cv2.norm(before, after, cv2.NORM_L1)) / before.size


@dataclass(frozen=True, slots=True)
class Glance:
    """One frame. Levels are 8-bit."""

    means: tuple[float, float, float]
    """Of Y, U and V."""
    step: float | None = None
    """luma_step() from the frame before it; None where that was not seen."""
    blocks: Grid | None = None
    """The same block by block, rows of columns."""
    sharpness: float | None = None
    """Mean absolute Laplacian of luma; None where it was not wanted."""
    small: VideoFrame | None = None
    """The frame scaled down; None where it was not wanted."""


def glance(frame: VideoFrame, before: Luma | None, *, sharp: bool = False, small: bool = False) -> Glance:
    """Look at a frame, beside the luma of the one before it."""
    every = _every(frame.height)
    y, u, v = (float(cv2.mean(plane[::every])[0]) for plane in (frame.y, frame.u, frame.v))
    seen = Glance(
        means=(y, u, v),
        sharpness=sharpness(frame.y) if sharp else None,
        small=scaled_down(frame) if small else None,
    )
    return seen if before is None else stepped(seen, before, frame.y)


def stepped(seen: Glance, before: Luma, luma: Luma) -> Glance:
    """The glance at a frame whose luma is `luma`, with its step from the frame before it."""
    return replace(seen, step=luma_step(before, luma), blocks=block_steps(before, luma))


def block_steps(before: Luma, after: Luma) -> Grid:
    """Mean absolute luma differences of the blocks of a grid."""
    high, wide = before.shape
    every = _every(high)
    return block_means(np.asarray(cv2.absdiff(before[::every], after[::every]), np.uint8), wide, high)


def _every(high: int) -> int:
    """How far apart the rows are that are looked at in a picture of this height."""
    return max(1, high // _ROWS_ENOUGH)


def block_means(levels: NDArray[np.uint8] | Grid, wide: int, high: int) -> Grid:
    """The means of the blocks of a grid over levels of a picture of this size, of which rows may be left out."""
    factor = BLOCKS / max(wide, high)
    rows = _bounds(levels.shape[0], round(high * factor))
    columns = _bounds(levels.shape[1], round(wide * factor))
    # Band by band, since resizing by area takes ten times as long.
    bands = [cv2.reduce(levels[a:b], 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0] for a, b in pairwise(rows)]
    return np.asarray(np.add.reduceat(np.stack(bands), columns[:-1], axis=1) / np.diff(columns), np.float32)


def _bounds(length: int, parts: int) -> NDArray[np.intp]:
    """Where about equal parts of a length begin, and its end; no more parts than there is."""
    parts = max(1, min(length, parts))
    return np.arange(parts + 1) * length // parts


def sharpness(luma: Luma) -> float:
    """Mean absolute Laplacian, in 8-bit levels."""
    every = _every(luma.shape[0])
    if every == 1:
        return float(cv2.norm(cv2.Laplacian(luma, cv2.CV_16S), cv2.NORM_L1)) / luma.size
    above, here, below = luma[:-2:every], luma[1:-1:every], luma[2::every]
    beside = cv2.filter2D(here, cv2.CV_16S, _BESIDE)
    found = cv2.add(beside, cv2.add(above, below, dtype=cv2.CV_16S))
    return float(cv2.norm(found, cv2.NORM_L1)) / found.size


def scaled_down(frame: VideoFrame) -> VideoFrame:
    """A copy with a longer side of at most 288 px, both even."""
    factor = min(1.0, _SMALL_SIDE_PX / max(frame.width, frame.height))
    wide, high = (max(2, round(side * factor / 2) * 2) for side in (frame.width, frame.height))

    def plane(pixels: Luma, width: int, height: int) -> Luma:
        # Halving is so quick that the rest, by area, has little left to do.
        while pixels.shape[0] % 2 == 0 and pixels.shape[1] % 2 == 0 and pixels.shape[1] >= 2 * width:
            pixels = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8).copy()

    return VideoFrame(
        plane(frame.y, wide, high), plane(frame.u, wide // 2, high // 2), plane(frame.v, wide // 2, high // 2)
    )


def rgb_of(y: NDArray[np.float32], u: NDArray[np.float32], v: NDArray[np.float32], color: ColorTags, high: int) -> Grid:
    """YUV levels as RGB from 0 to 1, the last axis; untagged pictures are taken as players do, by their height."""
    weights = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
    untagged = 1 if color.matrix == 2 and high >= 720 else color.matrix  # noqa: PLR2004 - unspecified; the border of HD
    red, blue = weights.get(untagged, (0.299, 0.114))
    low, luma_range, chroma_range = (0.0, 255.0, 255.0) if color.full_range else (16.0, 219.0, 224.0)
    grey, cb, cr = (y - low) / luma_range, (u - 128) / chroma_range, (v - 128) / chroma_range
    r, b = grey + 2 * (1 - red) * cr, grey + 2 * (1 - blue) * cb
    g = (grey - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], axis=-1), 0.0, 1.0).astype(np.float32)


def ab_of(rgb: Grid) -> Grid:
    """The colour axes a* and b* of CIELAB (ISO/CIE 11664-4, D65), the last axis, of sRGB from 0 to 1.

    OpenCV's first conversion to Lab builds tables for 0.1 s: more than all the rest that a join is judged by.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB
    xyz = linear @ _XYZ_OF_RGB.T / _XYZ_OF_RGB.sum(axis=1)
    root = np.asarray(np.where(xyz > (6 / 29) ** 3, xyz ** (1 / 3), xyz / (3 * (6 / 29) ** 2) + 4 / 29), np.float32)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)
