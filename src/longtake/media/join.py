# SPDX-License-Identifier: Apache-2.0
"""A clip that a remote maker returned, joined to the head of our source (reference providers.md 3).

The clip is probed, never trusted: whether it is the whole video or only what follows is seen by comparing pictures,
and its size, rate, colours and sound become the head's. The head goes through the same assembly as with an engine, so
it stays as it was, packet for packet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from longtake.errors import ClipUnusable, MediaError
from longtake.media.assemble import extend
from longtake.media.clip import FADE_S, ClipPart, blaming_maker, clip_pictures, clip_sound, in_step
from longtake.media.context import decode_frames
from longtake.media.contract import Assembled, CancelCheck, Continuation, Target, Watch
from longtake.media.cut import find_cut
from longtake.media.drift import Drift, drift_from, look_of
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.match import (
    ALIKE,
    Expectation,
    Film,
    HeadSample,
    Place,
    find_place,
    read_film,
    seen_small,
    small_geometry,
    stretched_to,
    timed_frames,
)
from longtake.media.open import DEFAULT_LIMITS, MediaLimits
from longtake.media.planes import from_av
from longtake.media.scale import Geometry, Scaler, input_matrix, kept_geometry, output_color
from longtake.media.sound import Damage, Samples, SoundForm, read_sound
from longtake.media.source import Picture, Source, read_source
from longtake.media.tint import Tint, measured_tint
from longtake.types import SECOND_US, ColorTags, JoinReport, Look, Rate

_NEAR_S = 1
_NEAR_FRAMES = 25
_FAR_FRAMES = 6
_LOOK_FRAMES = 12
_LOOK_EVERY_S = 0.2
_LENGTH_TOLERANCE_S = 0.35
_LENGTH_TOLERANCE = 0.04
"""Of the expected length; makers round to their own grid of frames."""
_SHORT_S = Fraction(1, 10)
"""A clip that is shorter than wanted by no more than this is not worth a warning."""
_STRETCHED_AT_MOST = 0.05
"""Makers' sizes are rounded to their own grid: a picture whose aspect is off by less may have been squeezed into it."""
_STRETCHED_AT_LEAST = 0.003
_CODES = {"bt601": 6, "bt709": 1, "bt2020": 9}
_HDR_TRANSFERS = frozenset({16, 18})
"""H.273: PQ and HLG."""
_COLOR_PAIRS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A maker's clip and what is known about it."""

    path: Path
    asked_us: int = 0
    """How much new video the maker was asked for; 0 = as much as is wanted."""
    sent_us: int | None = None
    """How much of the head it was given, counted back from the cut; 0 = a picture at most; None = all of it."""


