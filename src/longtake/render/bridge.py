# SPDX-License-Identifier: Apache-2.0
"""Between an engine and media: what an engine is asked, and whether what it yields is what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from longtake.engines.base import Engine, EngineRequest, Note
from longtake.errors import EngineError, LongtakeError
from longtake.media.contract import Continuation
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.remake import Footage
from longtake.media.scale import BT709
from longtake.render.reporter import Reporter
from longtake.types import Plan, Role

CREATED_RATE_HZ = 48_000
CREATED_CHANNELS = 2
CREATED_COLOR = BT709
"""The matrix that created pictures are in, as those that come from RGB are."""

Images = Sequence[tuple[Role, VideoFrame]]


class EngineWatch:
    """An engine's EngineJob: how far it is counts as a sign of life, since media counts what is really encoded."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def progress(self, done: float, note: str = "") -> None:  # noqa: ARG002  (the port's name)
        """Take the engine's own share."""
        self._reporter.alive(note)

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self._reporter.cancelled()


class EngineStream:
    """An engine's answers as media wants them; its notes are kept here."""

    def __init__(self, engine: Engine, reporter: Reporter) -> None:
        self._engine = engine
        self._watch = EngineWatch(reporter)
        self.pick = ""
        self.pick_error: float | None = None
        self.warnings: list[str] = []

    def generate(self, request: EngineRequest) -> Iterator[VideoFrame | AudioBlock]:
        """The pictures and sound of a request. Raises EngineError where the engine breaks its port's promises."""
        name = self._engine.name
        frames = 0
        try:
            for item in self._engine.generate(request, self._watch):
                if isinstance(item, Note):
                    self._take(item)
                    continue
                if isinstance(item, VideoFrame):
                    frames += 1
                    self._check(item, frames, request)
                yield item
        except (LongtakeError, MemoryError, OSError):
            raise
        except Exception as error:
            raise EngineError(f"engine {name!r} failed ({type(error).__name__})") from error
        if frames < request.frames and not self._watch.cancelled():
            raise EngineError(f"engine {name!r} made {frames} of the {request.frames} pictures asked for")

    def _check(self, picture: VideoFrame, count: int, request: EngineRequest) -> None:
        name = self._engine.name
        if (picture.width, picture.height) != (request.width, request.height):
            asked, got = f"{request.width}x{request.height}", f"{picture.width}x{picture.height}"
            raise EngineError(f"engine {name!r} made a picture of {got} where {asked} was asked for")
        if count > request.frames:
            raise EngineError(f"engine {name!r} made more than the {request.frames} pictures asked for")

    def _take(self, note: Note) -> None:
        if note.pick:
            self.pick, self.pick_error = note.pick, note.pick_error
        if note.warning and note.warning not in self.warnings:
            self.warnings.append(note.warning)


def extend_request(plan: Plan, images: Images, continuation: Continuation) -> EngineRequest:
    """What an engine is asked to continue a source."""
    wants_sound = continuation.audio_rate_hz > 0
    return EngineRequest(
        operation=plan.operation,
        prompt=plan.prompt,
        width=continuation.width,
        height=continuation.height,
        fps=continuation.fps,
        frames=continuation.frames,
        color=continuation.color,
        context=continuation.context,
        images=_others(images),
        end_frame=_end_frame(images),
        audio_rate_hz=continuation.audio_rate_hz or CREATED_RATE_HZ,
        audio_channels=continuation.audio_channels or CREATED_CHANNELS,
        context_audio=continuation.context_audio if wants_sound else None,
        want_audio=wants_sound,
        seed=plan.seed,
    )


def create_request(plan: Plan, images: Images, frames: int, fps: Fraction) -> EngineRequest:
    """What an engine is asked to make a clip from words and pictures."""
    return EngineRequest(
        operation=plan.operation,
        prompt=plan.prompt,
        width=plan.width,
        height=plan.height,
        fps=fps,
        frames=frames,
        color=CREATED_COLOR,
        images=_others(images),
        end_frame=_end_frame(images),
        audio_rate_hz=CREATED_RATE_HZ,
        audio_channels=CREATED_CHANNELS,
        want_audio=True,
        seed=plan.seed,
    )


def remix_request(plan: Plan, footage: Footage) -> EngineRequest:
    """What an engine is asked to make of a whole source."""
    wants_sound = footage.audio_rate_hz > 0
    return EngineRequest(
        operation=plan.operation,
        prompt=plan.prompt,
        width=footage.width,
        height=footage.height,
        fps=footage.fps,
        frames=footage.frames,
        color=footage.color,
        audio_rate_hz=footage.audio_rate_hz or CREATED_RATE_HZ,
        audio_channels=footage.audio_channels or CREATED_CHANNELS,
        want_audio=wants_sound,
        seed=plan.seed,
        read_footage=footage.read_pictures,
        read_footage_sound=footage.read_sound,
    )


def _others(images: Images) -> tuple[tuple[Role, VideoFrame], ...]:
    return tuple((role, frame) for role, frame in images if role is not Role.LAST_FRAME)


def _end_frame(images: Images) -> VideoFrame | None:
    return next((frame for role, frame in images if role is Role.LAST_FRAME), None)
