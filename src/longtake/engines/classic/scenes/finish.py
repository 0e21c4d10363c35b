# SPDX-License-Identifier: Apache-2.0
"""From painted light to a video picture: colour matrix, full size, dither against banding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longtake.engines.classic.pixels import (
    Floats,
    add_picture,
    blur,
    clip_colors,
    keep_below,
    mix_channels,
    multiply,
    scale_floats,
    shrink_floats,
    split_channels,
    to_bytes,
)
from longtake.engines.classic.scenes.moment import Detail, Moment
from longtake.engines.classic.scenes.sprinkle import Sprinkler
from longtake.media.frames import VideoFrame
from longtake.types import ColorTags

_LUMA_SHARES = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Kr and Kb by matrix code point (ITU-T H.273, table 4)."""
_BT709, _BT601 = 1, 6
_HIGH_DEFINITION_ROWS = 720


def color_matrix(color: ColorTags, height: int) -> Floats:
    """(3, 4): from red, green, blue 0 to 255 to Y, Cb, Cr in 8-bit levels.

    An unspecified matrix is read by players as BT.709 from 720 rows on and as BT.601 below, so it is written like that.
    """
    usual = _BT709 if height >= _HIGH_DEFINITION_ROWS else _BT601
    red, blue = _LUMA_SHARES.get(color.matrix, _LUMA_SHARES[usual])
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - blue))
    cr = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - red))
    luma_scale, chroma_scale, black = (1.0, 1.0, 0.0) if color.full_range else (219 / 255, 224 / 255, 16.0)
    matrix = np.stack([luma * luma_scale, cb * chroma_scale, cr * chroma_scale])
    return np.column_stack([matrix, [black, 128.0, 128.0]]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Grade:
    """How the whole picture is developed."""

    saturation: float = 1.0
    contrast: float = 1.0
    warmth: float = 0.0
    """-1 cold, 1 warm."""
    bloom: float = 0.0
    """How much bright light spreads."""
    vignette: float = 0.16
    """How much darker the corners are."""


def graded(matrix: Floats, grade: Grade) -> Floats:
    """The matrix from colours to levels with a grade's saturation, contrast and warmth in it."""
    gains = np.array([1 + 0.09 * grade.warmth, 1 + 0.01 * grade.warmth, 1 - 0.11 * grade.warmth])
    result = matrix.astype(np.float64).copy()
    result[:, :3] *= gains
    result[1:, :3] *= grade.saturation
    middle = 105.0
    result[0, :3] *= grade.contrast
    result[0, 3] += (1 - grade.contrast) * (middle - matrix[0, 3])
    return result.astype(np.float32)


class Finisher:
    """Makes 8-bit 4:2:0 pictures of painted ones."""

    def __init__(self, width: int, height: int, color: ColorTags, seed: int, grade: Grade | None = None) -> None:
        self._size = (width, height)
        self._grade = grade or Grade(vignette=0.0)
        self._plain = color_matrix(color, height)
        self._matrix = graded(self._plain, self._grade)
        self._black = float(self._plain[0, 3])
        self._white = 255.0 if color.full_range else 235.0
        random = np.random.default_rng([seed, 0xD17])
        # Triangular noise of one level stands still, so that an encoder has it once: it only has to break up bands.
        noise = random.random((2, height, width), np.float32)
        self._dither = noise[0] + noise[1] - np.float32(1)
        self._corners: Floats | None = None

    def finish(self, picture: Floats, details: Sequence[Detail] = (), moment: Moment | None = None) -> VideoFrame:
        """The picture, (height, width, 3) red, green, blue 0 to 255 at any size, as a frame, with its small lights."""
        width, height = self._size
        painted = clip_colors(picture)
        if self._grade.bloom > 0:
            self._spread(painted)
        levels = mix_channels(painted, self._matrix)
        luma, *chroma = split_channels(levels)
        if self._grade.vignette > 0:
            self._darken_corners(luma)
        if luma.shape != (height, width):
            luma = scale_floats(luma, width, height, cubic=True)
        u, v = (scale_floats(plane, width // 2, height // 2) for plane in chroma)
        if moment is not None and details:
            sprinkler = Sprinkler(luma, u, v, self._plain)
            for detail in details:
                detail.sprinkle(sprinkler, moment)
        keep_below(luma, self._white)
        dither = np.ascontiguousarray(self._dither[: height // 2, : width // 2])
        return VideoFrame(y=to_bytes(luma, self._dither), u=to_bytes(u, dither), v=to_bytes(v, dither))

    def _spread(self, picture: Floats) -> None:
        """Bloom: the light of what is bright, blurred at an eighth of the size, added to its surroundings."""
        height, width = picture.shape[:2]
        small = shrink_floats(picture, max(8, width // 8), max(8, height // 8))
        bright = np.maximum(small - np.float32(70), 0)
        unit = small.shape[0] / 90
        light = blur(bright, 1.6 * unit) * np.float32(0.5) + blur(bright, 5.5 * unit) * np.float32(0.6)
        add_picture(picture, scale_floats(light * np.float32(self._grade.bloom), width, height))

    def _darken_corners(self, luma: Floats) -> None:
        if self._corners is None or self._corners.shape != luma.shape:
            height, width = luma.shape
            x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
            y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
            out = np.clip((x * x + y * y) / np.float32(2), 0, 1)
            self._corners = np.asarray(1 - self._grade.vignette * out**1.2, np.float32)
        luma -= np.float32(self._black)
        multiply(luma, self._corners)
        luma += np.float32(self._black)