def join(
    source: Path,
    returned: Returned,
    output: Path,
    new_part: Path,
    *,
    start_us: int,
    new_us: int,
    target: Target,
    watch: Watch,
    limits: MediaLimits = DEFAULT_LIMITS,
    look: Look | None = None,
) -> Assembled:
    """Write source[0, start) + the clip's new part to `output`, and the new part alone to `new_part`, both MP4.

    The new part begins in the clip where the head ends in it, is new_us long or as long as the clip goes, and looks and
    sounds as the head does; `joined` and the warnings say what that took. Its colours are kept near `look`, that of the
    first video of the line; None = the source is the first, and `look` of what is returned is its own. On any error
    neither file stays.

    Raises ClipUnusable if the clip cannot be decoded or has nothing new, and what extend() raises for the source.
    """
    check = CancelCheck(watch)
    opened = read_source(source, limits, check=check)
    # A picture of another shape shows other things: then the source's own look is taken.
    joint = _Joint(opened, returned, _Wish(start_us, new_us, target, watch, look if target.geometry_kept else None))
    assembled = extend(
        source,
        output,
        new_part,
        start_us=start_us,
        new_us=joint.new_us,
        target=target,
        make=joint.make,
        watch=watch,
        limits=limits,
    )
    warnings = (*assembled.warnings, *joint.warnings, *joint.late_warnings)
    return replace(assembled, joined=joint.report, look=joint.look, warnings=tuple(dict.fromkeys(warnings)))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to come out."""

    start_us: int
    new_us: int
    target: Target
    watch: Watch
    look: Look | None


class _Joint:
    """The clip, looked at: where its new part begins and how it is changed."""

    def __init__(self, source: Source, returned: Returned, wish: _Wish) -> None:
        start_us, new_us, target, watch, limits = wish.start_us, wish.new_us, wish.target, wish.watch, source.limits
        self._source, self._returned, self._target = source, returned, target
        self._check = _LivingCheck(watch)
        self._cut = find_cut(source, start_us, copy=False)
        self._head_s = float((self._cut.end - source.frames.start) * source.frames.time_base)
        self.warnings: list[str] = []
        self._damage = Damage()
        with blaming_maker():
            self._clip = read_source(returned.path, limits, check=CancelCheck(watch))
        kept = kept_geometry(source.picture)
        wide, high = (kept.width, kept.height) if target.geometry_kept else (target.width, target.height)
        self._geometry = self._wanted_geometry(wide, high)
        head, seen = self._head_sample(wide, high, everywhere=wish.look is None)
        self.look = wish.look or look_of(seen)
        picture, film, self._place = self._find(head, wide, high, new_us)
        self._part = self._taken(head, film, picture, new_us)
        self.new_us = round(self._part.frames / self._cut.rate * SECOND_US)
        self.report = self._described(head)

    @property
    def late_warnings(self) -> tuple[str, ...]:
        """What was only seen while the clip was read."""
        return tuple(one.replace("the source's sound", "the clip's sound") for one in self._damage.warnings)

    def make(self, continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
        """The new part, as an engine would give it."""
        part = replace(self._part, fps=continuation.fps, frames=continuation.frames)
        sound = None
        if continuation.audio_rate_hz:
            form = SoundForm(continuation.audio_rate_hz, continuation.audio_channels)
            sound = clip_sound(part, form, self._sound_after(form), self._damage)
        with blaming_maker():
            pictures = clip_pictures(part, self._check)
            yield from in_step(pictures, sound, part.fps, continuation.audio_rate_hz or 1)

    def _sound_after(self, form: SoundForm) -> Samples | None:
        """What the head's sound goes on with for a moment after the cut: its own, or at its end the sound mirrored.

        None where the clip's goes on from it, as far as can be told: it has several of the head's pictures too.
        """
        begin, count = round(self._exact_head_s * form.rate_hz), round(FADE_S * form.rate_hz)
        if self._source.frames.end > self._cut.end:
            return read_sound(self._source, form, begin, begin + count)
        if len(self._place.pairs) > 1 or begin <= count:
            return None
        before = read_sound(self._source, form, begin - count - 1, begin)
        return 2 * before[:, -1:] - before[:, -2::-1]

    @property
    def _exact_head_s(self) -> Fraction:
        return (self._cut.end - self._source.frames.start) * self._source.frames.time_base

    def _wanted_geometry(self, wide: int, high: int) -> Geometry:
        """How the clip's pictures become like the head's; their matrix only where it differs."""
        head, clip = self._head_color(), self._clip.picture
        matrix = _CODES[input_matrix(replace(self._source.picture, color=head))]
        same = _CODES[input_matrix(clip)] == matrix and clip.color.full_range == head.full_range
        return Geometry(
            width=wide,
            height=high,
            fit=self._target.fit,
            enhance=self._target.enhance,
            enlarger=self._target.enlarger,
            matrix=None if same else matrix,
            full_range=head.full_range,
        )

    def _head_color(self) -> ColorTags:
        return output_color(self._source.picture)

    def _head_sample(self, wide: int, high: int, *, everywhere: bool) -> tuple[HeadSample, list[VideoFrame]]:
        """Small pictures of the head: the last second, and keyframes from all over it that the clip may have too.

        And these with more of its keyframes, if they are wanted from `everywhere`.
        """
        index, cut = self._source.frames, self._cut
        clip_s = float((self._clip.frames.end - self._clip.frames.start) * self._clip.frames.time_base)
        rate = float(cut.rate)
        near = min(cut.head, max(2, min(_NEAR_FRAMES, round(rate * _NEAR_S))))
        first = cut.head - near
        every = [
            number for number in np.searchsorted(index.order, np.sort(index.pts[index.keys])).tolist() if number < first
        ]
        keys = _some([number for number in every if self._middle_s(number) > -clip_s], _FAR_FRAMES)
        more = _some([number for number in every if number not in keys], _LOOK_FRAMES) if everywhere else []
        geometry = replace(small_geometry(wide, high, self._clip.frames.count), fit=self._target.fit)
        numbers = [*keys, *range(first, cut.head)]
        pictures = self._head_pictures(sorted([*numbers, *more]), first, geometry)
        middles = np.array([self._middle_s(number) for number in numbers])
        sample = HeadSample([pictures[number] for number in numbers], middles, near, 1 / rate)
        return sample, list(pictures.values())

    def _head_pictures(self, numbers: list[int], first: int, geometry: Geometry) -> dict[int, VideoFrame]:
        """The head's pictures of those numbers, made small; from `first` on they follow each other."""
        kept = self._geometry
        picture = seen_small(self._source.picture, kept.width, kept.height, geometry)
        pictures: dict[int, VideoFrame] = {}

        def take(number: int, frame: av.VideoFrame) -> None:
            for small in Scaler(replace(picture, interlaced=False), geometry).convert([frame]):
                pictures[number] = from_av(small)

        if self._source.frames.exact:
            for number in (one for one in numbers if one < first):
                decode_frames(self._source, number, number + 1, take, self._check)
            decode_frames(self._source, first, self._cut.head, take, self._check)
            return pictures
        wanted = set(numbers)
        latest: list[VideoFrame] = []
        for number, frame in enumerate(timed_frames(self._source)):
            self._check()
            if number >= self._cut.head:
                break
            if number in wanted:
                take(number, frame)
                latest = [pictures[number]]
        if not latest:
            raise MediaError("no picture before the cut can be decoded; the file is damaged or cut off")
        return {number: pictures.get(number, latest[0]) for number in numbers}

    def _middle_s(self, number: int) -> float:
        index = self._source.frames
        ticks = float(index.order[number]) + float(index.shown[number]) / 2 - self._cut.end
        return ticks * float(index.time_base)

    def _find(self, head: HeadSample, wide: int, high: int, new_us: int) -> tuple[Picture, Film, Place]:
        """Where the head ends in the clip, whose picture may have been squeezed into the maker's size."""
        clip = self._clip
        expected = self._expected(new_us, head.step_s)
        geometry = replace(
            small_geometry(
                wide, high, clip.frames.count, matrix=self._geometry.matrix, full_range=self._geometry.full_range
            ),
            fit=self._target.fit,
        )
        found: list[tuple[Picture, Film, Place]] = []
        off = abs(clip.picture.displayed_width * high / (clip.picture.displayed_height * wide) - 1)
        shapes = [clip.picture]
        if _STRETCHED_AT_LEAST < off < _STRETCHED_AT_MOST:
            shapes.append(stretched_to(clip.picture, wide, high))
        for shape in shapes:
            with blaming_maker():
                film = read_film(clip, seen_small(shape, wide, high, geometry), geometry, self._check)
            found.append((shape, film, find_place(head, film, expected)))
        best = min(found, key=lambda one: one[2].distance)
        if expected.fits_nothing and not (best[2].pairs and self._is_as_asked(best[2].at_s, new_us)):
            asked_s = self._asked_s(new_us)
            self.warnings.append(
                f"duration_mismatch: the maker returned {self._length_s:.2f} s; {asked_s:.2f} s were asked for, or "
                f"{asked_s + self._head_s:.2f} s with the source before it"
            )
        return best

    @property
    def _length_s(self) -> float:
        return self._clip.frames.duration_us / SECOND_US

    def _asked_s(self, new_us: int) -> float:
        return (self._returned.asked_us or new_us) / SECOND_US

    def _is_as_asked(self, at_s: float, new_us: int) -> bool:
        """Whether the clip is some of the head's end, as far as it goes, and what was asked for."""
        whole_s = at_s + self._asked_s(new_us)
        return abs(self._length_s - whole_s) <= max(_LENGTH_TOLERANCE_S, _LENGTH_TOLERANCE * whole_s)

    def _expected(self, new_us: int, step_s: float) -> Expectation:
        """Where the head would end by the clip's length."""
        asked_s = self._asked_s(new_us)
        sent_us = self._returned.sent_us
        sent_s = self._head_s if sent_us is None else min(sent_us / SECOND_US, self._head_s)
        length_s = self._length_s
        lengths = [(asked_s + self._head_s, self._head_s), (asked_s, step_s)]
        if sent_s > step_s:
            lengths.append((asked_s + sent_s, sent_s))
        fitting = [
            (abs(length_s - whole_s), place_s)
            for whole_s, place_s in lengths
            if abs(length_s - whole_s) <= max(_LENGTH_TOLERANCE_S, _LENGTH_TOLERANCE * whole_s)
        ]
        if not fitting:
            return Expectation((self._head_s, max(sent_s, step_s)), fits_nothing=True)
        places_s = tuple(dict.fromkeys(place_s for _, place_s in sorted(fitting)))
        return Expectation(places_s, 0.0 if step_s in places_s else places_s[0])

    def _taken(self, head: HeadSample, film: Film, picture: Picture, new_us: int) -> ClipPart:
        """The part of the clip that is new, and what is done to it."""
        cut, place = self._cut, self._place
        begin_s = Fraction(place.at_s).limit_denominator(1_000_000)
        index = self._clip.frames
        left_s = (index.end - index.start) * index.time_base - begin_s
        wanted = max(1, round(new_us * cut.rate / SECOND_US))
        frames = min(wanted, int(left_s * cut.rate + Fraction(1, 2)))
        if frames < 1:
            raise ClipUnusable(
                "the clip that the maker returned has nothing new: it ends where the source does, or before; "
                "try again, or ask another model"
            )
        if (wanted - frames) / cut.rate > _SHORT_S:
            self.warnings.append(
                f"clip_too_short: the maker's clip has {float(left_s):.2f} s of new video; {new_us / SECOND_US:g} s "
                "were asked for"
            )
        alike = place.distance <= ALIKE
        if not place.pairs and not alike:
            self.warnings.append("no_match: the maker's clip does not begin with what the source shows at the cut")
        tint = self._tint(head, film, alike=alike)
        return ClipPart(
            source=self._clip, picture=picture, geometry=self._geometry, tint=tint, begin_s=begin_s, fps=cut.rate,
            frames=frames, drift=self._drift(head, film, tint, float(frames / cut.rate)),
        )  # fmt: skip

    def _drift(self, head: HeadSample, film: Film, tint: Tint, length_s: float) -> Drift | None:
        """What leads the new part back to the look of the line's first video."""
        after_s = film.begins_s - self._place.at_s
        before = head.pictures[-max(1, head.near // 2) :]
        # Halfway between pictures a step of the clip may lie on either side of the join.
        every = max(1, round(_LOOK_EVERY_S / film.step_s))
        chosen = [
            (film.pictures[number], max(0.0, time_s))
            for number, time_s in enumerate(after_s.tolist())
            if -film.step_s / 2 < time_s < length_s
        ][::every]
        pictures, times_s = [picture for picture, _ in chosen], [time_s for _, time_s in chosen]
        drift = drift_from(self.look, before, pictures, times_s, tint)
        if drift is not None:
            parts = ", ".join(f"{name} {shift:+.1f}" for name, shift in zip("YUV", drift.most, strict=True))
            self.warnings.append(f"colors_led_back: by up to {parts} towards the first video of this line")
        return drift

    def _tint(self, head: HeadSample, film: Film, *, alike: bool) -> Tint:
        """What brings the clip's colours to the head's, as far as both show the same."""
        pairs = [(head.pictures[one], film.pictures[other]) for one, other in self._place.pairs[-_COLOR_PAIRS:]]
        if not pairs and alike:
            pairs = [(head.pictures[-1], film.pictures[0])]
        tint = measured_tint(pairs, exact=bool(self._place.pairs))
        if not tint.is_none:
            parts = ", ".join(
                f"{name} {gain:.2f}x {shift:+.1f}"
                for name, gain, shift in zip("YUV", tint.gains, tint.shifts, strict=True)
            )
            most = "; it differs by more than is corrected" if tint.bounded else ""
            self.warnings.append(f"colors_matched: {parts}{most}")
        return tint

    def _described(self, head: HeadSample) -> JoinReport:
        """What was found; what had to be changed goes to the warnings."""
        clip, cut, place = self._clip, self._cut, self._place
        picture, wide, high = clip.picture, self._geometry.width, self._geometry.height
        if abs(clip.frames.rate - cut.rate) > cut.rate / 500:
            self.warnings.append(
                f"clip_retimed: from {float(clip.frames.rate):g} to {float(cut.rate):g} frames a second"
            )
        if (picture.displayed_width, picture.displayed_height) != (wide, high):
            self.warnings.append(
                f"clip_scaled: from {picture.displayed_width}x{picture.displayed_height} to {wide}x{high}"
            )
        if picture.color.transfer in _HDR_TRANSFERS and self._head_color().transfer not in _HDR_TRANSFERS:
            self.warnings.append("clip_hdr: the maker's clip is HDR, and is shown with the source's curve")
        if self._source.sound is not None and clip.sound is None:
            self.warnings.append("clip_silent: the maker's clip has no sound; the new part is silent")
        if self._source.sound is None and clip.sound is not None:
            self.warnings.append("clip_sound_dropped: the source has no sound, so the new part has none")
        is_whole = place.at_s >= self._head_s - max(0.5, head.step_s) and place.at_s > 1.5 * head.step_s
        return JoinReport(
            kind="whole" if is_whole else "overlap" if place.at_s > 1.5 * head.step_s else "tail",
            begins_us=round(self._part.begin_s * SECOND_US),
            repeated_frames=round(place.at_s * float(cut.rate)),
            distance=round(place.distance, 4),
            fps=Rate.of(clip.frames.rate),
            gains=self._part.tint.gains,
            shifts=self._part.tint.shifts,
            clip_us=clip.frames.duration_us,
            drift=self._part.drift.most if self._part.drift else (0.0, 0.0, 0.0),
        )


def _some(numbers: list[int], most: int) -> list[int]:
    """At most so many of them, spread evenly."""
    if len(numbers) <= most:
        return numbers
    return [numbers[place] for place in np.linspace(0, len(numbers) - 1, most).astype(int)]


class _LivingCheck(CancelCheck):
    """Asks whether to stop, and says that the work goes on."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self._living = watch

    def __call__(self) -> None:
        """Raises WorkCancelled when the watch says so."""
        super().__call__()
        self._living.progress(0.0)
