# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream an encoded packet belongs to.
"""Small pictures of a video: one thumbnail, and a sheet of about one a second for scrubbing. Both are JPEG files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from longtake.errors import MediaError
from longtake.filmstrip import Sheet, sheet_of
from longtake.media.frames import VideoFrame
from longtake.media.open import RESULT_LIMITS, MediaLimits, explained, open_media, video_stream
from longtake.media.planes import from_av, to_av
from longtake.media.scale import Geometry, Scaler, even
from longtake.media.source import Source, read_source

_THUMBNAIL_SIDE_PX = 640
_TILE_SIDE_PX = 160
_SPARSE_KEYFRAMES_S = 4
"""Keyframes further apart than this do not show what happens each second; then every frame is decoded."""
_JPEG_MATRIX = 5
"""JFIF pictures are in BT.601 (ITU-T T.871)."""
_JPEG_QUALITY = 4
"""FFmpeg's quantiser scale: 2 is best, 31 worst."""


def _small(source: Source, side: int) -> Geometry:
    """The displayed size, scaled down so that no side is longer than `side`."""
    wide, high = source.picture.displayed_width, source.picture.displayed_height
    factor = min(1.0, side / max(wide, high))
    return Geometry(width=even(wide * factor), height=even(high * factor), matrix=_JPEG_MATRIX)


