# SPDX-License-Identifier: Apache-2.0
"""Moves laid over pictures: camera, light, weather, fades, each picture once and in order."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from longtake.engines.classic.steering.lens import Lens
from longtake.engines.classic.steering.light import Light
from longtake.engines.classic.steering.path import camera_path
from longtake.engines.classic.steering.schedule import Script
from longtake.media.frames import VideoFrame


def lay_over(
    pictures: Iterator[VideoFrame],
    script: Script,
    *,
    frames: int,
    fps: Fraction,
    seed: int = 0,
    full_range: bool = False,
) -> Iterator[VideoFrame]:
    """The pictures, steered. They may be without end; at least the first `frames` are what the script is for."""
    first = next(pictures)
    size = (first.width, first.height)
    lens = Lens(*size)
    poses = camera_path(script, frames, fps, size[0] / size[1], seed)
    light = Light(script, frames, fps, full_range=full_range)
    number = 0
    picture: VideoFrame | None = first
    while picture is not None:
        if poses is not None:
            picture = lens.look(picture, poses[min(number, frames - 1)])
        if light.changes:
            picture = light.shine(picture, number)
        yield picture
        number += 1
        picture = next(pictures, None)
