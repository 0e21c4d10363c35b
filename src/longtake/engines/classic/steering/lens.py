# SPDX-License-Identifier: Apache-2.0
"""Pictures seen from a pose: one warp a plane, exact to a fraction of a pixel, in YUV."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import (
    Bytes,
    Floats,
    blend_by,
    pad_mirrored,
    scale_by,
    scale_cubic,
    scale_smooth,
    shrink,
    warp_affine,
)
from longtake.engines.classic.steering.path import Pose
from longtake.media.frames import VideoFrame

_TOLERANCES = (0.01, 0.03)
"""Pixels by which a place may be off: what is tried for, and what is still taken."""
_LEAST_MARGIN, _MOST_MARGIN = 2, 96
"""Pixels beside the frame: those that cubic scaling looks at, and as many as are worth scaling in vain."""
_SMALL_PIXELS = 300_000
"""Planes up to this size are warped: that costs little, and a hundredth of their pixels is more of their motion."""
_BORDER_SHARE = 0.035
"""Outside of a picture that is smaller than the frame, blur grows over this share of the width."""


class Lens:
    """Sees pictures of one size from poses."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height

    def look(self, frame: VideoFrame, pose: Pose) -> VideoFrame:
        """The picture as the camera sees it; itself if the camera does not move it.

        Where the camera sees beyond the picture, its mirror image stands there, ever more blurred.
        """
        if pose.is_still:
            return frame
        y, u, v = (_seen(plane, pose, cubic=plane is frame.y) for plane in (frame.y, frame.u, frame.v))
        if pose.zoom < 1:
            mask = self._border(pose)
            if mask is not None:
                small = shrink(mask, self._width // 2, self._height // 2)
                y, u, v = _softened(y, mask), _softened(u, small), _softened(v, small)
        return VideoFrame(y=y, u=u, v=v)

    def _border(self, pose: Pose) -> Bytes | None:
        """How much each pixel lies outside of the picture, 0 to 255; None if none does."""
        width, height = max(2, self._width // 8), max(2, self._height // 8)
        across = _outside(width, pose.zoom, pose.shift_x) * (self._width / self._height)
        down = _outside(height, pose.zoom, pose.shift_y)
        far = np.maximum(across[None, :], down[:, None]) * (self._height / self._width)
        if float(far.max()) <= 0:
            return None
        mask = (np.clip(far / _BORDER_SHARE, 0, 1) * 255).astype(np.uint8)
        return scale_smooth(mask, self._width, self._height)


def _outside(count: int, zoom: float, shift: float) -> Floats:
    """How far each of `count` places of the frame lies outside of the picture, as a share of the frame."""
    places = (np.arange(count, dtype=np.float32) + np.float32(0.5)) / count - np.float32(0.5)
    return np.maximum(np.abs(places / np.float32(zoom) + np.float32(shift)) - np.float32(0.5), 0).astype(np.float32)


def _softened(plane: Bytes, mask: Bytes) -> Bytes:
    """The plane, blurred where the mask says."""
    height, width = plane.shape
    soft = shrink(plane, max(2, width // 24), max(2, height // 24))
    return blend_by(plane, scale_cubic(soft, width, height), mask)


def _seen(plane: Bytes, pose: Pose, *, cubic: bool) -> Bytes:
    """A plane from a pose. Pixel centres lie at half-integers, so that luma and chroma stay in register."""
    height, width = plane.shape
    scale = 1 / pose.zoom
    if plane.size > _SMALL_PIXELS and abs(pose.roll) < 1e-6:  # noqa: PLR2004 - less than a hundredth of a pixel
        across = _axis(width, scale, pose.shift_x)
        down = _axis(height, scale, pose.shift_y)
        if across is not None and down is not None:
            return _cut_and_scaled(plane, scale, across, down)
    cosine, sine = scale * math.cos(pose.roll), scale * math.sin(pose.roll)
    middle_x, middle_y = width / 2 - 0.5, height / 2 - 0.5
    matrix = np.array(
        [
            [cosine, sine, middle_x + pose.shift_x * width - cosine * middle_x - sine * middle_y],
            [-sine, cosine, middle_y + pose.shift_y * height + sine * middle_x - cosine * middle_y],
        ],
        np.float32,
    )
    return warp_affine(plane, matrix, width, height, cubic=cubic)


@dataclass(frozen=True, slots=True)
class _Axis:
    """A stretch of the plane from `start` on, scaled; of the result `count` pixels are kept from `skip` on."""

    start: int
    length: int
    skip: int
    count: int


def _axis(count: int, scale: float, shift: float) -> _Axis | None:
    """The stretch whose scaling meets a zoom and a shift along one axis; None if none comes near.

    OpenCV scales six times faster than it warps, by any factor but from whole pixels on only. Beginning some pixels
    before the frame's edge, one of them lies right to a hundredth of a pixel, unless the factor is nearly 1.
    """
    first = count / 2 - scale * count / 2 + shift * count
    """Where the frame's left edge lies in the plane."""
    skip = np.arange(_LEAST_MARGIN, min(_MOST_MARGIN, max(8, count // 8)) + 1)
    left = first - skip * scale
    off = np.abs(np.rint(left) - left)
    for tolerance in _TOLERANCES:
        near = np.flatnonzero(off <= tolerance)
        if near.size > 0:
            chosen = int(skip[near[0]])
            length = math.ceil((chosen + count) * scale) + _LEAST_MARGIN
            return _Axis(round(float(left[near[0]])), length, chosen, count)
    return None


def _cut_and_scaled(plane: Bytes, scale: float, across: _Axis, down: _Axis) -> Bytes:
    """Cut, scale and cut again; mirrored where the cut reaches beyond the plane."""
    height, width = plane.shape
    left, right = max(0, -across.start), max(0, across.start + across.length - width)
    top, bottom = max(0, -down.start), max(0, down.start + down.length - height)
    if max(left, right, top, bottom) > 0:
        plane = pad_mirrored(plane, top, bottom, left, right)
    part = plane[
        down.start + top : down.start + top + down.length, across.start + left : across.start + left + across.length
    ]
    scaled = scale_by(part, 1 / scale)
    return scaled[down.skip : down.skip + down.count, across.skip : across.skip + across.count]
