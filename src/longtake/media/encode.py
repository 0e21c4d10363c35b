# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream an encoded packet belongs to.
"""Encoders: pictures to H.264 (libx264), sound to AAC-LC. Packets come out with final times."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from longtake.errors import MediaError
from longtake.media.open import explained
from longtake.media.reorder import DecodeClock
from longtake.types import ColorTags

VIDEO_ENCODER = "libx264"
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
AAC_FRAME = 1024
AAC_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
AAC_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}
"""Layouts that the AAC encoder takes, by channel count (ISO/IEC 14496-3, table 1.19)."""
_AAC_BITS_A_CHANNEL = 80_000
_AAC_FRAMES_AT_ONCE = 48
"""One by one, a fifth of the encoder's time goes into handing them over."""
_KEYFRAME_INTERVAL_S = 2
_FINE_BITS = 2
"""Measured at the join of a sharp 720p clip: the loss of the first new frame falls from 1.2 luma levels to 0.7."""
_FINE_BITS_SMALL = 5
"""Of pictures up to _SMALL_PIXELS, where they cost nothing: 0.7 levels in a large one are 1.6 in a noisy QCIF."""
_SMALL_PIXELS = 640 * 480


def color_range(color: ColorTags) -> int:
    """FFmpeg's AVColorRange of the tags: full, limited, or unspecified where nothing else is said either."""
    if color.full_range:
        return 2
    return 0 if color.matrix == 2 else 1  # noqa: PLR2004 - H.273's unspecified


