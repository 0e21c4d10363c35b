# SPDX-License-Identifier: Apache-2.0
"""Fog: two fields of noise that drift past each other, denser below, as bright as the picture allows."""

from __future__ import annotations

import numpy as np

from longtake.engines.classic.pixels import (
    Bytes,
    Floats,
    blend_by,
    blur,
    floats,
    pixel_grid,
    sample_tile,
    scale_cubic,
    shrink,
)
from longtake.media.frames import VideoFrame

_TILE = 128
_MOST = 0.82
_COMING_S = 3.5


class Fog:
    """Fog that drifts in."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        self._small = max(2, width // 16), max(2, height // 16)
        self._grid = pixel_grid(*self._small) * np.float32(_TILE * 1.1 / self._small[0])
        self._tiles = [_noise(random), _noise(random)]
        self._wind = float(random.choice((-1.0, 1.0)))
        down = np.linspace(0, 1, self._small[1], dtype=np.float32)[:, None]
        self._ground = np.float32(0.45) + np.float32(0.55) * down
        self._colour: tuple[int, int, int] | None = None

    def over(self, frame: VideoFrame, time_s: float, strength: float, shift: tuple[float, float]) -> VideoFrame:
        """The picture in fog, `time_s` after its first breath."""
        if self._colour is None:
            # Fog is lit by the scene: grey in a dark one, warm in a warm one.
            y, u, v = (float(plane[::8, ::8].mean()) for plane in (frame.y, frame.u, frame.v))
            self._colour = int(np.clip(0.6 * y + 100, 80, 205)), round(64 + 0.5 * u), round(64 + 0.5 * v)
        mask = self._mask(time_s, strength, shift, frame.width, frame.height)
        small = shrink(mask, frame.u.shape[1], frame.u.shape[0])
        y, u, v = self._colour
        return VideoFrame(y=blend_by(frame.y, y, mask), u=blend_by(frame.u, u, small), v=blend_by(frame.v, v, small))

    def _mask(self, time_s: float, strength: float, shift: tuple[float, float], width: int, height: int) -> Bytes:
        here = min(1.0, time_s / _COMING_S)
        here = here * here * (3 - 2 * here)
        density = np.zeros((self._small[1], self._small[0]), np.float32)
        for number, tile in enumerate(self._tiles):
            scale = np.float32(1 + 0.9 * number)
            drift = self._wind * time_s * (3.0 + 2.2 * number) + 60 * shift[0] * (number + 1)
            offset = np.array([drift, 1.3 * time_s * (number - 0.6) + 31 * number], np.float32)
            density += sample_tile(tile, self._grid * scale + offset) * np.float32(0.5)
        # It thickens from its densest places outwards.
        body = np.clip(density * np.float32(0.6) + np.float32(0.72 * here - 0.02), 0, 1) * self._ground
        alpha = np.minimum(body * np.float32(here * min(1.3, strength**0.7)), np.float32(_MOST))
        return scale_cubic((alpha * np.float32(255)).astype(np.uint8), width, height)


def _noise(random: np.random.Generator) -> Floats:
    """A periodic field of soft noise in several sizes, about -1 to 1."""
    field = np.zeros((_TILE, _TILE), np.float32)
    for sigma, share in ((20.0, 1.0), (10.0, 0.6), (5.0, 0.33), (2.5, 0.18)):
        white = np.tile(random.standard_normal((_TILE, _TILE)).astype(np.float32), (3, 3))
        soft = blur(white, sigma)[_TILE : 2 * _TILE, _TILE : 2 * _TILE]
        field += soft / soft.std() * np.float32(share)
    return floats(field / (2 * field.std()))
