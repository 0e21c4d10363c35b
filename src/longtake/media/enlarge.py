# SPDX-License-Identifier: Apache-2.0
"""Pictures enlarged by a net, in tiles that overlap: as one piece to the eye, and with memory that is bounded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.errors import ConfigurationError
from longtake.media.frames import VideoFrame
from longtake.media.net import STEP_PX, Floats, Net, reason
from longtake.media.planes import from_av, to_av

_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""By matrix: the shares of red and blue in luma (H.273)."""
_logger = logging.getLogger("longtake.media")


class Enlarger:
    """Enlarges the pictures of one job. What goes wrong with the net is kept as a warning, not raised."""

    def __init__(self, load: Callable[[], Net], beat: Callable[[], None]) -> None:
        """`beat` is called before each tile and may raise to stop the work."""
        self._load = load
        self._beat = beat
        self._working = threading.Lock()
        self._net: Net | None = None
        self.failure = ""
        """Why the net is not used any more; empty = it works, or was not needed yet."""
        self.pictures = 0
        """How many it has made."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """For the task's owner."""
        if not self.failure:
            return ()
        part = "the pictures from then on were" if self.pictures else "the picture was"
        return (f"upscale: {self.failure}; {part} enlarged by the plain scaler",)

    @property
    def made_by(self) -> str:
        """The net's name once it has made a picture, else empty."""
        return self._net.facts.name if self._net is not None and self.pictures else ""

    def scale(self) -> int:
        """How much larger pictures become; 1 = no net can be had."""
        with self._working:
            if self._net is None and not self.failure:
                try:
                    self._net = self._load()
                except (ConfigurationError, cv2.error, MemoryError) as error:
                    self._give_up(error)
            return 1 if self._net is None or self.failure else self._net.facts.scale

    def enlarge(self, frame: av.VideoFrame, matrix: str, *, full_range: bool) -> av.VideoFrame | None:
        """A yuv420p picture made larger, at the same time; None if the net cannot."""
        picture = from_av(frame)
        if self.scale() == 1:
            return None
        with self._working:
            net = self._net
            assert net is not None
            try:
                made = (
                    self._luma_only(net, picture)
                    if net.facts.channels == 1
                    else (self._in_colour(net, picture, matrix, full_range=full_range))
                )
            except (ConfigurationError, cv2.error, MemoryError) as error:
                self._give_up(error)
                return None
            self.pictures += 1
        result = to_av(made, made.width, made.height)
        result.pts = frame.pts
        if frame.time_base is not None:  # pyright: ignore[reportUnnecessaryComparison]  (a frame of no stream has none)
            result.time_base = frame.time_base
        return result

    def _give_up(self, error: Exception) -> None:
        if self._net is not None:
            self._net.close()  # what it holds of memory may be what the rest of the work needs
        memory = isinstance(error, MemoryError) or getattr(error, "code", None) == cv2.Error.StsNoMem
        self.failure = "the net needs more memory than there is" if memory else f"the net failed ({reason(error)})"
        _logger.warning("upscale: %s", self.failure)

    def _luma_only(self, net: Net, picture: VideoFrame) -> VideoFrame:
        made = self._by_tiles(net, _floats(picture.y[None]) / np.float32(255))
        u, v = (_by_lanczos(plane, net.facts.scale) for plane in (picture.u, picture.v))
        return VideoFrame(y=_levels(made[0] * 255), u=u, v=v)

    def _in_colour(self, net: Net, picture: VideoFrame, matrix: str, *, full_range: bool) -> VideoFrame:
        made = self._by_tiles(net, to_rgb(picture, matrix, full_range=full_range))
        return from_rgb(made, matrix, full_range=full_range)

    def _by_tiles(self, net: Net, values: Floats) -> Floats:
        """Each tile sees more of the picture than it makes; outside of the picture it sees its mirror image."""
        channels, high, wide = values.shape
        margin, scale = net.margin_px, net.facts.scale
        (down, tile_high), (across, tile_wide) = (_parts(length, net.tile_px) for length in (high, wide))
        rest = (down * tile_high - high, across * tile_wide - wide)
        around = ((0, 0), (margin, margin + rest[0]), (margin, margin + rest[1]))
        seen = np.pad(values, around, mode="symmetric")
        made = np.empty((channels, high * scale, wide * scale), np.float32)
        for top in range(0, high, tile_high):
            for left in range(0, wide, tile_wide):
                self._beat()
                tile = net.run(seen[:, top : top + tile_high + 2 * margin, left : left + tile_wide + 2 * margin])
                target = made[:, top * scale : (top + tile_high) * scale, left * scale : (left + tile_wide) * scale]
                inner = slice(margin * scale, margin * scale + target.shape[1])
                target[:] = tile[:, inner, margin * scale : margin * scale + target.shape[2]]
        return made


def to_rgb(picture: VideoFrame, matrix: str, *, full_range: bool) -> Floats:
    """Red, green and blue, (3, height, width), 0 to 1 but for colours that no screen has."""
    red, blue = _WEIGHTS[matrix]
    y = _floats(picture.y) / 255 if full_range else (_floats(picture.y) - 16) / 219
    u, v = (_chroma(plane, y.shape, 255 if full_range else 224) for plane in (picture.u, picture.v))
    made = np.empty((3, *y.shape), np.float32)
    made[0] = y + 2 * (1 - red) * v
    made[2] = y + 2 * (1 - blue) * u
    made[1] = (y - red * made[0] - blue * made[2]) / (1 - red - blue)
    return made


def from_rgb(values: Floats, matrix: str, *, full_range: bool) -> VideoFrame:
    """The inverse of to_rgb, for even sizes."""
    red, blue = _WEIGHTS[matrix]
    y = np.asarray(red * values[0] + (1 - red - blue) * values[1] + blue * values[2], np.float32)
    u, v = (values[2] - y) / (2 * (1 - blue)), (values[0] - y) / (2 * (1 - red))
    span = 255 if full_range else 224
    return VideoFrame(y=_levels(y * 255 if full_range else y * 219 + 16), u=_half(u, span), v=_half(v, span))


def _chroma(plane: NDArray[np.uint8], shape: tuple[int, ...], span: float) -> Floats:
    large = cv2.resize(_floats(plane), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray((large - 128) / span, np.float32)


def _half(values: Floats, span: float) -> NDArray[np.uint8]:
    size = (values.shape[1] // 2, values.shape[0] // 2)
    return _levels(np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA) * span + 128, np.float32))


def _by_lanczos(plane: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    size = (plane.shape[1] * scale, plane.shape[0] * scale)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)


def _floats(plane: NDArray[np.uint8]) -> Floats:
    return plane.astype(np.float32)


def _levels(values: Floats) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _parts(length: int, longest: int) -> tuple[int, int]:
    """Into how many tiles a side is cut, and how long each is."""
    count = -(-length // longest)
    return count, -(-length // (count * STEP_PX)) * STEP_PX
