# SPDX-License-Identifier: Apache-2.0
"""From painted light to a video picture: colour matrix, full size, dither against banding."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import Bytes, Floats, mix_channels, scale_floats
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


class Finisher:
    """Makes 8-bit 4:2:0 pictures of painted ones."""

    def __init__(self, width: int, height: int, color: ColorTags, seed: int) -> None:
        self._size = (width, height)
        self._matrix = color_matrix(color, height)
        random = np.random.default_rng([seed, 0xD17])
        # Triangular noise of one level stands still, so that an encoder has it once: it only has to break up bands.
        noise = random.random((2, height, width), np.float32)
        self._dither = (noise[0] + noise[1]) * np.float32(0.5)

    def finish(self, picture: Floats) -> VideoFrame:
        """The picture, (height, width, 3) red, green, blue 0 to 255 at any size, as a frame."""
        width, height = self._size
        levels = mix_channels(np.clip(picture, 0, 255), self._matrix)
        luma = levels[..., 0]
        if luma.shape != (height, width):
            luma = scale_floats(np.ascontiguousarray(luma), width, height, cubic=True)
        chroma = scale_floats(np.ascontiguousarray(levels[..., 1:]), width // 2, height // 2)
        dither = self._dither[: height // 2, : width // 2]
        return VideoFrame(
            y=_quantise(luma + self._dither),
            u=_quantise(chroma[..., 0] + dither),
            v=_quantise(chroma[..., 1] + dither),
        )


def _quantise(levels: Floats) -> Bytes:
    return np.clip(levels, 0, 255).astype(np.uint8)
