# SPDX-License-Identifier: Apache-2.0
"""A composition painted: its layers from back to front, its small lights, the camera that moves before it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from longtake.engines.classic.scenes.base import painting_size
from longtake.engines.classic.scenes.camerawork import CameraWork
from longtake.engines.classic.scenes.composition import Composition
from longtake.engines.classic.scenes.finish import Finisher
from longtake.engines.classic.scenes.moment import Moment
from longtake.engines.classic.scenes.staging import Stage, stage
from longtake.media.frames import VideoFrame
from longtake.types import ColorTags


class Painting:
    """Paints the pictures of one composition. Equal size, words and seed give equal pictures."""

    def __init__(self, composition: Composition, width: int, height: int, color: ColorTags, seed: int) -> None:
        random = np.random.default_rng([seed, 0x5CE])
        canvas_width, canvas_height = painting_size(width, height, CANVAS_PIXELS)
        self._stage: Stage = stage(composition, (canvas_width, canvas_height), random)
        self._canvas = np.zeros((canvas_height, canvas_width, 3), np.float32)
        self._finisher = Finisher(width, height, color, seed, self._stage.grade)

    @property
    def deep(self) -> bool:
        """Whether things stand at several depths, so that a camera can move between them."""
        return self._stage.deep

    def picture(self, number: int, fps: Fraction, work: CameraWork | None = None) -> VideoFrame:
        """The picture of that number, from 0; the camera follows `work`, or drifts slowly if that leaves it free."""
        time_s = float(number / fps)
        if work is not None and work.trucks is not None:
            step = min(number, len(work.trucks) - 1)
            truck, push = work.trucks[step], work.pushes[step]
        else:
            # The camera is already moving when the first picture is taken, and never turns.
            truck, push = self._stage.truck * time_s, self._stage.push * math.log1p(time_s / 20) * 20
        moment = Moment(time_s=time_s, truck=truck, push=push, pivot=self._stage.pivot)
        for layer in self._stage.layers:
            layer.paint(self._canvas, moment)
        return self._finisher.finish(self._canvas, self._stage.details, moment)


CANVAS_PIXELS = 1024 * 576
"""Larger pictures are painted at this size and enlarged; what must be sharp is added at full size."""
