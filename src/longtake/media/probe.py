# SPDX-License-Identifier: Apache-2.0
"""What a received file is: read whole, decoded at both ends, or refused with the reason; pictures read as frames."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from longtake.errors import MediaError
from longtake.media.frames import VideoFrame
from longtake.media.open import DEFAULT_LIMITS, MediaLimits, explained, is_image, open_media, video_stream
from longtake.media.planes import from_av
from longtake.media.scale import BT709, Geometry, Scaler
from longtake.media.source import Source, first_frame, picture_of, read_source
from longtake.types import ColorTags, Fit, MediaFacts, Rate, VideoFacts

_IMAGE_NAMES = {"png_pipe": "png", "jpeg_pipe": "jpeg", "webp_pipe": "webp", "gif": "gif"}
_NEAR_END_PACKETS = 600


def probe(path: Path, limits: MediaLimits = DEFAULT_LIMITS) -> MediaFacts:
    """The facts of a video or picture. Every packet is read; the first frame and one near the end are decoded.

    Raises MediaError if it is no video or picture that can be decoded, LimitExceeded if it passes a limit.
    """
    with open_media(path, limits) as container:
        if is_image(container):
            return _image_facts(container, limits)
    source = read_source(path, limits)
    _decode_near_end(source)
    return source.facts


def _image_facts(container: InputContainer, limits: MediaLimits) -> MediaFacts:
    stream = video_stream(container, limits)
    picture = picture_of(stream, first_frame(container, stream))
    return MediaFacts(
        container=_IMAGE_NAMES[container.format.name],
        duration_us=0,
        video=VideoFacts(
            codec=picture.codec,
            width=picture.displayed_width,
            height=picture.displayed_height,
            coded_width=picture.width,
            coded_height=picture.height,
            frames=1,
            fps=Rate(num=1),
            rotation_deg=picture.rotation_deg,
            pixel_format=picture.pixel_format,
            bit_depth=picture.bit_depth,
            color=picture.color,
        ),
    )


def _decode_near_end(source: Source) -> None:
    """Decode from the last keyframe on until a frame comes. Raises MediaError if none does."""
    index = source.frames
    keys = index.pts[index.keys]
    with open_media(source.path, source.limits) as container:
        stream = video_stream(container, source.limits)
        stream.thread_type = "NONE"
        if len(keys) > 1 and index.exact:
            container.seek(int(keys.max()), stream=stream, backward=True)
        with explained("the end of the video cannot be decoded"):
            for count, packet in enumerate(container.demux(stream)):
                if packet.decode():
                    return
                if count > _NEAR_END_PACKETS:
                    break
    raise MediaError("no picture near the end of the video can be decoded; the file is damaged or cut off")


def read_image(
    path: Path,
    width: int,
    height: int,
    fit: Fit = Fit.COVER,
    *,
    color: ColorTags = BT709,
    limits: MediaLimits = DEFAULT_LIMITS,
) -> VideoFrame:
    """The picture in a file (of a video its first frame), upright, `width` x `height` (even), in the matrix of `color`.

    Raises MediaError or LimitExceeded as probe() does.
    """
    with open_media(path, limits) as container:
        stream = video_stream(container, limits)
        stream.thread_type = "NONE"
        frame = first_frame(container, stream)
        return scaled_picture(stream, frame, Geometry(width=width, height=height, fit=fit, matrix=color.matrix))


def scaled_picture(stream: VideoStream, frame: av.VideoFrame, geometry: Geometry) -> VideoFrame:
    """One decoded frame as a picture of the wished geometry."""
    for scaled in Scaler(picture_of(stream, frame), geometry).convert([frame]):
        return from_av(scaled)
    raise MediaError("the picture cannot be scaled")
