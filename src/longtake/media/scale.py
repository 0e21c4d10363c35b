# SPDX-License-Identifier: Apache-2.0
"""From any decoded picture to 8-bit YUV 4:2:0 of the wished size, upright, with square pixels, frame by frame.

All arithmetic stays in YUV with the source's own matrix: going through RGB with another one shifts luma by about two
levels, which is seen at the join. FFmpeg's filters do the work (libavfilter: crop, scale, unsharp, erosion, dilation,
maskedclamp, pad, gblur, overlay, bwdif).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import av.error
import av.filter

from longtake.media.open import explained
from longtake.media.planes import PLANAR_420
from longtake.media.source import Picture
from longtake.types import ColorTags, Fit

BT709 = ColorTags(primaries=1, transfer=1, matrix=1)
"""The tags of pictures that were RGB and became YUV here."""
_SHARPEN = "unsharp=luma_msize_x=3:luma_msize_y=3:luma_amount=0.45:chroma_amount=0"
_EXACT_CHROMA = "+full_chroma_int+full_chroma_inp"
"""Flags of swscale. Without them a change of matrix darkens luma by 0.8 levels and shifts chroma by 0.6; with: 0.1."""
_LUMA_ONLY = "threshold1=65535:threshold2=0:threshold3=0"
_TURNS = {
    (90, False): "transpose=clock",
    (180, False): "hflip,vflip",
    (270, False): "transpose=cclock",
    (0, True): "vflip,copy",
    (90, True): "transpose=cclock_flip",
    (180, True): "hflip",
    (270, True): "transpose=clock_flip",
}
"""By turn in degrees and mirroring. What vflip gives alone has its rows in memory from the last to the first."""


def even(size: float) -> int:
    """The nearest even number of pixels, 2 at least."""
    return max(2, round(size / 2) * 2)


def even_down(size: int) -> int:
    """The size without its odd pixel, 2 at least."""
    return max(2, size // 2 * 2)


def is_rgb(pixel_format: str) -> bool:
    """Whether a pixel format holds red, green and blue (or a palette of them)."""
    return av.VideoFormat(pixel_format).is_rgb or pixel_format.startswith(("pal8", "gbr", "mono"))


def output_color(picture: Picture) -> ColorTags:
    """The tags that belong to the scaler's pictures: the source's, or BT.709 if it was RGB."""
    return BT709 if is_rgb(picture.pixel_format) else picture.color


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The wished picture."""

    width: int
    height: int
    fit: Fit = Fit.COVER
    enhance: bool = False
    matrix: int | None = None
    """Convert to this H.273 matrix; None = leave colours as they are."""
    full_range: bool = False
    """With a matrix: convert to full range, not to the limited one."""


def kept_geometry(picture: Picture) -> Geometry:
    """The source's own displayed size, made even."""
    return Geometry(width=even_down(picture.displayed_width), height=even_down(picture.displayed_height))


def is_untouched(picture: Picture, geometry: Geometry) -> bool:
    """Whether decoded frames are already what is wished."""
    return (
        picture.pixel_format in PLANAR_420
        and (picture.width, picture.height) == (geometry.width, geometry.height)
        and picture.rotation_deg == 0
        and not picture.mirrored
        and picture.sample_aspect == 1
        and not picture.interlaced
        and geometry.matrix is None
    )


def _scale(width: int, height: int, *, enhance: bool, extra: str = "") -> str:
    """The filters that scale; `enhance` adds detail without rings.

    Enhanced, luma is sharpened at its own size, enlarged by Lanczos, and kept within what the 3x3 pixels around each
    place hold: the halos that sharpening and Lanczos leave around edges are cut off. benchmarks/upscale.py has the
    measurements beside other ways.
    """
    if not enhance:
        return f"scale={width}:{height}:flags=bicubic+accurate_rnd{extra}"
    size = f"scale={width}:{height}:flags="
    even_format = f"scale=flags=bicubic+accurate_rnd{extra},format=yuv420p," if extra else "format=yuv420p,"
    return (
        f"{even_format}split=3[soft][least][most];"
        f"[soft]{_SHARPEN},{size}lanczos+accurate_rnd[sharp];"
        f"[least]erosion={_LUMA_ONLY},{size}bilinear[low];"
        f"[most]dilation={_LUMA_ONLY},{size}bilinear[high];"
        "[sharp][low][high]maskedclamp=undershoot=0:overshoot=0:planes=1"
    )


