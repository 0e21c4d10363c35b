# SPDX-License-Identifier: Apache-2.0
"""Clips as remote makers return them: the source's own film going on, in every shape that makers give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.filter
import numpy as np
from av.video.stream import VideoStream
from tests.media.conftest import tune

SIZE = (320, 180)
FPS = 24
HEAD_S = 2
HEAD = HEAD_S * FPS
NEW = FPS

Film = list[np.ndarray]
Change = Callable[[np.ndarray], np.ndarray]


def shoot(source: Path, count: int, skip: int = 0, size: tuple[int, int] = SIZE) -> Film:
    """Real frames as I420."""
    film: Film = []
    with av.open(str(source)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= skip:
                film.append(frame.reformat(*size, "yuv420p").to_ndarray())
            if len(film) == count:
                break
    return film


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a file is made of a film."""

    fps: Fraction = Fraction(FPS)
    size: tuple[int, int] = SIZE
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    matrix: tuple[int, int] | None = None
    """The H.273 matrix that the film is in, and the one of the file."""
    full_range: bool = False
    rate_hz: int = 0
    layout: str = "stereo"
    change: Change | None = None
    aspect: Fraction | None = None
    rotation: int = 0
    """Clockwise quarter turns by which the film is turned in the file, and back by its header."""
    crf: int = 18


def write(
    path: Path, film: Sequence[np.ndarray], shape: Shape, *, sound_from_s: float = 0.0, mixed: Change | None = None
) -> Path:
    """Encode the film; `sound_from_s` is where in tests' tune its sound begins, `mixed` what is done to that."""
    with av.open(str(path), "w") as out:
        options = {"crf": str(shape.crf), "preset": "veryfast"} if shape.codec == "libx264" else {}
        video = cast("VideoStream", out.add_stream(shape.codec, rate=shape.fps, options=options))
        turned = shape.rotation % 2
        video.width, video.height = (shape.size[1], shape.size[0]) if turned else shape.size
        video.pix_fmt = shape.pix_fmt
        context = video.codec_context
        if shape.matrix:
            context.color_primaries = context.color_trc = context.colorspace = shape.matrix[1]
        if shape.full_range:
            context.color_range = 2
        if shape.aspect:
            context.sample_aspect_ratio = shape.aspect
        track = None
        if shape.rate_hz:
            # The encoder's usual search for what can be left out takes longer than the pictures.
            track = out.add_stream("aac", rate=shape.rate_hz, layout=shape.layout, options={"aac_coder": "fast"})
        for number, picture in enumerate(film):
            changed = shape.change(picture) if shape.change else picture
            frame = _formed(changed, shape)
            frame.pts, frame.time_base = number, 1 / shape.fps
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if track is not None:
            sound = tune(
                shape.rate_hz, float(len(film) / shape.fps), 2 if shape.layout == "stereo" else 1, start=sound_from_s
            )
            sound = mixed(sound) if mixed else sound
            for at in range(0, sound.shape[1], 1024):
                block = np.ascontiguousarray(sound[:, at : at + 1024])
                piece = av.AudioFrame.from_ndarray(block, format="fltp", layout=shape.layout)
                piece.sample_rate, piece.pts, piece.time_base = shape.rate_hz, at, Fraction(1, shape.rate_hz)
                out.mux(track.encode(piece))
            out.mux(track.encode(None))
    if shape.rotation:
        turn(path, shape.rotation)
    return path


def _formed(picture: np.ndarray, shape: Shape) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    extra: dict[str, Any] = {}
    if shape.matrix:
        extra |= {"src_colorspace": shape.matrix[0], "dst_colorspace": shape.matrix[1]}
    if shape.full_range:
        extra |= {"src_color_range": 1, "dst_color_range": 2}
    frame = frame.reformat(*shape.size, shape.pix_fmt, interpolation="BICUBIC", **extra)
    if shape.rotation:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 24)
        )
        # What is to be turned clockwise by its header stands turned the other way in the file.
        turn = graph.add("transpose", {1: "cclock", 3: "clock"}[shape.rotation])
        sink = graph.add("buffersink")
        source.link_to(turn)
        turn.link_to(sink)
        graph.configure()
        frame.pts = 0
        graph.vpush(frame)
        frame = graph.vpull()
    return frame


def turn(path: Path, quarters: int) -> None:
    """Write the display matrix of a clockwise turn into the track's header (ISO/IEC 14496-12 8.3.2)."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    a, b, c, d = {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}[quarters]
    for place, value in zip((0, 1, 3, 4), (a, b, c, d), strict=True):
        content[at + 4 * place : at + 4 * place + 4] = (value << 16 & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)


def at_rate(film: Film, fps: Fraction) -> Film:
    """The film at another rate, each frame the one that is shown in the middle of its time."""
    count = round(len(film) * fps / FPS)
    return [film[min(len(film) - 1, int((number + Fraction(1, 2)) * FPS / fps))] for number in range(count)]


def cast_of(gains: tuple[float, float, float], shifts: tuple[float, float, float]) -> Change:
    """Other colours."""

    def change(picture: np.ndarray) -> np.ndarray:
        high = picture.shape[0] * 2 // 3
        y, chroma = picture[:high].astype(float), picture[high:].astype(float)
        half = chroma.shape[0] // 2
        u, v = chroma[:half], chroma[half:]
        planes = [
            (plane - middle) * gain + middle + shift
            for plane, gain, shift, middle in zip((y, u, v), gains, shifts, (110, 128, 128), strict=True)
        ]
        return np.clip(np.rint(np.concatenate(planes)), 0, 255).astype(np.uint8)

    return change