class PictureEncoder:
    """H.264, 8-bit 4:2:0. Frames go in with their times; packets come out with the decode times of a DecodeClock.

    There is no B-pyramid, so B-frames delay decoding by one frame at most. Frames whose numbers are in `fine` get more
    bits: where one encoded frame meets another that was encoded apart from it, the loss of both shows as a step. If
    frames come before them, they begin a group each, and so does the last one before: libx264 takes the quality of an
    I-frame from all P-frames before it, whatever is asked for (rate_estimate_qscale), unless an I-frame is before it.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        time_base: Fraction,
        rate: Fraction,
        color: ColorTags,
        preset: str,
        crf: int,
        delay: int,
        sps_id: int = 0,
        b_frames: bool = True,
        fine: range = range(0),
        context: VideoCodecContext | None = None,
    ) -> None:
        if preset not in PRESETS:
            raise MediaError(f"preset {preset!r} is not known; take one of {', '.join(PRESETS)}")
        encoder = context or av.CodecContext.create(VIDEO_ENCODER, "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = time_base, rate
        encoder.color_primaries, encoder.color_trc, encoder.colorspace = color.primaries, color.transfer, color.matrix
        encoder.color_range = color_range(color)
        parameters = f"sps-id={sps_id}:b-pyramid=none:keyint={max(1, round(rate * _KEYFRAME_INTERVAL_S))}"
        if not b_frames:
            parameters += ":bframes=0"
        if fine:
            bits = _FINE_BITS if width * height > _SMALL_PIXELS else _FINE_BITS_SMALL
            parameters += f":zones={fine.start},{fine.stop - 1},b={bits}"
        encoder.options = {"preset": preset, "crf": str(crf), "forced-idr": "1", "x264-params": parameters}
        encoder.flags |= Flags.global_header
        with explained("the H.264 encoder cannot start"):
            encoder.open()
        self._encoder = encoder
        self._time_base = time_base
        self._durations: dict[int, int] = {}
        self._leading = range(max(0, fine.start - 1), fine.stop) if fine.start else range(0)
        self._given = 0
        reorders = encoder.reorder_depth > 0
        self.clock = DecodeClock(delay=delay if reorders else 0, reorders=reorders)

    @property
    def extradata(self) -> bytes:
        """The parameter sets in annex B form."""
        return bytes(self._encoder.extradata or b"")

    def start_after(self, dts: int, pts: int, delay: int) -> None:
        """Go on after copied packets: the last one's decode time, the last frame's display time, the delay from now."""
        self.clock = DecodeClock(delay=delay, reorders=self.clock.reorders, decoded=dts, shown=pts)

    def encode(self, frame: av.VideoFrame, pts: int, duration: int, *, key: bool = False) -> list[Packet[Stream]]:
        """Take a frame shown at `pts` for `duration` ticks; `key` starts a new closed group with it."""
        frame.pts, frame.time_base = pts, self._time_base
        frame.pict_type = PictureType.I if key or self._given in self._leading else PictureType.NONE
        self._given += 1
        self.clock.show(pts)
        self._durations[pts] = duration
        with explained("a picture cannot be encoded"):
            return self._timed(self._encoder.encode(frame))

    def finish(self) -> list[Packet[Stream]]:
        """The packets that are still inside."""
        with explained("the last pictures cannot be encoded"):
            return self._timed(self._encoder.encode(None))

    def _timed(self, packets: Sequence[Packet[Stream]]) -> list[Packet[Stream]]:
        """Give packets their decode times and durations."""
        for packet in packets:
            pts = packet.pts
            if pts is None:
                raise MediaError("the H.264 encoder gave a packet without a time")
            packet.duration = self._durations.pop(pts)
            packet.time_base = self._time_base
            packet.dts = self.clock.next()
        return list(packets)


def aac_rate(rate_hz: int) -> int:
    """The rate itself if AAC has it, else the lowest AAC rate above it (48 kHz at most beyond the table)."""
    if rate_hz in AAC_RATES_HZ:
        return rate_hz
    return min((rate for rate in AAC_RATES_HZ if rate >= rate_hz), default=48000)


class SoundEncoder:
    """AAC-LC. Sample 0 of what is put in belongs at `origin` on the output's sample clock.

    Packets before `drop_before` are thrown away: that is how encoded sound is appended to copied AAC without a click.
    The encoder is fed true sound from two frames ahead, and its priming and pre-roll packets are dropped, so that the
    overlap of the transform (ISO/IEC 14496-3 4.6.11) meets what the decoder really heard before.
    """

    def __init__(self, *, rate_hz: int, layout: str, origin: int = 0, drop_before: int | None = None) -> None:
        encoder = av.CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.layout, encoder.format = rate_hz, layout, "fltp"
        encoder.bit_rate = _AAC_BITS_A_CHANNEL * encoder.layout.nb_channels
        encoder.time_base = Fraction(1, rate_hz)
        # FFmpeg's documentation of its AAC encoder: better and much faster than the other one at higher bit rates.
        encoder.options = {"aac_coder": "fast"}
        encoder.flags |= Flags.global_header
        with explained("the AAC encoder cannot start"):
            encoder.open()
        self._encoder: AudioCodecContext = encoder
        self._rate_hz, self._layout = rate_hz, layout
        self._origin, self._drop_before = origin, drop_before
        self._channels = encoder.layout.nb_channels
        self._waiting: list[NDArray[np.float32]] = []
        self._waiting_count = 0
        self._given = 0
        self._latest = np.zeros((self._channels, 0), np.float32)

    @property
    def extradata(self) -> bytes:
        """The AudioSpecificConfig."""
        return bytes(self._encoder.extradata or b"")

    @property
    def position(self) -> int:
        """Where the next sample put in belongs on the output's clock."""
        return self._origin + self._given + self._waiting_count

    def encode(self, samples: NDArray[np.float32]) -> list[Packet[Stream]]:
        """Take (channels, n) sound; packets of what fills whole frames."""
        self._waiting.append(samples)
        self._waiting_count += samples.shape[1]
        packets: list[Packet[Stream]] = []
        if self._waiting_count >= AAC_FRAME:
            block = np.concatenate(self._waiting, axis=1)
            whole = block.shape[1] // AAC_FRAME * AAC_FRAME
            for at in range(0, whole, _AAC_FRAMES_AT_ONCE * AAC_FRAME):
                packets += self._put(block[:, at : min(at + _AAC_FRAMES_AT_ONCE * AAC_FRAME, whole)])
            self._waiting = [block[:, whole:]]
            self._waiting_count = block.shape[1] - whole
        return packets

    def finish(self) -> list[Packet[Stream]]:
        """The rest; the last packet's duration ends where the sound ends."""
        end = self.position
        packets: list[Packet[Stream]] = []
        heard = np.concatenate([self._latest, *self._waiting], axis=1)
        if heard.shape[1]:
            # Whole frames only: the decoder is told by the last packet's duration where to stop. What the last packet's
            # transform sees beyond that is the sound mirrored: a step to silence would be heard before it, as noise.
            size = (1 + (self._waiting_count > 0)) * AAC_FRAME
            begin = self._latest.shape[1]
            padded = np.pad(heard, ((0, 0), (0, begin + size - heard.shape[1])), mode="symmetric")[:, begin:]
            packets += self._put(padded)
            self._waiting, self._waiting_count = [], 0
        with explained("the last sound cannot be encoded"):
            packets += self._timed(self._encoder.encode(None))
        kept = [packet for packet in packets if packet.pts is not None and packet.pts < end]
        for packet in kept:
            packet.duration = min(AAC_FRAME, end - (packet.pts or 0))
        return kept

    def _put(self, samples: NDArray[np.float32]) -> list[Packet[Stream]]:
        """Encode whole AAC frames; FFmpeg cuts them apart."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._layout)
        frame.sample_rate, frame.time_base = self._rate_hz, Fraction(1, self._rate_hz)
        frame.pts = self._given
        self._given += samples.shape[1]
        self._latest = samples[:, -AAC_FRAME:]
        with explained("the sound cannot be encoded"):
            return self._timed(self._encoder.encode(frame))

    def _timed(self, packets: Sequence[Packet[Stream]]) -> list[Packet[Stream]]:
        """Packets on the output's clock, without those that are dropped."""
        kept: list[Packet[Stream]] = []
        for packet in packets:
            if packet.pts is None:
                raise MediaError("the AAC encoder gave a packet without a time")
            packet.pts = packet.dts = packet.pts + self._origin
            packet.duration, packet.time_base = AAC_FRAME, Fraction(1, self._rate_hz)
            if self._drop_before is None or packet.pts >= self._drop_before:
                kept.append(packet)
        return kept
