# SPDX-License-Identifier: Apache-2.0
"""The built-in engine's face: which of its ways a request takes, and what must be said about it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from longtake.engines.base import EngineJob, EngineRequest, Note
from longtake.engines.classic.analyse import analyse
from longtake.engines.classic.create import begin_pictures, begin_scene
from longtake.engines.classic.morph import end_on
from longtake.engines.classic.pixels import fix_thread_count
from longtake.engines.classic.select import continue_clip
from longtake.engines.classic.sound import Samples, blocks
from longtake.engines.classic.steering.hearing import footage_sound, steered_sound, weather_heard
from longtake.engines.classic.steering.lay import Steering
from longtake.engines.classic.steering.schedule import script_for
from longtake.engines.classic.steering.wording import told, told_of_sound
from longtake.engines.classic.warp import fit_cover
from longtake.errors import EngineError
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.types import SECOND_US, Capability, Operation, Role

DEFAULT_NEW_S = 6
LONGEST_NEW_S = 30
SMALLEST_PICTURE = 16

STILL = "the picture does not move before the cut: the built-in engine makes a slow camera move of it"
TEXTURE = "the sound goes on as a texture of what was heard before the cut; words and melodies are not continued"
REMIXED = (
    "a remix by the built-in engine keeps what the video shows and how it sounds: the prompt's camera, pace, light, "
    "weather and fades are laid over it, nothing is painted anew"
)
REMIXED_TO_ITS_END = "at this pace the video is over before its time: its last picture stands, without sound"
REMIXED_AS_IT_IS = (
    "the built-in engine understood nothing of the prompt that it can change on a remix, such as zoom in, black and "
    "white or fade to black: the video is as it was"
)


class ClassicEngine:
    """Continues real video and paints scenes with classical methods. See engines.base.Engine."""

    @property
    def name(self) -> str:
        """The entry point's name."""
        return "classic"

    def capability(self) -> Capability:
        """What it can do: all operations, new parts of any length up to 30 s, prompts as far as they name a scene."""
        return Capability(
            operations=frozenset({Operation.CREATE, Operation.EXTEND, Operation.REMIX}),
            default_new_us=DEFAULT_NEW_S * SECOND_US,
            max_new_us=LONGEST_NEW_S * SECOND_US,
            short_sides=(480, 2160),
            max_images=2,
            prompt_support="scene",
        )

    def generate(self, request: EngineRequest, job: EngineJob) -> Iterator[VideoFrame | AudioBlock | Note]:
        """Yield notes, then exactly request.frames pictures with the sound between them.

        Ends early, without an error, once the job is cancelled. Raises EngineError for what cannot be made.
        """
        _check(request)
        fix_thread_count()
        if request.operation is Operation.EXTEND:
            notes, pictures, sound = _extend(request)
        elif request.operation is Operation.REMIX:
            notes, pictures, sound = _remix(request)
        else:
            notes, pictures, sound = _create(request)
        yield from notes
        yield from _deliver(request, job, pictures, sound)


Work = tuple[list[Note], Iterator[VideoFrame], Iterator[Samples]]
"""What is to be said, pictures without end, and all of the sound in blocks; none if none is wanted."""


def _check(request: EngineRequest) -> None:
    """Refuse what no way of this engine can make."""
    if request.operation not in (Operation.CREATE, Operation.EXTEND, Operation.REMIX):
        raise EngineError(f"the built-in engine cannot {request.operation.value!r}; it can create, extend and remix")
    size = (request.width, request.height)
    if min(size) < SMALLEST_PICTURE or any(side % 2 for side in size):
        raise EngineError(f"{size[0]}x{size[1]} cannot be made; both sides must be even and at least 16 pixels")
    if request.frames < 1 or request.fps <= 0:
        raise EngineError(f"{request.frames} frames at {request.fps} fps cannot be made; ask for at least one")
    if request.operation is Operation.EXTEND and not request.context:
        raise EngineError("there is no picture to continue; give at least one context picture, or create instead")


def _sample_count(request: EngineRequest) -> int:
    return round(request.frames / request.fps * request.audio_rate_hz)


