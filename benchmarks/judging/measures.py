# SPDX-License-Identifier: Apache-2.0
"""What is measured of a continuation. The first six follow the project's prototype, so that its table compares.

All but flow are measured in RGB at the cut's size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from judging.cuts import Cut
from longtake.media.frames import VideoFrame

HORIZONS_S = (0.25, 0.5, 1.0, 2.0)
_MOVING = 0.1
"""Levels; pictures that differ by less are one picture shown twice."""
_SHOWN_BEFORE = 0.3
"""Of the clip's median step: nearer than that, two pictures are one."""

Picture = NDArray[np.uint8]
_Measure = Callable[[Picture, Picture], float]


@dataclass(frozen=True, slots=True)
class Scores:
    """One continuation of one cut."""

    psnr: dict[float, float]
    """Against the true future in dB, mean of the picture at the horizon and the one before it."""
    ssim: dict[float, float]
    seam: float
    """First new step / median step of the clip's last 2 s: 1 natural, 0 frozen, above 2 a visible jump."""
    largest_jump: float
    """Largest step / largest step of the clip."""
    motion: float
    """Mean step in the last 2 s of 4 new ones / the clip's own mean step."""
    sharpness: float
    """Standard deviation of the Laplacian at 0.2 to 1 s / the clip's."""
    seam_two_sided: float
    """How much the first new step differs from the usual one of either side, before and after, the worse: >= 1."""
    flow: tuple[float, ...]
    """Mean length of the optical flow in each half second of 4 s / the clip's own."""
    residual: float
    """What motion does not explain, a step / the clip's own: tearing, ghosts and flicker, 1 = as the clip."""
    still: float
    """Share of new pictures that repeat the one before."""
    shown_before: float
    """Share of new pictures that are some earlier picture again, the clip's own included."""


def judge(cut: Cut, made: Sequence[VideoFrame]) -> Scores:
    """Measure 4 s of new pictures."""
    fps = float(cut.fps)
    past, future, new = ([rgb(frame) for frame in frames] for frames in (cut.past, cut.future, made))
    known = min(len(past) - 1, int(2 * fps))
    own = np.array([_step(a, b) for a, b in itertools.pairwise(past[-known - 1 :])])
    usual = float(np.median(own[own > _MOVING])) if (own > _MOVING).any() else _MOVING
    steps = np.array([_step(a, b) for a, b in itertools.pairwise([past[-1], *new])])
    sharp = float(np.median([_sharpness(picture) for picture in past[-10:]]))
    near = new[int(0.2 * fps) : int(1.0 * fps) : 3]
    after = steps[1 : 1 + int(0.5 * fps)]
    usual_after = float(np.median(after[after > _MOVING])) if (after > _MOVING).any() else _MOVING
    own_flow, own_left = _explained(list(cut.past[-known - 1 :]))
    flow, left = _explained([cut.past[-1], *made])
    half = 0.5 * fps
    return Scores(
        psnr=_at_horizons(new, future, fps, _psnr),
        ssim=_at_horizons(new, future, fps, _ssim),
        seam=float(steps[0]) / usual,
        largest_jump=float(steps.max() / own.max()),
        motion=float(steps[-int(2 * fps) :].mean() / own.mean()),
        sharpness=float(np.mean([_sharpness(picture) for picture in near])) / sharp,
        seam_two_sided=max(_off(float(steps[0]), usual), _off(float(steps[0]), usual_after)),
        flow=tuple(
            float(flow[round(number * half) : round((number + 1) * half)].mean() / own_flow.mean())
            for number in range(int(len(flow) / half))
        ),
        residual=float(left.mean() / own_left.mean()),
        still=float((steps <= _MOVING).mean() - (own <= _MOVING).mean()),
        shown_before=_shown_before(cut.past, made),
    )


def rgb(frame: VideoFrame) -> Picture:
    """The picture in RGB (BT.601)."""
    planes = np.concatenate([frame.y.reshape(-1), frame.u.reshape(-1), frame.v.reshape(-1)])
    return np.asarray(cv2.cvtColor(planes.reshape(-1, frame.width), cv2.COLOR_YUV2RGB_I420), np.uint8)


def _step(first: Picture, second: Picture) -> float:
    return float(cv2.absdiff(first, second).mean())


def _off(step: float, usual: float) -> float:
    """The larger ratio of two steps; at most 10."""
    return min(10.0, max(step, usual) / max(min(step, usual), 1e-3))


def _at_horizons(new: list[Picture], future: list[Picture], fps: float, measure: _Measure) -> dict[float, float]:
    found: dict[float, float] = {}
    for horizon_s in HORIZONS_S:
        place = round(horizon_s * fps) - 1
        if place < min(len(new), len(future)):
            places = [place - 1, place] if place else [place]
            found[horizon_s] = float(np.mean([measure(new[at], future[at]) for at in places]))
    return found


def _psnr(first: Picture, second: Picture) -> float:
    error = float(np.square(first.astype(np.float32) - second).mean())
    return min(60.0, 10 * math.log10(255**2 / max(1e-6, error)))


def _ssim(first: Picture, second: Picture) -> float:
    """Structural similarity (Wang et al., 2004) of the luma."""

    def mean(field: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(field, (11, 11), 1.5), np.float32)

    a, b = (np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32) for picture in (first, second))
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a * mean_a, mean(b * b) - mean_b * mean_b
    both = mean(a * b) - mean_a * mean_b
    ratio = (2 * mean_a * mean_b + 6.5) * (2 * both + 58.5)
    return float((ratio / ((mean_a**2 + mean_b**2 + 6.5) * (var_a + var_b + 58.5))).mean())


def _sharpness(picture: Picture) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())


def _explained(frames: list[VideoFrame]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each step: mean length of the flow in pixels, and the mean luma difference that the flow leaves."""
    search = cv2.DISOpticalFlow.create(1)
    height, width = frames[0].y.shape
    grid = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    lengths, lefts = list[float](), list[float]()
    for first, second in itertools.pairwise(frames):
        flow = np.asarray(search.calc(second.y, first.y, np.zeros((height, width, 2), np.float32)), np.float32)
        back = cv2.remap(
            first.y, grid + flow, np.zeros(0, np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        lengths.append(float(np.linalg.norm(flow, axis=2).mean()))
        lefts.append(float(cv2.absdiff(back, second.y).mean()))
    return np.array(lengths), np.array(lefts)


def _shown_before(past: Sequence[VideoFrame], made: Sequence[VideoFrame]) -> float:
    """The share of new pictures that resemble one before, the directly preceding one left out."""
    width = 96
    height = max(2, round(past[0].height * width / past[0].width))
    smalls = np.stack(
        [cv2.resize(frame.y, (width, height), interpolation=cv2.INTER_AREA).reshape(-1) for frame in (*past, *made)]
    ).astype(np.int16)
    first = len(past)
    limit = _SHOWN_BEFORE * float(np.median(np.abs(np.diff(smalls[:first], axis=0)).mean(axis=1)))
    found = 0
    for place in range(first, len(smalls)):
        nearest = np.abs(smalls[: place - 1] - smalls[place]).mean(axis=1).min()
        found += bool(nearest < limit)
    return found / len(made)
