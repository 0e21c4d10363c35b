# SPDX-License-Identifier: Apache-2.0
"""The only place where foreign media is opened for reading: by magic bytes, with one demuxer, from one local file."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from longtake.errors import LimitExceeded, MediaError

MAX_SIDE_PX = 8192
"""Longest side of any picture; a strip of 1 x 100,000 has few pixels but breaks scalers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What a file may be at most. Passing one raises LimitExceeded."""

    max_bytes: int = 1 << 30
    max_pixels: int = 4096 * 2304
    max_seconds: float = 600.0
    max_frames: int = 36_000


DEFAULT_LIMITS = MediaLimits()
RESULT_LIMITS = MediaLimits(max_bytes=8 << 30, max_seconds=3600.0, max_frames=400_000)
"""For files that this package wrote itself."""

Probing = Literal["all", "sound", "headers"]

_IMAGE_FORMATS = frozenset({"png_pipe", "jpeg_pipe", "webp_pipe", "gif"})
_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_STILL_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_KNOWN_STRANGERS = (
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat", "a concat script"),
    (b"<?xml", "an XML document"),
    (b"<svg", "an SVG drawing"),
    (b"<!", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"{", "JSON text"),
    (b"[", "JSON text"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
)
_ACCEPTED = "send MP4, MOV, MKV, WebM or AVI video, or a PNG, JPEG, WebP or GIF picture"


def recognise(head: bytes) -> str:
    """FFmpeg's name of the demuxer for a file that begins with these bytes (16 or more of them).

    Raises MediaError for anything that is not on the list, whatever its name says.
    """
    if head[4:8] in _MP4_BOXES:
        if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
            raise MediaError(f"the file is an AVIF or HEIC picture; {_ACCEPTED}")
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] in {b"AVI ", b"WEBP"}:
        return "avi" if head[8:12] == b"AVI " else "webp_pipe"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png_pipe"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg_pipe"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, name in _KNOWN_STRANGERS:
        if text.startswith(magic.lower()):
            raise MediaError(f"the file is {name}, not a video; {_ACCEPTED}")
    raise MediaError(f"the file begins with {head[:8]!r}, which is no known video or picture; {_ACCEPTED}")


@contextmanager
def explained(what: str, hint: str = "the file is damaged or cut off") -> Generator[None]:
    """Turn FFmpeg's errors inside the block into MediaError: `what` could not be done, why, and a hint."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise MediaError(f"{what}: {error.strerror or type(error).__name__}; {hint}") from error
    except (MemoryError, OverflowError) as error:
        raise LimitExceeded(f"{what}: the file asks for more memory than is allowed") from error


@contextmanager
def open_media(
    path: Path, limits: MediaLimits = DEFAULT_LIMITS, *, probing: Probing = "all"
) -> Generator[InputContainer]:
    """Open a local video or picture; the container is closed at the end of the block.

    `probing` is how much of it FFmpeg decodes while opening: something of every track; only of the "sound", which is 15
    times cheaper; or of none ("headers", 40 times cheaper), for MP4 whose tracks are known. Less than all is for passes
    that copy packets: a decoder opened so may drop the first reordered frames if it is not strict().

    Raises MediaError if it is of no accepted kind or cannot be opened, LimitExceeded if it is too large.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise MediaError(f"the file cannot be read: {error.strerror}") from error
    if size == 0:
        raise MediaError(f"the file is empty; {_ACCEPTED}")
    if size > limits.max_bytes:
        raise LimitExceeded(f"the file has {size} bytes, more than the {limits.max_bytes} allowed; send a smaller one")
    demuxer = recognise(head)
    options = {"protocol_whitelist": "file", "max_pixels": str(limits.max_pixels)}
    if probing != "all":
        options["skip_frame"] = "all"
    if probing == "headers" and demuxer == "mov":
        options |= {"analyzeduration": "0", "probesize": "32", "fpsprobesize": "0"}
    with explained("the file cannot be opened"):
        # Titles come in any old encoding, and are of no use here.
        container = av.open(f"file:{path}", "r", format=demuxer, options=options, metadata_errors="replace")
    try:
        yield container
    finally:
        container.close()


def leave_out(container: InputContainer, *wanted: Stream | None) -> None:
    """Have the demuxer not even read the packets of other tracks than these."""
    indexes = {stream.index for stream in wanted if stream is not None}
    for stream in container.streams:
        if stream.index not in indexes:
            stream.discard = Discard.all


def strict(stream: VideoStream) -> None:
    """Have the decoder reckon with as much reordering as the H.264 level allows where the stream does not say.

    Then it need not have seen the first frames while opening to give all in their order. To be called before decoding.
    """
    stream.codec_context.options = {**stream.codec_context.options, "strict": "strict"}


def is_image(container: InputContainer) -> bool:
    """Whether the container is a still picture; of a moving GIF only the first frame counts."""
    return container.format.name in _IMAGE_FORMATS


def video_stream(container: InputContainer, limits: MediaLimits = DEFAULT_LIMITS) -> VideoStream:
    """The picture track: the first that is not a cover image, ready to decode on all cores within the limits.

    Raises MediaError without one, LimitExceeded if its pictures are too large.
    """
    for stream in container.streams.video:
        if stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails):
            continue
        context = getattr(stream, "codec_context", None)
        if context is None:
            raise MediaError("the video's codec cannot be decoded here; send H.264, HEVC, VP8, VP9, AV1 or MPEG-4")
        width, height = stream.codec_context.width, stream.codec_context.height
        if width <= 0 or height <= 0:
            # FFmpeg was told max_pixels and does not even say the size of what is beyond it.
            raise LimitExceeded(
                f"the picture's size cannot be read: it has more than the {limits.max_pixels} pixels allowed, "
                "or the file is damaged or cut off"
            )
        if width * height > limits.max_pixels or max(width, height) > MAX_SIDE_PX:
            raise LimitExceeded(
                f"pictures of {width}x{height} are too large: at most {limits.max_pixels} pixels and "
                f"{MAX_SIDE_PX} on a side; scale the video down first"
            )
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        stream.thread_type = "AUTO"
        return stream
    raise MediaError("the file has no video track; send a file with moving pictures")
