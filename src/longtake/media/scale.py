# SPDX-License-Identifier: Apache-2.0
"""From any decoded picture to 8-bit YUV 4:2:0 of the wished size, upright, with square pixels, frame by frame.

All arithmetic stays in YUV with the source's own matrix: going through RGB with another one shifts luma by about two
levels, which is seen at the join. FFmpeg's filters do the work (libavfilter: crop, scale, unsharp, erosion, dilation,
maskedclamp, pad, gblur, overlay, bwdif); where a net enlarges, they work before and after it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import av.error
import av.filter
import msgspec

from longtake.media.contract import Target
from longtake.media.enlarge import Enlarger
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
_MATRICES: dict[int | None, str] = {5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}
"""FFmpeg's names by H.273's numbers; all others are bt709."""
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
    enlarger: Enlarger | None = None
    """What enhances where pixels grow; None = the filters do."""
    matrix: int | None = None
    """Convert to this H.273 matrix; None = leave colours as they are."""
    full_range: bool = False
    """With a matrix: convert to full range, not to the limited one."""


def kept_geometry(picture: Picture) -> Geometry:
    """The source's own displayed size, made even."""
    return Geometry(width=even_down(picture.displayed_width), height=even_down(picture.displayed_height))


def target_geometry(target: Target) -> Geometry:
    """The size that is asked for, by the way that is asked for."""
    return Geometry(
        width=target.width, height=target.height, fit=target.fit, enhance=target.enhance, enlarger=target.enlarger
    )


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


@dataclass(frozen=True, slots=True)
class _Fitting:
    """How a picture comes to the wished size."""

    factor: Fraction
    """How much larger its pixels become, upright and square."""
    aspect: Fraction
    """Of the pixels once upright."""
    width: int
    """What is kept of it, upright, in its own pixels."""
    height: int
    cropped: bool


def _fitted(picture: Picture, geometry: Geometry) -> _Fitting:
    turned = bool(picture.rotation_deg % 180)
    coded_width, coded_height = (picture.height, picture.width) if turned else (picture.width, picture.height)
    aspect = 1 / picture.sample_aspect if turned else picture.sample_aspect
    across, down = geometry.width / (coded_width * aspect), geometry.height / Fraction(coded_height)
    if geometry.fit is not Fit.COVER:
        return _Fitting(min(across, down), aspect, coded_width, coded_height, cropped=False)
    factor = max(across, down)
    width = min(coded_width, round(geometry.width / factor / aspect))
    height = min(coded_height, round(geometry.height / factor))
    return _Fitting(factor, aspect, width, height, cropped=(width, height) != (coded_width, coded_height))


def filter_chain(picture: Picture, geometry: Geometry) -> str:
    """The libavfilter description that turns a decoded frame into the wished picture."""
    chain: list[str] = []
    if picture.interlaced:
        chain.append("bwdif=mode=send_frame:deint=all")
    if (turn := (picture.rotation_deg, picture.mirrored)) in _TURNS:
        chain.append(_TURNS[turn])
    fitted = _fitted(picture, geometry)
    wide, high, factor = geometry.width, geometry.height, fitted.factor
    enhance = geometry.enhance and factor > 1
    extra = ""
    if geometry.matrix is not None or is_rgb(picture.pixel_format):
        matrix = _MATRICES.get(geometry.matrix, "bt709")
        extra = f"{_EXACT_CHROMA}:out_color_matrix={matrix}:out_range={'pc' if geometry.full_range else 'tv'}"
        if not is_rgb(picture.pixel_format):
            extra += f":in_color_matrix={input_matrix(picture)}:in_range={'pc' if picture.color.full_range else 'tv'}"
    if geometry.fit is Fit.COVER:
        if fitted.cropped:
            chain.append(f"crop={fitted.width}:{fitted.height}")
        chain.append(_scale(wide, high, enhance=enhance, extra=extra))
        return ",".join([*chain, "setsar=1", "format=yuv420p"])
    inner_width = min(wide, even(float(fitted.width * fitted.aspect * factor)))
    inner_height = min(high, even(float(fitted.height * factor)))
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
    if matrix == 1 or matrix in _MATRICES:
        return _MATRICES.get(matrix, "bt709")
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
        picture, geometry = self._picture, self._geometry
        if geometry.enlarger is not None and geometry.enhance and _fitted(picture, geometry).factor > 1:
            return _by_net(frames, picture, geometry, geometry.enlarger)
        return self._filtered(frames)

    def _filtered(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
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


_ENOUGH = 2**0.5
"""A net enlarges once more where more than this would be missing; the filters do the rest."""
_MOST_PASSES = 2


def _by_net(
    frames: Iterable[av.VideoFrame], picture: Picture, geometry: Geometry, enlarger: Enlarger
) -> Iterator[av.VideoFrame]:
    """Made upright and cut at their own size, enlarged by the net, and brought to the wished size by filters.

    From the first one on that the net cannot enlarge, filters do it all.
    """
    scale, wished = enlarger.scale(), replace(geometry, enlarger=None)
    if scale == 1:
        yield from Scaler(picture, wished).convert(frames)
        return
    fitted, passes = _fitted(picture, geometry), 1
    while passes < _MOST_PASSES and float(fitted.factor) / scale**passes > _ENOUGH:
        passes += 1
    color, matrix = output_color(picture), "bt709" if is_rgb(picture.pixel_format) else input_matrix(picture)
    if geometry.matrix is not None:
        color = msgspec.structs.replace(color, full_range=geometry.full_range)
        matrix = _MATRICES.get(geometry.matrix, "bt709")
    wide, high = even_down(fitted.width), even_down(fitted.height)
    upright = replace(
        picture, width=wide, height=high, pixel_format="yuv420p", rotation_deg=0, mirrored=False, interlaced=False,
        sample_aspect=fitted.aspect, color=color,
    )  # fmt: skip
    cut = replace(wished, width=wide, height=high, fit=Fit.COVER)
    wished = replace(wished, matrix=None)
    small = Scaler(replace(picture, sample_aspect=Fraction(1)), cut).convert(frames)
    left: list[av.VideoFrame] = []

    def grown() -> Iterator[av.VideoFrame]:
        for frame in small:
            made: av.VideoFrame | None = frame
            for _ in range(passes):
                made = None if made is None else enlarger.enlarge(made, matrix, full_range=color.full_range)
            if made is None:
                left.append(frame)
                return
            yield made

    large = replace(upright, width=wide * scale**passes, height=high * scale**passes)
    yield from Scaler(large, wished).convert(grown())
    if left:
        yield from Scaler(upright, wished).convert(itertools.chain(left, small))


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
