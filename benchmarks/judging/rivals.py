# SPDX-License-Identifier: Apache-2.0
"""Ways to go on after a cut: the engine, and what anybody could do without one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import cast

import av
import av.error
import av.filter
import numpy as np

from judging.cuts import Cut
from longtake.engines.base import EngineRequest, Note
from longtake.engines.classic.engine import ClassicEngine
from longtake.media.frames import VideoFrame
from longtake.media.planes import from_av, to_av
from longtake.types import Operation

Way = Callable[[Cut, int], list[VideoFrame]]
"""(cut, count of new pictures) -> the pictures."""

_BRIDGE = 8
"""Pictures that minterpolate puts between the last and the first one, as in the prototype."""


class Quiet:
    """An engine's surroundings that want to hear nothing."""

    def progress(self, done: float, note: str = "") -> None:
        """Drop it."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def freeze(cut: Cut, count: int) -> list[VideoFrame]:
    """The last picture, held."""
    return [cut.past[-1]] * count


def loop(cut: Cut, count: int) -> list[VideoFrame]:
    """The past again from its start."""
    return list(itertools.islice(itertools.cycle(cut.past), count))


def ping_pong(cut: Cut, count: int) -> list[VideoFrame]:
    """The past backwards, then forwards."""
    return list(itertools.islice(itertools.cycle([*cut.past[-2::-1], *cut.past[1:]]), count))


def minterpolate(cut: Cut, count: int) -> list[VideoFrame]:
    """The loop with its joint filled by FFmpeg's motion-compensated interpolation."""
    seam = [cut.past[-2], cut.past[-1], cut.past[0], cut.past[1]]
    made = _interpolated(seam, _BRIDGE + 1)
    nearest = min(range(len(made)), key=lambda place: float(np.abs(made[place].y.astype(np.int16) - seam[1].y).mean()))
    bridge = made[nearest + 1 : nearest + 1 + _BRIDGE]
    return [*bridge, *loop(cut, count)][:count]


def _interpolated(frames: Sequence[VideoFrame], rate: int) -> list[VideoFrame]:
    """The pictures, taken as one a second, at `rate` a second."""
    height, width = frames[0].y.shape
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat("yuv420p"), time_base=Fraction(1))
    options = f"fps={rate}:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=none"
    worker, sink = graph.add("minterpolate", options), graph.add("buffersink")
    source.link_to(worker)
    worker.link_to(sink)
    graph.configure()
    made: list[VideoFrame] = []

    def drain() -> None:
        while True:
            try:
                made.append(from_av(graph.vpull()))
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    for number, frame in enumerate(frames):
        picture = to_av(frame, width, height)
        picture.pts, picture.time_base = number, Fraction(1)
        graph.vpush(picture)
        drain()
    graph.vpush(cast("av.VideoFrame", None))  # the end, which the type stub does not know
    drain()
    return made


def longtake(cut: Cut, count: int) -> tuple[list[VideoFrame], list[Note]]:
    """The built-in engine, and what it says."""
    last = cut.past[-1]
    request = EngineRequest(
        operation=Operation.EXTEND, prompt="", width=last.width, height=last.height, fps=cut.fps, frames=count,
        context=cut.context, want_audio=False,
    )  # fmt: skip
    made, notes = list[VideoFrame](), list[Note]()
    for item in ClassicEngine().generate(request, Quiet()):
        if isinstance(item, VideoFrame):
            made.append(item)
        elif isinstance(item, Note):
            notes.append(item)
    return made, notes


RIVALS: dict[str, Way] = {"freeze": freeze, "loop": loop, "ping-pong": ping_pong, "minterpolate": minterpolate}
