# SPDX-License-Identifier: Apache-2.0
"""A whole video made anew: its pictures and its sound go through a maker, and what comes back is encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from longtake.errors import InvalidRequest, MediaError
from longtake.media.audio import SoundTrack, result_form
from longtake.media.beside import Beside
from longtake.media.contract import Assembled, CancelCheck, Target, Watch
from longtake.media.cut import Cut, common_clock, find_cut
from longtake.media.feed import Feed
from longtake.media.frames import VideoFrame
from longtake.media.head import frames_until
from longtake.media.mux import kept_if_complete, write_mp4
from longtake.media.newpart import FrameCount, Items, NewPart
from longtake.media.open import DEFAULT_LIMITS, RESULT_LIMITS, MediaLimits, open_media, video_stream
from longtake.media.planes import from_av
from longtake.media.scale import Scaler, kept_geometry, output_color, target_geometry
from longtake.media.sound import Damage, Samples, decode_sound
from longtake.media.source import Source, read_result, read_source
from longtake.media.track import PictureForm, PictureTrack
from longtake.types import ColorTags

_TRACK_CLOCK = Fraction(1, 15360)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What a maker is given: a source at a constant rate, to be read from its beginning as often as it likes."""

    fps: Fraction
    frames: int
    width: int
    height: int
    color: ColorTags
    audio_rate_hz: int
    """Of the sound; 0 = the source has none, none is wanted."""
    audio_channels: int
    read_pictures: Callable[[], Iterator[VideoFrame]]
    """`frames` pictures of the result's size, one for each 1/fps."""
    read_sound: Callable[[], Iterator[Samples] | None]
    """Sound in blocks, (channels, n) each, together as long as the pictures; None = the source has none."""


def remake(
    source: Path,
    output: Path,
    *,
    length_us: int,
    target: Target,
    make: Callable[[Footage], Items],
    watch: Watch,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> Assembled:
    """Write what a maker makes of a source's first `length_us` to `output`, an MP4 at the source's usual rate.

    A source without sound gives a result without. Sound that cannot be decoded stands as silence, with a warning. On
    any error no file stays. Raises MediaError or LimitExceeded for a source that cannot be worked with, EngineError or
    what `make` raises, WorkCancelled, InvalidRequest for a length of nothing.
    """
    check = CancelCheck(watch)
    opened = read_source(source, limits, check=check)
    if length_us <= 0:
        raise InvalidRequest(f"{length_us} µs of a video are nothing to make anew; ask for more")
    cut = find_cut(opened, length_us, copy=False)
    frames = max(1, round((cut.end - opened.frames.start) * opened.frames.time_base * cut.rate))
    geometry = kept_geometry(opened.picture)
    if not target.geometry_kept:
        geometry = target_geometry(target)
    form = PictureForm(
        width=geometry.width, height=geometry.height, clock=common_clock(_TRACK_CLOCK, cut.rate), rate=cut.rate,
        color=output_color(opened.picture), preset=target.preset, crf=target.crf,
    )  # fmt: skip
    sound, damage = result_form(opened), Damage()
    samples = round(frames / cut.rate * sound.rate_hz) if sound is not None else 0
    footage = Footage(
        fps=cut.rate,
        frames=frames,
        width=form.width,
        height=form.height,
        color=form.color,
        audio_rate_hz=sound.rate_hz if sound is not None else 0,
        audio_channels=sound.channels if sound is not None else 0,
        read_pictures=lambda: _pictures(opened, cut, Scaler(opened.picture, geometry), frames, check),
        read_sound=lambda: None if sound is None else decode_sound(opened, sound, 0, samples, damage),
    )
    with kept_if_complete(output):
        with write_mp4(output, target.tags) as main:
            pictures = PictureTrack(main, form, new=frames)
            sounds = [SoundTrack(main, sound, source=None, cut=0, new=samples)] if sound is not None else []
            with Beside("longtake-beside", watch) as beside, Feed(lambda: make(footage), watch) as feed:
                NewPart(pictures, sounds, frames, FrameCount(watch, frames), beside).take_all(iter(feed))
        made = read_result(output, form.picture, RESULT_LIMITS, check=check)
        if made.frames.count != frames:
            raise MediaError(f"the result has {made.frames.count} frames instead of {frames}; try again")
    watch.progress(1.0)
    return Assembled(facts=made.facts, warnings=damage.warnings)


def _pictures(source: Source, cut: Cut, scaler: Scaler, frames: int, check: CancelCheck) -> Iterator[VideoFrame]:
    """One picture for each 1/rate: the one that the source shows in the middle of that time."""
    index = source.frames
    given, held = 0, None
    with open_media(source.path, source.limits) as container:
        stream = video_stream(container, source.limits)
        for number, frame in enumerate(scaler.convert(frames_until(container.decode(stream), index, cut))):
            check()
            ticks = frame.pts if frame.pts is not None else int(index.order[min(number, index.count - 1)])
            shown_s = (ticks - index.start) * index.time_base
            while held is not None and given < frames and (given + Fraction(1, 2)) / cut.rate < shown_s:
                yield held
                given += 1
            held = from_av(frame)
    if held is None:
        raise MediaError("no picture of the video can be decoded; the file is damaged or cut off")
    while given < frames:
        yield held
        given += 1
