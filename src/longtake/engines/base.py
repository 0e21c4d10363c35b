# SPDX-License-Identifier: Apache-2.0
"""The port of local makers. An engine runs in a child process and yields only what is new; it touches no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longtake.media.frames import AudioBlock, TimedFrame, VideoFrame
from longtake.types import Capability, ColorTags, Operation, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRequest:
    """What an engine is asked to make: `frames` new pictures of width x height at `fps`, and as much sound."""

    operation: Operation
    prompt: str
    width: int
    height: int
    fps: Fraction
    frames: int
    color: ColorTags = field(default_factory=ColorTags)
    """The matrix that the pictures are in; context and result share it."""
    context: tuple[TimedFrame, ...] = ()
    """The source's last seconds before the cut, oldest first, at most 4 s; empty on create."""
    images: tuple[tuple[Role, VideoFrame], ...] = ()
    end_frame: VideoFrame | None = None
    audio_rate_hz: int = 48_000
    audio_channels: int = 2
    context_audio: NDArray[np.float32] | None = None
    """(channels, n) sound before the cut, at most 4 s, ending at the cut; None = the source has none."""
    want_audio: bool = True
    """On extend, true only if the source has sound; on create, true if the result shall have sound."""
    seed: int = 0
    read_footage: Callable[[], Iterator[VideoFrame]] | None = None
    """On remix: the source's pictures from the first on, `frames` of them, at the result's size and rate."""
    read_footage_sound: Callable[[], Iterator[NDArray[np.float32]] | None] | None = None
    """On remix: the source's sound in blocks, (channels, n) each, as long as the pictures; None where it has none."""


class EngineJob(Protocol):
    """What an engine may ask of its surroundings while it works."""

    def progress(self, done: float, note: str = "") -> None:
        """Report the share done, 0 to 1."""
        ...

    def cancelled(self) -> bool:
        """Whether to stop; an engine looks at least once a frame."""
        ...


class Engine(Protocol):
    """A local maker. Deterministic: the same request gives the same pictures and sound."""

    @property
    def name(self) -> str:
        """The engine's entry point name, such as `classic`."""
        ...

    def capability(self) -> Capability:
        """What it can do."""
        ...

    def generate(self, request: EngineRequest, job: EngineJob) -> Iterator[VideoFrame | AudioBlock | Note]:
        """Yield exactly request.frames pictures, sound blocks in between or after, and notes.

        Raises EngineError if it cannot. Sound blocks, if any, add up to round(frames / fps * audio_rate_hz) samples.
        """
        ...


@dataclass(frozen=True, slots=True)
class Note:
    """Something the answer must say: which way the engine chose, what it did not understand."""

    pick: str = ""
    pick_error: float | None = None
    """Of a pick that was tried on the source's own end: its error there over that of a frozen picture."""
    warning: str = ""
