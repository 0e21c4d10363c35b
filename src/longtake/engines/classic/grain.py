# SPDX-License-Identifier: Apache-2.0
"""Grain: the noise of a noisy clip, laid over invented pictures, which would stand still like glass without it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.pixels import Bytes, add_signed
from longtake.media.frames import VideoFrame

_LEAST_DEVIATION = 1.8
"""Levels; below this a clip counts as clean: what flow leaves over of a clean clip by its own error is 1.0 to 1.4."""
_MOST_DEVIATION = 8.0
_STRENGTH = 0.65
"""The difference of two pictures has the noise of both (1 / sqrt 2); the picture beneath keeps its own (a bit less)."""


class Grain:
    """Noise like that between two pictures of one content, different every time it is laid."""

    def __init__(self, picture: Bytes, same: Bytes) -> None:
        """Take the noise from a picture and another one of the same content, such as the one before, warped."""
        residual = picture.astype(np.int16) - same
        sample = np.abs(residual[::3, ::3]).astype(np.int64)
        # The median knows noise from moving edges, of which there are few (1.4826: deviation of a normal variable).
        deviation = 1.4826 * (float(np.median(sample)) + _within_level(sample))
        self.deviation = deviation if deviation >= _LEAST_DEVIATION else 0.0
        """Of the clip's noise in levels, times sqrt 2; 0 for a clean clip."""
        limit = 2.5 * min(deviation, _MOST_DEVIATION)
        residual[np.abs(residual) > limit] = 0
        self._noise: NDArray[np.int16] = np.rint(residual * _STRENGTH).astype(np.int16)
        self._random = np.random.default_rng(0x6A1)

    def lay(self, frame: VideoFrame) -> VideoFrame:
        """The picture with grain in its luma; itself if the clip is clean."""
        if not self.deviation:
            return frame
        offset = (int(self._random.integers(0, frame.height)), int(self._random.integers(0, frame.width)))
        noise = np.roll(self._noise, offset, axis=(0, 1))
        return VideoFrame(y=add_signed(frame.y, noise), u=frame.u, v=frame.v)


def _within_level(sample: NDArray[np.int64]) -> float:
    """What a median of whole numbers hides: where in its level, -0.5 to 0.5, half of the values lie."""
    middle = int(np.median(sample))
    below, equal = (np.count_nonzero(found) / sample.size for found in (sample < middle, sample == middle))
    return (0.5 - below) / equal - 0.5 if equal else 0.0
