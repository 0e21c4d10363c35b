# SPDX-License-Identifier: Apache-2.0
"""An engine for real children in tests: keeps its port's promises or breaks one, as the prompt says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from longtake.engines.base import EngineJob, EngineRequest, Note
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.types import Capability, Operation


def picture(width: int, height: int, level: int) -> VideoFrame:
    return VideoFrame(
        y=np.full((height, width), level, np.uint8),
        u=np.full((height // 2, width // 2), 128, np.uint8),
        v=np.full((height // 2, width // 2), 128, np.uint8),
    )


class ToyEngine:
    name = "toy"

    def capability(self) -> Capability:
        return Capability(operations=frozenset(Operation), default_new_us=1_000_000, max_new_us=30_000_000)

    def generate(self, request: EngineRequest, job: EngineJob) -> Iterator[VideoFrame | AudioBlock | Note]:
        roles = [role for role, _ in request.images]
        seen = f"{len(request.context) > 0} {roles} {request.end_frame is not None} {request.context_audio is not None}"
        yield Note(pick="toy", pick_error=0.25, warning=f"the toy engine saw {seen}")
        match request.prompt:
            case "raise":
                raise RuntimeError("a fault of the toy engine")
            case "small":
                yield picture(16, 16, 90)
            case "many":
                yield from (picture(request.width, request.height, 90) for _ in range(request.frames + 1))
            case "few":
                yield picture(request.width, request.height, 90)
                return
            case "darker" | "bluer":
                last = request.context[-1].frame
                y, u = (last.y - np.uint8(5), last.u) if request.prompt == "darker" else (last.y, last.u + np.uint8(2))
                yield from (VideoFrame(y.copy(), u.copy(), last.v.copy()) for _ in range(request.frames))
                return
            case _:
                pass
        for number in range(request.frames):
            if job.cancelled():
                return
            if request.prompt == "slow":
                time.sleep(0.05)
            yield picture(request.width, request.height, 60 + number % 100)
            job.progress((number + 1) / request.frames)
        if request.want_audio:
            count = round(request.frames / request.fps * request.audio_rate_hz)
            yield AudioBlock(samples=np.zeros((request.audio_channels, count), np.float32))
