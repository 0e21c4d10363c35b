# SPDX-License-Identifier: Apache-2.0
"""Pictures pulled along a displacement or seen through a moving camera, plane by plane, without leaving YUV."""

from __future__ import annotations

import math

import numpy as np

from longtake.engines.classic.pixels import (
    Floats,
    add_picture,
    blend,
    pixel_grid,
    sample_bytes,
    scale_floats,
    scale_smooth,
    warp_affine,
)
from longtake.media.frames import VideoFrame


class FrameWarper:
    """Warps pictures of one size by displacements that are given at a smaller one."""

    def __init__(self, width: int, height: int, *, margin: int = 0) -> None:
        """Make pictures of width x height out of ones that are larger by `margin` luma pixels (even) on every side."""
        self._luma_grid = pixel_grid(width, height) + np.float32(margin)
        # The chroma grid is the head of nothing larger: at half size every pixel has its own whole numbers again.
        self._chroma_grid = pixel_grid(width // 2, height // 2) + np.float32(margin // 2)

    def pull(self, frame: VideoFrame, displacement: Floats) -> VideoFrame:
        """The picture whose pixel x shows what `frame` has at x + displacement(x).

        The displacement is in pixels of its own, smaller size. Luma is sampled by cubic interpolation, which keeps
        0.9 of the sharpness where linear keeps 0.7 to 0.8; chroma needs no more than linear.
        """
        luma = self._places(displacement, self._luma_grid)
        chroma = self._places(displacement, self._chroma_grid)
        return VideoFrame(
            y=sample_bytes(frame.y, luma, cubic=True),
            u=sample_bytes(frame.u, chroma, cubic=False),
            v=sample_bytes(frame.v, chroma, cubic=False),
        )

    @staticmethod
    def _places(displacement: Floats, grid: Floats) -> Floats:
        height, width = grid.shape[:2]
        # Stretched while it is small: numpy takes pairs of numbers one by one.
        stretch = np.array([width / displacement.shape[1], height / displacement.shape[0]], np.float32)
        places = scale_floats(displacement * stretch, width, height)
        add_picture(places, grid)
        return places


def view(frame: VideoFrame, *, zoom: float, shift_x: float = 0.0, shift_y: float = 0.0) -> VideoFrame:
    """The picture through a camera that is `zoom` (>= 1) times closer and looks beside the centre.

    Shifts are shares of the largest way to go without showing a border: -1 left or top edge, 1 right or bottom edge.
    """
    zoom = max(1.0, zoom)
    planes: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
    for plane in (frame.y, frame.u, frame.v):
        height, width = plane.shape
        room_x, room_y = (width - width / zoom) / 2, (height - height / zoom) / 2
        # Pixel centres lie at half-integers, so that luma and chroma stay in register at every zoom.
        offset_x = room_x * (1 + shift_x) + 0.5 / zoom - 0.5
        offset_y = room_y * (1 + shift_y) + 0.5 / zoom - 0.5
        matrix = np.array([[1 / zoom, 0, offset_x], [0, 1 / zoom, offset_y]], np.float32)
        planes.append(warp_affine(plane, matrix, width, height, cubic=plane is frame.y))
    return VideoFrame(y=planes[0], u=planes[1], v=planes[2])


def dissolve(first: VideoFrame, second: VideoFrame, share: float) -> VideoFrame:
    """A mixture of two pictures of one size: all `first` at 0, all `second` at 1."""
    return VideoFrame(
        y=blend(first.y, second.y, share), u=blend(first.u, second.u, share), v=blend(first.v, second.v, share)
    )


def shrink_frame(frame: VideoFrame, pixels: int) -> VideoFrame:
    """The picture at a size of about so many pixels; itself if it has no more."""
    scale = math.sqrt(pixels / (frame.width * frame.height))
    if scale >= 1:
        return frame
    width, height = (max(16, 2 * round(side * scale / 2)) for side in (frame.width, frame.height))
    return VideoFrame(
        y=scale_smooth(frame.y, width, height),
        u=scale_smooth(frame.u, width // 2, height // 2),
        v=scale_smooth(frame.v, width // 2, height // 2),
    )


def fit_cover(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """The picture at another size: scaled to fill it and cut evenly at the sides; itself if it has that size."""
    if (frame.width, frame.height) == (width, height):
        return frame
    scale = max(width / frame.width, height / frame.height)
    part_width = min(frame.width, max(2, 2 * math.floor(width / scale / 2 + 0.5)))
    part_height = min(frame.height, max(2, 2 * math.floor(height / scale / 2 + 0.5)))
    left, top = (frame.width - part_width) // 4 * 2, (frame.height - part_height) // 4 * 2
    y = frame.y[top : top + part_height, left : left + part_width]
    u = frame.u[top // 2 : (top + part_height) // 2, left // 2 : (left + part_width) // 2]
    v = frame.v[top // 2 : (top + part_height) // 2, left // 2 : (left + part_width) // 2]
    return VideoFrame(
        y=scale_smooth(y, width, height),
        u=scale_smooth(u, width // 2, height // 2),
        v=scale_smooth(v, width // 2, height // 2),
    )
