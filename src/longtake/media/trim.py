# SPDX-License-Identifier: Apache-2.0
"""A video up to some time as an MP4 of its own: its packets copied where they can be, else encoded anew in one stream.

Serves makers that want the head as a file, and clips that are delivered as they came.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from longtake.media.audio import SoundTrack, result_form
from longtake.media.beside import Beside
from longtake.media.context import CopiedTail, EncodedTail
from longtake.media.contract import Assembled, CancelCheck, Target, Watch
from longtake.media.cut import common_clock, find_cut, why_not_copied
from longtake.media.head import copied_head, encode_tail, encoded_head
from longtake.media.mux import kept_if_complete, write_in_order, write_mp4
from longtake.media.newpart import FrameCount
from longtake.media.open import RESULT_LIMITS
from longtake.media.scale import Scaler, kept_geometry, output_color, target_geometry
from longtake.media.source import Source, read_result
from longtake.media.track import PictureForm, PictureTrack
from longtake.types import HeadReport


class _NothingKept(EncodedTail):
    """The end of what nobody continues."""

    def note(self, frame: av.VideoFrame, time_s: Fraction) -> None:
        """Keep none of it."""


def trim(source: Source, output: Path, *, end_us: int, target: Target, watch: Watch) -> Assembled:
    """Write source[0, end) to `output`, MP4 with H.264 and AAC and its index in front; on any error no file stays.

    Frames whose middle lies before `end_us` are in it, one at least. With the target's geometry kept, and where the
    source is of that kind, all packets but a few at the end are copied, and not decoded unless those few need them. The
    report says how many; warnings say why not.

    Raises MediaError or LimitExceeded for a source that cannot be worked with, WorkCancelled.
    """
    check = CancelCheck(watch)
    reason = why_not_copied(source) if target.geometry_kept else "its size changes"
    cut = find_cut(source, end_us, copy=not reason)
    index = source.frames
    end_s = (cut.end - index.start) * index.time_base
    geometry = kept_geometry(source.picture)
    if not target.geometry_kept:
        geometry = target_geometry(target)
    form = PictureForm(
        width=geometry.width, height=geometry.height, clock=common_clock(index.time_base, cut.rate), rate=cut.rate,
        color=output_color(source.picture), preset=target.preset, crf=target.crf,
    )  # fmt: skip
    sound = result_form(source)
    count = FrameCount(watch, max(1, cut.head - cut.copied))
    with kept_if_complete(output):
        with write_mp4(output, target.tags) as main:
            begin = round(end_s / form.clock)
            pictures = PictureTrack(main, form, new=0, begin=begin, source=source, cut=cut)
            sounds: list[SoundTrack] = []
            if sound is not None:
                sounds.append(SoundTrack(main, sound, source=source, cut=round(end_s * sound.rate_hz), new=0))
            heard = [track.head_packets() for track in sounds]
            if cut.copied:
                with Beside("longtake-beside", watch) as beside:
                    pictures.write_behind(
                        beside.begin(lambda: write_in_order(copied_head(pictures), *heard, check=beside.check))
                    )
                    if cut.copied < cut.head:
                        encode_tail(pictures, source, cut, tail=CopiedTail(source, cut, check), count=count)
                    pictures.finish()
            else:
                kept = _NothingKept(end_s, geometry.width, geometry.height)
                head = encoded_head(
                    pictures, source, cut, scaler=Scaler(source.picture, geometry), tail=kept, count=count
                )
                write_in_order(head, *heard, check=check)
                pictures.finish()
            for track in sounds:
                for packet in track.finish():
                    track.write(packet)
        made = read_result(output, form.picture, RESULT_LIMITS, check=check)
    watch.progress(1.0)
    reencoded = (f"reencoded: {reason}",) if reason and target.geometry_kept else ()
    warnings = (*reencoded, *(warning for track in sounds for warning in track.damage.warnings))
    return Assembled(
        facts=made.facts, head=HeadReport(frames=made.frames.count, copied=cut.copied), warnings=warnings
    )  # fmt: skip
