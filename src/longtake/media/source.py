# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false
# PyAV leaves open which stream a packet to decode belongs to.
"""What a video file is: its tracks, their index, and all that decides how it can be worked with."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.stream import VideoStream

from longtake.errors import MediaError
from longtake.media.contract import NO_CHECK, CancelCheck
from longtake.media.h264 import opening_of
from longtake.media.index import PacketIndex, index_of_header, read_index
from longtake.media.open import (
    DEFAULT_LIMITS,
    MediaLimits,
    explained,
    is_image,
    leave_out,
    open_media,
    strict,
    video_stream,
)
from longtake.types import AudioFacts, ColorTags, MediaFacts, Rate, VideoFacts

_PROGRESSIVE_ORDERS = frozenset({0, 1})
"""AVFieldOrder unknown and progressive."""
_MPEG_RANGE, _FULL_RANGE = 1, 2
_UNSPECIFIED = 2
_FIRST_FRAME_PACKETS = 400
"""A decoder that shows nothing after so many packets never will."""
_CONTAINER_NAMES = {"mov": "mp4", "matroska": "matroska", "avi": "avi"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The picture track as coded, before rotation and sample aspect."""

    codec: str
    width: int
    height: int
    pixel_format: str
    bit_depth: int
    color: ColorTags
    sample_aspect: Fraction
    rotation_deg: int
    """Clockwise turn that makes it upright: 0, 90, 180 or 270."""
    interlaced: bool
    extradata: bytes
    mirrored: bool = False
    """It stands on its head before the turn: with a turn by 180 degrees left and right are swapped."""

    @property
    def displayed_width(self) -> int:
        """Pixels across when upright with square pixels."""
        wide, high = self._square
        return high if self.rotation_deg % 180 else wide

    @property
    def displayed_height(self) -> int:
        """Pixels down when upright with square pixels."""
        wide, high = self._square
        return wide if self.rotation_deg % 180 else high

    @property
    def _square(self) -> tuple[int, int]:
        return max(1, round(self.width * self.sample_aspect)), self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The sound track as coded."""

    codec: str
    profile: str
    rate_hz: int
    channels: int
    layout: str
    extradata: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A video file that was read once: both tracks and their packet times."""

    path: Path
    limits: MediaLimits
    container: str
    picture: Picture
    frames: PacketIndex
    sound: Sound | None
    sounds: PacketIndex | None

    @property
    def start_s(self) -> Fraction:
        """When the first frame is shown on the file's own clock; zero of ours."""
        return self.frames.start * self.frames.time_base

    @property
    def facts(self) -> MediaFacts:
        """The file's facts for the rest of longtake."""
        picture, sound = self.picture, self.sound
        return MediaFacts(
            container=self.container,
            duration_us=self.frames.duration_us,
            video=VideoFacts(
                codec=picture.codec,
                width=picture.displayed_width,
                height=picture.displayed_height,
                coded_width=picture.width,
                coded_height=picture.height,
                frames=self.frames.count,
                fps=Rate.of(self.frames.rate),
                variable_rate=self.frames.variable,
                rotation_deg=picture.rotation_deg,
                pixel_format=picture.pixel_format,
                bit_depth=picture.bit_depth,
                interlaced=picture.interlaced,
                color=picture.color,
            ),
            audio=None
            if sound is None
            else AudioFacts(codec=sound.codec, rate_hz=sound.rate_hz, channels=sound.channels, layout=sound.layout),
        )


def audio_stream(container: InputContainer) -> AudioStream | None:
    """The first sound track that can be decoded."""
    for stream in container.streams.audio:
        context = getattr(stream, "codec_context", None)
        if context is not None and stream.codec_context.sample_rate > 0 and stream.codec_context.layout.nb_channels > 0:
            return stream
    return None


def read_source(
    path: Path, limits: MediaLimits = DEFAULT_LIMITS, *, check: CancelCheck = NO_CHECK, known: bool = False
) -> Source:
    """Read a video's tracks and index and decode its first frame; of a `known` one that was read before, its header.

    Raises MediaError if it is no video that can be decoded, LimitExceeded if it passes a limit, WorkCancelled when
    `check` does.
    """
    with _opened(path, limits) as container:
        if is_image(container):
            raise MediaError("the file is a still picture; extending needs a video, a picture can be given to create")
        stream = video_stream(container, limits)
        stream.thread_type = "NONE"  # frame threads would decode several for the one that is looked at
        sound_stream = audio_stream(container)
        leave_out(container, stream, sound_stream)
        check()
        indexed = index_of_header(path, container, stream, sound_stream, limits)
        frames, sounds = indexed or read_index(container, stream, sound_stream, limits, check)
        name = _CONTAINER_NAMES.get(container.format.name.split(",")[0], container.format.name)
        sound = _sound(sound_stream) if sound_stream is not None and sounds is not None else None
        picture = _first_picture(container, stream, frames, known=known)
    frames = _shown(path, limits, frames)
    return Source(
        path=path, limits=limits, container=name, picture=picture, frames=frames, sound=sound,
        sounds=sounds if sound is not None else None,
    )  # fmt: skip


def read_result(path: Path, picture: Picture, limits: MediaLimits, *, check: CancelCheck = NO_CHECK) -> Source:
    """Read an MP4 written by this package: its header, or else every packet of its picture track; nothing is decoded.

    Raises MediaError if it cannot be read, WorkCancelled when `check` does.
    """
    with open_media(path, limits, probing="headers") as container:
        stream, sound_stream = video_stream(container, limits), audio_stream(container)
        leave_out(container, stream)
        check()
        indexed = index_of_header(path, container, stream, None, limits)
        frames, _ = indexed or read_index(container, stream, None, limits, check)
        sound = _sound(sound_stream) if sound_stream is not None and sound_stream.frames else None
    return Source(path=path, limits=limits, container="mp4", picture=picture, frames=frames, sound=sound, sounds=None)


