# SPDX-License-Identifier: Apache-2.0
"""One longer video from a source and what a maker makes; or a first video from a maker alone.

Two passes over the source: an index of its packets, then the copy (or one streaming encode). Never more in memory than
the context, a few frames, and the packets that wait for their neighbours of the other track.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from longtake.errors import InvalidRequest, MediaError
from longtake.media.audio import SoundTrack, result_form
from longtake.media.beside import Beside
from longtake.media.context import CONTEXT_S, CopiedTail, EncodedTail
from longtake.media.contract import Assembled, CancelCheck, Continuation, Target, Watch
from longtake.media.cut import Cut, common_clock, find_cut, why_not_copied
from longtake.media.feed import Feed
from longtake.media.frames import AudioBlock, TimedFrame, VideoFrame
from longtake.media.head import copied_head, encode_tail, encoded_head
from longtake.media.joinview import JoinView
from longtake.media.mux import kept_if_complete, write_in_order, write_mp4
from longtake.media.newpart import FrameCount, Items, NewPart
from longtake.media.open import DEFAULT_LIMITS, RESULT_LIMITS, MediaLimits
from longtake.media.scale import BT709, Scaler, kept_geometry, output_color, target_geometry
from longtake.media.seam import with_sound
from longtake.media.seam_strip import Strip
from longtake.media.sound import Damage, Samples, SoundForm, read_sound
from longtake.media.source import Source, read_result, read_source
from longtake.media.track import PictureForm, PictureTrack
from longtake.types import SECOND_US, ColorTags, HeadReport, MediaFacts, SeamReport

__all__ = ["Assembled", "Continuation", "Target", "Watch", "create", "extend"]

_POLL_S = 0.02
_LARGEST_DRIFT_S = Fraction(1, 1000)
"""A result's duration may be off by its clock's ticks, never by this."""


def extend(
    source: Path,
    output: Path,
    new_part: Path,
    *,
    start_us: int,
    new_us: int,
    target: Target,
    make: Callable[[Continuation], Items],
    watch: Watch,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> Assembled:
    """Write source[0, start) + the maker's new part to `output`, and the new part alone to `new_part`, both MP4.

    The head's packets are copied where the source and the target allow it, else the head is encoded anew in one stream.
    Its sound is copied or encoded apart from that; a source without sound gives a result without. Sound that has to be
    decoded and cannot be stands as silence, with a warning. On any error neither file stays. The new part has
    round(new_us x rate of the head) frames, one at least.

    Raises MediaError or LimitExceeded for a source that cannot be worked with, EngineError or what `make` raises,
    WorkCancelled, InvalidRequest for a new part without length.
    """
    check = CancelCheck(watch)
    opened = read_source(source, limits, check=check, known=True)
    reason = why_not_copied(opened) if target.geometry_kept else "its size changes"
    cut = find_cut(opened, start_us, copy=not reason)
    if new_us <= 0:
        raise InvalidRequest(f"a new part of {new_us} µs has no length; ask for a longer one")
    frames = max(1, round(new_us * cut.rate / SECOND_US))
    with kept_if_complete(output, new_part):
        work = _Extension(opened, cut, frames, target, watch)
        head = work.run(output, new_part, make)
        facts = _verified(output, head.frames + frames, work.head_s + frames / cut.rate, work.form, check)
        part_facts = _verified(new_part, frames, frames / cut.rate, work.form, check)
    watch.progress(1.0)
    reencoded = (f"head_reencoded: {reason}",) if reason and target.geometry_kept else ()
    warnings = (*reencoded, *work.damage.warnings)
    return Assembled(
        facts=facts,
        head=head,
        seam=work.seam,
        joint_us=int(work.head_s * SECOND_US),
        strip=work.strip,
        new_part_facts=part_facts,
        warnings=warnings,
    )


class _Extension:
    """One run of extend()."""

    def __init__(self, source: Source, cut: Cut, frames: int, target: Target, watch: Watch) -> None:
        self._source, self._cut, self._frames, self._watch = source, cut, frames, watch
        self._check, self._tags = CancelCheck(watch), target.tags
        geometry = kept_geometry(source.picture)
        if not target.geometry_kept:
            geometry = target_geometry(target)
        self._scaler = Scaler(source.picture, geometry)
        index = source.frames
        self.head_s: Fraction = (cut.end - index.start) * index.time_base
        self.form = PictureForm(
            width=geometry.width,
            height=geometry.height,
            clock=common_clock(index.time_base, cut.rate),
            rate=cut.rate,
            color=output_color(source.picture),
            preset=target.preset,
            crf=target.crf,
        )
        self._sound_form: SoundForm | None = result_form(source)
        self.damage = Damage()
        self.seam: SeamReport | None = None
        self.strip: Strip | None = None
        self._tail: CopiedTail | EncodedTail = (
            CopiedTail(source, cut, self._check)
            if cut.copied
            else EncodedTail(self.head_s, geometry.width, geometry.height)
        )

    def run(self, output: Path, new_part: Path, make: Callable[[Continuation], Items]) -> HeadReport:
        """Write both files; how the head came out. Sets `seam` and `strip`."""
        begin = round(self.head_s / self.form.clock)
        count = FrameCount(self._watch, self._cut.head - self._cut.copied + self._frames)
        with ExitStack() as stack:
            main = stack.enter_context(write_mp4(output, self._tags))
            part = stack.enter_context(write_mp4(new_part, self._tags))
            pictures = PictureTrack(main, self.form, new=self._frames, begin=begin, source=self._source, cut=self._cut)
            sounds: list[SoundTrack] = []
            if self._sound_form is not None:
                new = round(self._frames / self._cut.rate * self._sound_form.rate_hz)
                sounds.append(SoundTrack(main, self._sound_form, source=self._source, cut=self._cut_sample, new=new))
                self.damage = sounds[0].damage
            for track in (pictures, *sounds):
                track.also_write_new(part)
            heard = [sound.head_packets() for sound in sounds]
            beside = stack.enter_context(Beside("longtake-beside", self._watch))
            feed = stack.enter_context(Feed(lambda: make(self._continuation()), self._watch))
            if isinstance(self._tail, EncodedTail):
                # Before the feed is left, which waits for a maker that may be waiting for the tail.
                stack.callback(self._tail.abandon)
                head = encoded_head(
                    pictures, self._source, self._cut, scaler=self._scaler, tail=self._tail, count=count
                )
                write_in_order(head, *heard, check=self._check)
            else:
                pictures.write_behind(
                    beside.begin(lambda: write_in_order(copied_head(pictures), *heard, check=beside.check))
                )
                if self._cut.copied < self._cut.head:
                    self._await(feed)
                    encode_tail(pictures, self._source, self._cut, tail=self._tail, count=count)
            view = JoinView(self._tail, self._frames, beside, color=self.form.color, high=self.form.height)
            NewPart(pictures, sounds, self._frames, count, beside, view.see).take_all(iter(feed))
            seam, self.strip = view.judged()
            self.seam = with_sound(seam, sounds[0].click, sounds[0].level_db) if sounds else seam
        frames = self._tail.head if isinstance(self._tail, EncodedTail) else self._cut.head
        return HeadReport(frames=frames, copied=self._cut.copied)

    @property
    def _cut_sample(self) -> int:
        """Where the head's sound ends."""
        return round(self.head_s * self._sound_form.rate_hz) if self._sound_form is not None else 0

    def _await(self, feed: Feed[VideoFrame | AudioBlock]) -> None:
        """Wait until the maker has its context or shows that it needs none, so that the tail is decoded only once."""
        assert isinstance(self._tail, CopiedTail)
        while not (self._tail.ready.is_set() or feed.lively.wait(_POLL_S)):
            self._check()

    def _continuation(self) -> Continuation:
        """What the maker is given."""
        form, sound = self.form, self._sound_form
        return Continuation(
            fps=form.rate,
            frames=self._frames,
            width=form.width,
            height=form.height,
            color=form.color,
            audio_rate_hz=sound.rate_hz if sound is not None else 0,
            audio_channels=sound.channels if sound is not None else 0,
            read_context=lambda: self._context,
            read_context_audio=lambda: self._context_audio,
        )

    @cached_property
    def _context(self) -> tuple[TimedFrame, ...]:
        return self._tail.context()

    @cached_property
    def _context_audio(self) -> Samples | None:
        form = self._sound_form
        if form is None:
            return None
        return read_sound(self._source, form, max(0, self._cut_sample - CONTEXT_S * form.rate_hz), self._cut_sample)