def filter_chain(picture: Picture, geometry: Geometry) -> str:
    """The libavfilter description that turns a decoded frame into the wished picture."""
    chain: list[str] = []
    if picture.interlaced:
        chain.append("bwdif=mode=send_frame:deint=all")
    if (turn := (picture.rotation_deg, picture.mirrored)) in _TURNS:
        chain.append(_TURNS[turn])
    turned = bool(picture.rotation_deg % 180)
    coded_width, coded_height = (picture.height, picture.width) if turned else (picture.width, picture.height)
    aspect = 1 / picture.sample_aspect if turned else picture.sample_aspect
    wide, high = geometry.width, geometry.height
    square_width, square_height = coded_width * aspect, Fraction(coded_height)
    across, down = wide / square_width, high / square_height
    factor = min(across, down) if geometry.fit is not Fit.COVER else max(across, down)
    enhance = geometry.enhance and factor > 1
    extra = ""
    if geometry.matrix is not None or is_rgb(picture.pixel_format):
        matrix = "bt601" if geometry.matrix in {5, 6} else "bt2020" if geometry.matrix in {9, 10} else "bt709"
        extra = f"{_EXACT_CHROMA}:out_color_matrix={matrix}:out_range={'pc' if geometry.full_range else 'tv'}"
        if not is_rgb(picture.pixel_format):
            extra += f":in_color_matrix={input_matrix(picture)}:in_range={'pc' if picture.color.full_range else 'tv'}"
    if geometry.fit is Fit.COVER:
        crop_width = min(coded_width, round(wide / factor / aspect))
        crop_height = min(coded_height, round(high / factor))
        if (crop_width, crop_height) != (coded_width, coded_height):
            chain.append(f"crop={crop_width}:{crop_height}")
        chain.append(_scale(wide, high, enhance=enhance, extra=extra))
        return ",".join([*chain, "setsar=1", "format=yuv420p"])
    inner_width = min(wide, even(float(square_width * factor)))
    inner_height = min(high, even(float(square_height * factor)))
    inner = _scale(inner_width, inner_height, enhance=enhance, extra=extra) + ",setsar=1,format=yuv420p"
    left, top = even_down(wide - inner_width) // 2 // 2 * 2, even_down(high - inner_height) // 2 // 2 * 2
    left, top = (left if wide > inner_width else 0), (top if high > inner_height else 0)
    if (inner_width, inner_height) == (wide, high):
        return ",".join([*chain, inner])
    if geometry.fit is Fit.CONTAIN:
        return ",".join([*chain, inner, f"pad={wide}:{high}:{left}:{top}:black"])
    small = (even(wide / 8), even(high / 8))
    ground = (
        f"scale={small[0]}:{small[1]}:force_original_aspect_ratio=increase:flags=area{extra},crop={small[0]}:{small[1]},"
        f"gblur=sigma=4,format=yuv420p,scale={wide}:{high}:flags=bilinear,setsar=1"
    )
    lead = ",".join([*chain, "split[a][b]"])
    return (
        f"{lead};[a]{ground}[ground];[b]{inner}[front];[ground][front]overlay={left}:{top}:format=yuv420,format=yuv420p"
    )