@contextmanager
def _opened(path: Path, limits: MediaLimits) -> Generator[InputContainer]:
    """A file opened in the cheapest way that tells all about it: H.264 in MP4 describes itself in its header."""
    with open_media(path, limits, probing="sound") as container:
        if container.format.name.startswith("mov"):
            contexts = [getattr(stream, "codec_context", None) for stream in container.streams.video]
            if all(one is not None and one.name == "h264" and one.width > 0 and one.extradata for one in contexts):
                yield container
                return
    with open_media(path, limits) as container:
        yield container


def _first_picture(container: InputContainer, stream: VideoStream, frames: PacketIndex, *, known: bool) -> Picture:
    """Go back to the beginning after the index was read, and look at the first frame.

    What it is stands in the header of its first slice. If it is `known` that the rest can be decoded, H.264 of MP4 is
    not decoded beyond that: it would take ten times as long.
    """
    with explained("the video cannot be decoded"):
        container.seek(frames.start, stream=stream, backward=True)
        for packet in container.demux(stream):
            if known and stream.codec_context.name == "h264" and container.format.name.startswith("mov"):
                # What is missing need not be made up for.
                stream.codec_context.options = {**stream.codec_context.options, "ec": "0"}
                opening = cast("Packet[VideoStream]", Packet(opening_of(bytes(packet))))
                with suppress(FFmpegError):
                    for frame in _at_once(stream, opening):
                        return picture_of(stream, frame)
                stream.codec_context.flush_buffers()
            for frame in _at_once(stream, packet):
                return picture_of(stream, frame)
            break
        stream.codec_context.flush_buffers()
        container.seek(frames.start, stream=stream, backward=True)
    return picture_of(stream, first_frame(container, stream))


def _at_once(stream: VideoStream, packet: Packet[VideoStream]) -> list[av.VideoFrame]:
    """All frames that a decoder has after one packet: so it need not see the packets that it would wait for."""
    return [*stream.codec_context.decode(packet), *stream.codec_context.decode(None)]


def _shown(path: Path, limits: MediaLimits, index: PacketIndex) -> PacketIndex:
    """The index without what comes before the first frame that a decoder shows.

    A file that was cut out of open groups of pictures begins with some that refer to what is no longer there.
    """
    if not index.timed or (index.keys[0] and index.pts[0] == index.start):
        return index
    with open_media(path, limits) as container:
        stream = video_stream(container, limits)
        stream.thread_type = "NONE"
        strict(stream)
        leave_out(container, stream)
        first = first_frame(container, stream).pts
    return index if first is None or first <= index.start else index.since(first)


def first_frame(container: InputContainer, stream: VideoStream) -> av.VideoFrame:
    """Decode on to the next frame. Raises MediaError if none comes."""
    with explained("the video cannot be decoded"):
        for count, packet in enumerate(container.demux(stream)):
            for frame in packet.decode():
                return frame
            if count > _FIRST_FRAME_PACKETS:
                break
    raise MediaError("no picture of the video can be decoded; the file is damaged or cut off")


def _sound(stream: AudioStream) -> Sound:
    """What the sound track is."""
    context = stream.codec_context
    return Sound(
        codec=context.codec.canonical_name,
        profile=stream.profile or "",
        rate_hz=context.sample_rate,
        channels=context.layout.nb_channels,
        layout=context.layout.name,
        extradata=bytes(context.extradata or b""),
    )


def color_tags(stream: VideoStream, frame: av.VideoFrame) -> ColorTags:
    """The colour tags of decoded frames; RGB pictures have none, since they are converted by us."""
    context = stream.codec_context

    def known(track: int, picture: int) -> int:
        return track if track not in {0, _UNSPECIFIED} else picture or _UNSPECIFIED

    return ColorTags(
        primaries=known(context.color_primaries, frame.color_primaries),
        transfer=known(context.color_trc, frame.color_trc),
        matrix=known(context.colorspace, frame.colorspace),
        full_range=_FULL_RANGE in {context.color_range, frame.color_range} or frame.format.name.startswith("yuvj"),
    )


def _is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether the display matrix (ISO/IEC 14496-12 8.3.2) mirrors: its determinant is below 0."""
    for data in cast("Iterable[SideData]", frame.side_data):  # a mapping by its type, which yields its values
        if data.type is SideDataType.DISPLAYMATRIX:
            a, b, _, c, d, *_ = struct.unpack("=9i", memoryview(data))
            return bool(a * d < b * c)
    return False


def picture_of(stream: VideoStream, frame: av.VideoFrame) -> Picture:
    """What the picture track is, judged by its header and its first frame."""
    context = stream.codec_context
    aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 8) <= aspect <= 8:  # noqa: PLR2004 - beyond that the tag is a mistake
        aspect = Fraction(1)
    return Picture(
        codec=context.codec.canonical_name,
        width=frame.width,
        height=frame.height,
        pixel_format=frame.format.name,
        bit_depth=max(component.bits for component in frame.format.components),
        color=color_tags(stream, frame),
        sample_aspect=aspect,
        rotation_deg=round(-frame.rotation / 90) * 90 % 360,
        mirrored=_is_mirrored(frame),
        interlaced=context.field_order not in _PROGRESSIVE_ORDERS or frame.interlaced_frame,
        extradata=bytes(context.extradata or b""),
    )