def create(
    output: Path,
    *,
    frames: int,
    fps: Fraction,
    width: int,
    height: int,
    audio: tuple[int, int] | None,
    make: Callable[[], Items],
    preset: str = "veryfast",
    crf: int = 20,
    watch: Watch,
    color: ColorTags = BT709,
    tags: Mapping[str, str] | None = None,
) -> Assembled:
    """Write what a maker makes as an MP4: `frames` pictures at `fps`, sound of `audio` = (rate in Hz, channels).

    `color` is the matrix that the pictures are in, `tags` are for the file's metadata. On any error no file stays.

    Raises EngineError or what `make` raises, WorkCancelled, MediaError if the file cannot be written.
    """
    form = PictureForm(
        width=width, height=height, clock=common_clock(Fraction(1, 15360), fps), rate=fps, color=color,
        preset=preset, crf=crf,
    )  # fmt: skip
    with kept_if_complete(output):
        with write_mp4(output, tags) as main:
            pictures = PictureTrack(main, form, new=frames)
            sounds: list[SoundTrack] = []
            if audio is not None:
                new = round(frames / fps * audio[0])
                sounds.append(SoundTrack(main, SoundForm(*audio), source=None, cut=0, new=new))
            with Beside("longtake-beside", watch) as beside, Feed(make, watch) as feed:
                NewPart(pictures, sounds, frames, FrameCount(watch, frames), beside).take_all(iter(feed))
        facts = _verified(output, frames, frames / fps, form, CancelCheck(watch))
    watch.progress(1.0)
    return Assembled(facts=facts)


def _verified(path: Path, frames: int, duration_s: Fraction, form: PictureForm, check: CancelCheck) -> MediaFacts:
    """The facts of a file just written, as its header has them. Raises MediaError if it is not what was meant."""
    made = read_result(path, form.picture, RESULT_LIMITS, check=check)
    length = (made.frames.end - made.frames.start) * made.frames.time_base
    if made.frames.count != frames or abs(length - duration_s) > max(2 * form.clock, _LARGEST_DRIFT_S):
        raise MediaError(
            f"the result has {made.frames.count} frames and {float(length):.4f} s; {frames} frames and "
            f"{float(duration_s):.4f} s were meant to be written; try again and report this file"
        )
    return made.facts
