# SPDX-License-Identifier: Apache-2.0
"""Pictures and sound in memory, as media and engines hand them to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One picture in planar YUV 4:2:0, 8 bit: y is (height, width), u and v are (height/2, width/2), all uint8."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    @property
    def width(self) -> int:
        """Pixels across; even."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Pixels down; even."""
        return int(self.y.shape[0])


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A stretch of sound: samples is (channels, n) float32 in -1..1, at the request's rate_hz."""

    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A context picture and when it is shown, in seconds before the cut (negative or zero)."""

    frame: VideoFrame
    time_s: float