def input_matrix(picture: Picture) -> str:
    """The matrix a picture is in; untagged pictures are taken as players do, by their size."""
    matrix = picture.color.matrix
    if matrix in {5, 6}:
        return "bt601"
    if matrix in {9, 10}:
        return "bt2020"
    if matrix == 1:
        return "bt709"
    return "bt709" if picture.height >= 720 else "bt601"  # noqa: PLR2004 - the border of HD


class Scaler:
    """Turns decoded frames into wished ones, one by one and in order; keeps at most a frame or two."""

    def __init__(self, picture: Picture, geometry: Geometry) -> None:
        self._picture = picture
        self._geometry = geometry
        self._shape: tuple[int, int, str] | None = None
        self._graph: av.filter.Graph | None = None
        self._times: deque[tuple[int | None, Fraction | None]] = deque()
        self._count = 0
        self.untouched = is_untouched(picture, geometry)

    def convert(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield one wished frame for each decoded one, with its time. Raises MediaError if FFmpeg cannot."""
        for frame in frames:
            shape = (frame.width, frame.height, frame.format.name)
            own = (self._picture.width, self._picture.height, self._picture.pixel_format)
            if self.untouched and shape == own:
                yield frame
                continue
            with explained("the picture cannot be scaled"):
                if shape != self._shape:
                    yield from self._flush()
                    self._open(shape)
                self._times.append((frame.pts, frame.time_base))
                self._count += 1
                frame.pts = self._count
                self._push(frame)
                yield from self._pull()
        with explained("the picture cannot be scaled"):
            yield from self._flush()

    def _open(self, shape: tuple[int, int, str]) -> None:
        """Build the filter graph for frames of this shape."""
        width, height, pixel_format = shape
        picture = replace(self._picture, width=width, height=height, pixel_format=pixel_format)
        graph = av.filter.Graph()
        source = graph.add(
            "buffer",
            video_size=f"{width}x{height}",
            pix_fmt=pixel_format,
            time_base="1/1000",
            pixel_aspect="1/1",
            range="pc" if picture.color.full_range else "tv" if not is_rgb(pixel_format) else "pc",
        )
        link_chain(graph, source, filter_chain(picture, self._geometry))
        graph.configure()
        self._graph, self._shape = graph, shape

    def _push(self, frame: av.VideoFrame | None) -> None:
        if self._graph is not None:
            self._graph.vpush(frame)

    def _pull(self) -> Iterator[av.VideoFrame]:
        """The frames that are ready, each with the time it came with."""
        while self._graph is not None and self._times:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            frame.pts, frame.time_base = self._times.popleft()
            yield frame

    def _flush(self) -> Iterator[av.VideoFrame]:
        """The frames that the graph still holds; the graph is used up."""
        if self._graph is not None:
            self._push(None)
            yield from self._pull()
        self._graph, self._shape = None, None
        self._times.clear()


def link_chain(graph: av.filter.Graph, source: av.filter.context.FilterContext, description: str) -> None:
    """Add a chain in libavfilter's notation, with named pads, between the source and a sink."""
    open_pads: dict[str, tuple[av.filter.context.FilterContext, int]] = {}
    node = source
    for part in description.split(";"):
        node, pad = source, 0
        steps = part.split(",")
        if steps[0].startswith("["):
            first = steps[0]
            names: list[str] = []
            while first.startswith("["):
                name, first = first[1:].split("]", 1)
                names.append(name)
            steps[0] = first
            node, pad = open_pads.pop(names[0])
            others = [open_pads.pop(name) for name in names[1:]]
        else:
            others = []
        for step in steps:
            body, *labels = step.split("[")
            name, _, arguments = body.partition("=")
            following = graph.add(name, arguments or None)
            node.link_to(following, pad, 0)
            for number, (other, other_pad) in enumerate(others, 1):
                other.link_to(following, other_pad, number)
            node, pad, others = following, 0, []
            for number, label in enumerate(labels):
                open_pads[label.rstrip("]")] = (node, number)
    sink = graph.add("buffersink")
    node.link_to(sink, 0, 0)
