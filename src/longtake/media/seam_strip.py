# SPDX-License-Identifier: Apache-2.0
"""A picture of a join: the last three frames before it, the first three after it, and under each what changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from longtake.errors import MediaError
from longtake.media.frames import VideoFrame
from longtake.media.glance import rgb_of
from longtake.seam_report import Band
from longtake.types import ColorTags

_SHOWN = 3
_AMPLIFIED = 6
"""Differences are shown so many times as bright as they are."""
_GAP_PX = 4
_JOIN_PX = 10
_JPEG_QUALITY = 82
_PAPER = 24

_Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Strip:
    """Small frames around a join, oldest first. More than are shown, where there are."""

    before: Sequence[VideoFrame]
    after: Sequence[VideoFrame]
    color: ColorTags
    high: int
    """Of the frames before they were made small."""


def write_strips(strips: Sequence[Strip], path: Path) -> tuple[Band, ...]:
    """Write the pictures of joins as one JPEG, one under the other; where each is in it.

    The upper row of each has the frames, the lower one how each differs from the one before it. The join is the wider
    gap. Raises MediaError; then no file stays.
    """
    pictures = [_picture(strip) for strip in strips]
    wide, high = max(one.shape[1] for one in pictures), sum(one.shape[0] for one in pictures)
    whole, bands, top = np.full((high, wide, 3), _PAPER, np.uint8), list[Band](), 0
    for one in pictures:
        whole[top : top + one.shape[0], : one.shape[1]] = one
        bands.append(Band(top=top, width=wide, height=one.shape[0], picture_height=high))
        top += one.shape[0]
    done, encoded = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise MediaError("the picture of the join cannot be encoded; report this video")
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise MediaError(f"the picture of the join cannot be written: {error.strerror}; free disk space") from error
    return tuple(bands)


def _picture(strip: Strip) -> _Pixels:
    frames = [*strip.before, *strip.after][: len(strip.before) + _SHOWN]
    lead = min(_SHOWN, len(strip.before))
    shown = frames[len(strip.before) - lead :]
    changes: list[_Pixels] = [_difference(a, b) for a, b in pairwise(frames)][-len(shown) :]
    if len(changes) < len(shown):
        changes.insert(0, np.full((*frames[0].y.shape, 3), _PAPER, np.uint8))
    return np.concatenate([_row([_bgr(one, strip) for one in shown], lead), _row(changes, lead)], axis=0)


def _row(pictures: Sequence[_Pixels], lead: int) -> _Pixels:
    high = pictures[0].shape[0]
    parts: list[_Pixels] = []
    for number, one in enumerate(pictures):
        if number:
            parts.append(np.full((high, _JOIN_PX if number == lead else _GAP_PX, 3), _PAPER, np.uint8))
            if number == lead:
                parts[-1][:, _GAP_PX:-_GAP_PX] = 255
        parts.append(one)
    row = np.concatenate(parts, axis=1)
    return np.concatenate([row, np.full((_GAP_PX, row.shape[1], 3), _PAPER, np.uint8)], axis=0)


def _bgr(frame: VideoFrame, strip: Strip) -> _Pixels:
    size = (frame.width, frame.height)
    y = frame.y.astype(np.float32)
    u, v = (cv2.resize(plane.astype(np.float32), size) for plane in (frame.u, frame.v))
    rgb = rgb_of(y, np.asarray(u, np.float32), np.asarray(v, np.float32), strip.color, strip.high)
    return np.rint(rgb[..., ::-1] * 255).astype(np.uint8)


def _difference(before: VideoFrame, after: VideoFrame) -> _Pixels:
    """What changed: luma in grey, and colour in its own where it changed."""
    size = (after.width, after.height)
    grey = cv2.absdiff(before.y, after.y).astype(np.float32)
    blue, red = (
        cv2.resize(cv2.absdiff(one, other).astype(np.float32), size)
        for one, other in ((before.u, after.u), (before.v, after.v))
    )
    layers = np.stack([np.maximum(grey, blue), grey, np.maximum(grey, red)], axis=-1)
    return np.minimum(layers * _AMPLIFIED, 255).astype(np.uint8)
