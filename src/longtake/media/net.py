# SPDX-License-Identifier: Apache-2.0
"""A net that enlarges pictures: an ONNX file, about which everything is found out by trying it.

OpenCV runs it: it is here anyway, takes any size, and was as fast as ONNX Runtime (docs/benchmarks.md).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.errors import ConfigurationError
from longtake.types import Value

Floats = NDArray[np.float32]

OWN: Final = "longtake-x2"
"""The net that ships inside, by name; its training is scripts/train_upscaler.py."""
_OWN_FILE = Path(__file__).parent / "longtake-x2.onnx"
_LARGEST_BYTES = 512 << 20
_SMALL_BYTES = 1 << 20
"""A file up to this size has few channels, so that a large tile of it needs little memory."""
_SMALL_TILE_PX, _LARGE_TILE_PX = 768, 192
_LEAST_MARGIN_PX, _MOST_MARGIN_PX = 8, 32
STEP_PX = 8
"""Sides of a tile are a multiple of this: several nets halve their input, or look at it in windows."""
_TRIAL_SIZES = ((64, 48), (40, 56))
_SCALES = (2, 3, 4)
_FARTHEST = 0.08
"""How far, of white, an enlarged picture may be from the plainly enlarged one in the mean."""
_ALIKE = 0.03
"""So far away is near enough for a range that is likely."""
_SEEN = 1 / 1020
"""A quarter of a level: what changes by less does not reach that far."""
_TIMED_SIZE = (640, 360)


class NetFacts(Value, frozen=True):
    """What a net turned out to be."""

    name: str
    channels: int
    """1 = luma, 3 = red, green and blue."""
    scale: int
    low: float
    """What it takes and gives for black."""
    high: float
    """For white."""
    reach_px: int
    """How far around a place its pixels depend on the small picture, as far as the trial could see."""


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float


_RANGES = (_Range(0, 1), _Range(0, 255), _Range(-1, 1))


class Net:
    """A loaded net. For one thread at a time."""

    def __init__(self, path: Path, name: str) -> None:
        """Load and try it. Raises ConfigurationError that says what does not fit."""
        self._net = _read(path, name)
        channels, scale = self._shape(name)
        range_ = self._range(channels, scale, name)
        self.facts = NetFacts(name=name, channels=channels, scale=scale, low=range_.low, high=range_.high, reach_px=0)
        self.facts = NetFacts(
            name=name, channels=channels, scale=scale, low=range_.low, high=range_.high, reach_px=self._reach()
        )
        wanted = -(-(self.facts.reach_px + 1) // STEP_PX) * STEP_PX
        self.margin_px = max(_LEAST_MARGIN_PX, min(_MOST_MARGIN_PX, wanted))
        self.tile_px = _SMALL_TILE_PX if path.stat().st_size <= _SMALL_BYTES else _LARGE_TILE_PX

    def run(self, values: Floats) -> Floats:
        """Enlarge (channels, height, width), 0 to 1, whole; what lies outside of 0 to 1 is left.

        Raises cv2.error, or ConfigurationError where what comes out is no picture of the right size.
        """
        low, span = np.float32(self.facts.low), np.float32(self.facts.high - self.facts.low)
        made = (self._forward(values * span + low) - low) / span
        scale = _scale_of(made.shape, self.facts.channels, values.shape[2], values.shape[1])
        if scale != self.facts.scale or not np.isfinite(made).all():
            raise ConfigurationError("it makes numbers that are no picture")
        return made

    @property
    def closed(self) -> bool:
        """Whether it was given up and its memory with it."""
        return self._net.empty()

    def close(self) -> None:
        """Give its memory back."""
        self._net = cv2.dnn.Net()

    def _forward(self, values: Floats) -> Floats:
        self._net.setInput(np.ascontiguousarray(values[None], np.float32))
        made = np.asarray(self._net.forward(), np.float32)
        if made.ndim != 4:  # noqa: PLR2004 - NCHW
            raise ConfigurationError(f"it answers with {made.ndim} dimensions, not with the four of a picture")
        return made[0]

    def _shape(self, name: str) -> tuple[int, int]:
        """Its channels and its scale, which must not depend on the size."""
        problems: list[str] = []
        for channels in (1, 3):
            scales: list[int] = []
            try:
                for wide, high in _TRIAL_SIZES:
                    made = self._forward(np.repeat(_pattern(wide, high)[None], channels, 0))
                    scales.append(_scale_of(made.shape, channels, wide, high))
            except (cv2.error, ConfigurationError) as error:
                problems.append(f"with {channels} channel{'s' if channels > 1 else ''}, {reason(error)}")
                continue
            if len(set(scales)) == 1:
                return channels, scales[0]
            problems.append(f"with {channels} channels, its scale depends on the size")
        raise _refused(
            name,
            "it must take 1 x channels x height x width of any size, with 1 or 3 channels, and enlarge that 2, 3 or 4 "
            f"times; {'; '.join(problems)}",
        )

    def _range(self, channels: int, scale: int, name: str) -> _Range:
        """Which numbers are black and white: those with which it makes the likeliest picture."""
        wide, high = _TRIAL_SIZES[0]
        small = _pattern(wide, high)
        plain = cv2.resize(small, (wide * scale, high * scale), interpolation=cv2.INTER_CUBIC)
        edge = 4 * scale
        errors: list[float] = []
        for one in _RANGES:
            span = one.high - one.low
            made = (self._forward(np.repeat(small[None], channels, 0) * span + one.low) - one.low) / span
            away = np.abs(made - plain)[:, edge:-edge, edge:-edge].mean()
            errors.append(float(away) if np.isfinite(away) else np.inf)
        best = min(errors)
        if best > _FARTHEST:
            raise _refused(name, f"the pictures that it makes are {best:.0%} of white away from those it is given")
        # A net almost without biases fits several; the usual one is taken unless another fits far better.
        return next(one for one, error in zip(_RANGES, errors, strict=True) if error <= max(_ALIKE, 2 * best))

    def _reach(self) -> int:
        """How far a changed pixel is seen, in small pixels."""
        wide, high = _TRIAL_SIZES[0]
        small = np.repeat(_pattern(wide, high)[None], self.facts.channels, 0)
        changed = small.copy()
        changed[:, high // 2, wide // 2] = 1 - changed[:, high // 2, wide // 2]
        before, after = self.run(small).copy(), self.run(changed)
        rows, columns = np.nonzero((np.abs(after - before) > _SEEN).any(0))
        scale = self.facts.scale
        away = [np.abs(rows // scale - high // 2), np.abs(columns // scale - wide // 2)]
        return max((int(one.max()) for one in away if one.size), default=0)


def load_net(wish: str) -> Net:
    """The net of a setting: OWN, or the path of a file. Raises ConfigurationError that says what does not fit."""
    return Net(_OWN_FILE, OWN) if wish == OWN else Net(Path(wish), Path(wish).name)


def time_s(net: Net) -> float:
    """What enlarging a picture of 640x360 takes."""
    wide, high = _TIMED_SIZE
    side = net.tile_px + 2 * net.margin_px
    tile = np.repeat(_pattern(min(wide, side), min(high, side))[None], net.facts.channels, 0)
    began_s = time.perf_counter()
    net.run(tile)
    return (time.perf_counter() - began_s) * (wide * high) / (tile.shape[1] * tile.shape[2])


def reason(error: Exception) -> str:
    """What went wrong, in one line."""
    text = error.message if isinstance(error, ConfigurationError) else str(getattr(error, "err", "") or error)
    return " ".join((text.strip().splitlines() or [type(error).__name__])[0].split())[:200]


def _scale_of(made: tuple[int, ...], channels: int, wide: int, high: int) -> int:
    scale = made[1] // max(1, high)
    if made != (channels, scale * high, scale * wide) or scale not in _SCALES:
        raise ConfigurationError(f"of {channels} x {high} x {wide} it makes {' x '.join(map(str, made))}")
    return scale


def _read(path: Path, name: str) -> cv2.dnn.Net:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise _refused(name, f"it is larger than {_LARGEST_BYTES >> 20} MiB")
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise _refused(name, f"it cannot be read: {error.strerror}") from error
    try:
        net = cv2.dnn.readNetFromONNX(data)
        if data.size == 0 or net.empty():
            raise _refused(name, "it holds no net")
    except cv2.error as error:
        raise _refused(name, f"it is no ONNX file that OpenCV {cv2.__version__} can run ({reason(error)})") from error
    return net


def _refused(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the net {name!r} cannot enlarge pictures: {why}. Set LONGTAKE_UPSCALE_MODEL to another ONNX file, to {OWN}, "
        "or leave it empty",
        param="upscale_model",
    )


def _pattern(wide: int, high: int) -> Floats:
    """Waves, and a bright block with sharp edges."""
    rows, columns = np.mgrid[:high, :wide].astype(np.float32)
    plane = 0.5 + 0.2 * np.sin(columns / 5) + 0.15 * np.cos(rows / 4 + columns / 9)
    plane[high // 3 : high // 2, wide // 4 : wide // 2] = 0.9
    return np.asarray(plane, np.float32)