def _extend(request: EngineRequest) -> Work:
    """Continue the context in the way that suits it."""
    frame_s = float(1 / request.fps)
    clip = analyse(request.context, request.fps)
    last = clip.frames[-1]
    if (last.width, last.height) != (request.width, request.height):
        raise EngineError(
            f"the context is {last.width}x{last.height}, the result {request.width}x{request.height}; scale it first"
        )
    past = clip.played_at(frame_s)
    script = script_for(request.prompt, float(request.frames / request.fps), past_s=len(past) * frame_s)
    chosen = continue_clip(clip, frame_s, camera_free=not script.moves_camera, seed=request.seed)
    still = chosen.pick == "still"
    pictures = itertools.repeat(last) if still and script.moves_camera else chosen.pictures
    steering = Steering(
        script, frames=request.frames, fps=request.fps, past=past, seed=request.seed,
        full_range=request.color.full_range,
    )  # fmt: skip
    if script.moves:
        pictures = steering.lay_over(pictures)
    notes = [Note(pick=chosen.pick, pick_error=chosen.error, warning=told(script, request.prompt))]
    if still:
        notes.append(Note(warning=STILL))
    if request.end_frame is not None:
        end = fit_cover(request.end_frame, request.width, request.height)
        pictures = end_on(pictures, end, request.frames, request.fps)
    sound = None
    if request.want_audio:
        heard = request.context_audio
        sound = steered_sound(
            script, steering, heard, count=_sample_count(request), rate_hz=request.audio_rate_hz,
            channels=request.audio_channels, seed=request.seed,
        )  # fmt: skip
        if heard is not None:
            notes.append(Note(warning=TEXTURE))
        if sounds := weather_heard(script):
            notes.append(Note(warning=told_of_sound(sounds, request.prompt)))
    return notes, pictures, _in_blocks(sound, request)


def _remix(request: EngineRequest) -> Work:
    """The source's own pictures, steered, and its sound."""
    if request.read_footage is None:
        raise EngineError("there is no video to make anew; give its pictures, or create instead")
    script = script_for(request.prompt, float(request.frames / request.fps))
    steering = Steering(
        script, frames=request.frames, fps=request.fps, seed=request.seed, full_range=request.color.full_range
    )
    pictures = request.read_footage()
    changes = bool(script.moves)
    notes = [Note(pick="remix", warning=REMIXED if changes else REMIXED_AS_IT_IS)]
    if changes:
        notes.append(Note(warning=told(script, request.prompt)))
        pictures = steering.lay_over(pictures)
    if steering.time is not None and steering.time.farthest >= request.frames:
        notes.append(Note(warning=REMIXED_TO_ITS_END))
    heard = request.read_footage_sound() if request.want_audio and request.read_footage_sound is not None else None
    sound = footage_sound(steering, heard, request.audio_rate_hz) if heard is not None else iter(())
    return notes, pictures, sound


def _create(request: EngineRequest) -> Work:
    """A camera move over the given pictures, or a scene that the words choose."""
    ends = [frame for role, frame in request.images if role is Role.LAST_FRAME]
    starts = [frame for role, frame in request.images if role is not Role.LAST_FRAME]
    if request.end_frame is not None:
        ends.append(request.end_frame)
    count = _sample_count(request)
    if starts or ends:
        notes, pictures, sound = begin_pictures(request, starts, ends, count)
    else:
        notes, pictures, sound = begin_scene(request, count)
    return notes, pictures, _in_blocks(sound, request)


def _in_blocks(sound: Samples | None, request: EngineRequest) -> Iterator[Samples]:
    return blocks(sound, request.audio_rate_hz) if sound is not None else iter(())


def _deliver(
    request: EngineRequest, job: EngineJob, pictures: Iterator[VideoFrame], sound: Iterator[Samples]
) -> Iterator[VideoFrame | AudioBlock]:
    """Pictures in order, each block of sound right after the pictures it belongs to, and progress."""
    given = 0
    for number in range(1, request.frames + 1):
        if job.cancelled():
            return
        yield next(pictures)
        job.progress(number / request.frames)
        due = number / request.fps * request.audio_rate_hz
        while given < due and (piece := next(sound, None)) is not None:
            given += piece.shape[1]
            yield AudioBlock(samples=piece)
    for piece in sound:
        yield AudioBlock(samples=piece)