def _write_jpeg(picture: VideoFrame, path: Path) -> None:
    """Write a picture as JPEG; on failure no file stays."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "yuv420p"
    encoder.color_range = 2
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qmin": str(_JPEG_QUALITY), "qmax": str(_JPEG_QUALITY)}
    frame = to_av(picture, picture.width, picture.height)
    frame.pts, frame.color_range = 0, 2
    with explained("the thumbnail cannot be encoded"):
        packets = [*encoder.encode(frame), *encoder.encode(None)]
    try:
        path.write_bytes(b"".join(bytes(packet) for packet in packets))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise MediaError(f"the thumbnail cannot be written: {error.strerror}; look for free disk space") from error


def nobody(time_us: int, frame: av.VideoFrame) -> None:
    """Whoever is given as `see` where nobody is to."""


def _stretched(picture: VideoFrame) -> VideoFrame:
    """Limited range (16 to 235, 16 to 240) as the full range that JPEG has."""
    levels = np.arange(256, dtype=np.float32)
    luma = np.clip(np.rint((levels - 16) * (255 / 219)), 0, 255).astype(np.uint8)
    chroma = np.clip(np.rint((levels - 128) * (255 / 224) + 128), 0, 255).astype(np.uint8)
    return VideoFrame(luma[picture.y], chroma[picture.u], chroma[picture.v])


def thumbnail(video: Path | Source, output: Path, *, at_us: int | None = None) -> None:
    """Write the frame shown at `at_us` as JPEG of at most 640 px; without a time, the keyframe at about a third.

    Raises MediaError if the video cannot be decoded.
    """
    source = video if isinstance(video, Source) else read_source(video, RESULT_LIMITS)
    index = source.frames
    wanted_us = index.duration_us // 3 if at_us is None else min(max(0, at_us), index.duration_us)
    wanted = index.start + int(Fraction(wanted_us, 1_000_000) / index.time_base)
    with open_media(source.path, RESULT_LIMITS) as container:
        stream = video_stream(container, RESULT_LIMITS)
        if at_us is None:
            stream.thread_type = "SLICE"  # frame threads would decode several for the one that is shown
        container.seek(wanted, stream=stream, backward=True)
        shown: av.VideoFrame | None = None
        with explained("the video cannot be decoded"):
            for frame in container.decode(stream):
                if shown is not None and frame.pts is not None and frame.pts > wanted:
                    break
                shown = frame
                if at_us is None:
                    break
        if shown is None:
            raise MediaError("no picture of the video can be decoded; the file is damaged or cut off")
        _write_thumbnail(source, shown, output)


def _write_thumbnail(source: Source, frame: av.VideoFrame, output: Path) -> None:
    scaler = Scaler(source.picture, _small(source, _THUMBNAIL_SIDE_PX))
    for scaled in scaler.convert([frame]):
        _write_jpeg(_stretched(from_av(scaled)), output)


def sprite(
    video: Path | Source,
    output: Path,
    *,
    limits: MediaLimits = RESULT_LIMITS,
    most_decoded: int | None = None,
    see: Callable[[int, av.VideoFrame], None] = nobody,
    also_thumbnail: Path | None = None,
) -> None:
    """Write a sheet of small frames as JPEG, laid out as `filmstrip.sheet_of` says.

    Only keyframes are decoded where there are enough of them, or where the others are more than `most_decoded` pixels
    in all; then a tile may show an earlier moment. Who is to `see` too is given each frame that becomes a tile, and
    when it is shown, in microseconds. `also_thumbnail` is where to write what `thumbnail` would.
    Raises MediaError if the video cannot be decoded.
    """
    source = video if isinstance(video, Source) else read_source(video, limits)
    sheet = sheet_of(source.frames.duration_us)
    geometry = _small(source, _TILE_SIDE_PX)
    wide, high = geometry.width, geometry.height
    picture = VideoFrame(
        np.full((sheet.rows * high, sheet.columns * wide), 16, np.uint8),
        np.full((sheet.rows * high // 2, sheet.columns * wide // 2), 128, np.uint8),
        np.full((sheet.rows * high // 2, sheet.columns * wide // 2), 128, np.uint8),
    )
    size = source.picture.displayed_width * source.picture.displayed_height
    keys_only = most_decoded is not None and len(source.frames.pts) * size > most_decoded
    keyframe: list[av.VideoFrame] = []
    third_us = source.frames.duration_us // 3

    def note(time_us: int, frame: av.VideoFrame) -> None:
        """The last keyframe up to a third, as a seek to there would find it."""
        if not keyframe or (frame.key_frame and time_us <= third_us):
            keyframe[:] = [frame]

    for number, tile in _tiles(
        source, geometry, sheet, keys_only=keys_only, see=see, note=note if also_thumbnail is not None else nobody
    ):
        row, column = divmod(number, sheet.columns)
        for target, pixels in ((picture.y, tile.y), (picture.u, tile.u), (picture.v, tile.v)):
            top, left = row * pixels.shape[0], column * pixels.shape[1]
            target[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    _write_jpeg(_stretched(picture), output)
    if also_thumbnail is not None:
        if not keyframe:
            raise MediaError("no picture of the video can be decoded; the file is damaged or cut off")
        _write_thumbnail(source, keyframe[0], also_thumbnail)


def _tiles(
    source: Source,
    geometry: Geometry,
    sheet: Sheet,
    *,
    keys_only: bool,
    see: Callable[[int, av.VideoFrame], None],
    note: Callable[[int, av.VideoFrame], None],
) -> Iterator[tuple[int, VideoFrame]]:
    """For each tile the last decoded frame that begins within it or before it. Each is given to `note`."""
    index, count = source.frames, sheet.count
    keys = np.sort(index.pts[index.keys])
    gaps = np.diff(keys, append=index.end)
    sparse = len(keys) == 0 or int(gaps.max()) * index.time_base > _SPARSE_KEYFRAMES_S
    scaler = Scaler(source.picture, geometry)
    done = 0
    shown: av.VideoFrame | None = None
    shown_us = 0
    with open_media(source.path, source.limits) as container:
        stream = video_stream(container, source.limits)
        if keys_only or not sparse:
            stream.codec_context.skip_frame = "NONKEY"
        with explained("the video cannot be decoded"):
            for frame in container.decode(stream):
                ticks = frame.pts if frame.pts is not None else 0
                time_us = int((ticks - index.start) * index.time_base * 1_000_000)
                note(time_us, frame)
                begun = done
                while done < count and done * sheet.interval_us < time_us and shown is not None:
                    done += 1
                if done > begun and shown is not None:
                    see(shown_us, shown)
                    (tile,) = (from_av(one) for one in scaler.convert([shown]))
                    yield from ((number, tile) for number in range(begun, done))
                shown, shown_us = frame, time_us
    if shown is not None and done < count:
        see(shown_us, shown)
        (tile,) = (from_av(one) for one in scaler.convert([shown]))
        yield from ((number, tile) for number in range(done, count))
