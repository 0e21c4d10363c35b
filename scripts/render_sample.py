# SPDX-License-Identifier: Apache-2.0
"""Render the sample video that ships in the package: `python scripts/render_sample.py [PATH]`.

The built-in engine paints it, so nobody else has rights in it, and the same versions give the same file. Run it again
only when the scene changes: tests hold the stored file to its promises, not to these bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from longtake.engines.base import EngineRequest, Note
from longtake.engines.classic.engine import ClassicEngine
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.types import ColorTags, Operation

PROMPT = "mountains and forest at sunset"
FRAMES = 192
RATE = Fraction(24)
SOUND_RATE_HZ = 48_000
BT709 = 1
TARGET = Path(__file__).parents[1] / "src" / "longtake" / "catalog" / "sample.mp4"
# One keyframe and a B-pyramid: an ordinary file from the wild, at which a cut by keyframes would copy nothing.
# Few threads, and a fixed count of them, since the count changes x264's choices.
X264 = "keyint=300:scenecut=0:bframes=3:b-pyramid=normal:threads=2:aq-mode=3"
QUALITY = "26"


class Work:
    """An engine's surroundings: a line of progress, no cancelling."""

    def progress(self, done: float, note: str = "") -> None:
        """Print the share done."""
        print(f"\r{done:4.0%} {note}", end="", file=sys.stderr, flush=True)

    def cancelled(self) -> bool:
        """Never."""
        return False


def render() -> Iterator[VideoFrame | AudioBlock | Note]:
    """The sample's pictures and sound."""
    request = EngineRequest(
        operation=Operation.CREATE,
        prompt=PROMPT,
        width=1920,
        height=1080,
        fps=RATE,
        frames=FRAMES,
        color=ColorTags(primaries=BT709, transfer=BT709, matrix=BT709),
        audio_rate_hz=SOUND_RATE_HZ,
        seed=8,
    )
    return ClassicEngine().generate(request, Work())


def write(path: Path) -> None:
    """Encode the sample to `path`, complete or not at all."""
    part = path.with_suffix(".part")
    with av.open(part, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = "longtake sample"
        options = {"preset": "slower", "crf": QUALITY, "x264-params": X264}
        picture = container.add_stream("libx264", RATE, options=options)
        picture.width, picture.height, picture.pix_fmt = 1920, 1080, "yuv420p"
        context = picture.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = 1
        sound = container.add_stream("aac", SOUND_RATE_HZ, layout="stereo")
        sound.bit_rate = 80_000
        shown, heard = 0, 0
        for item in render():
            if isinstance(item, VideoFrame):
                planes = np.concatenate([plane.reshape(-1) for plane in (item.y, item.u, item.v)])
                frame = av.VideoFrame.from_ndarray(planes.reshape(1620, 1920), format="yuv420p")
                frame.pts, frame.time_base = shown, 1 / RATE
                shown += 1
                container.mux(picture.encode(frame))
            elif isinstance(item, AudioBlock):
                block = av.AudioFrame.from_ndarray(np.ascontiguousarray(item.samples), format="fltp", layout="stereo")
                block.sample_rate, block.pts, block.time_base = SOUND_RATE_HZ, heard, Fraction(1, SOUND_RATE_HZ)
                heard += item.samples.shape[1]
                container.mux(sound.encode(block))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    part.replace(path)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    write(target)
    print(f"\n{target}: {target.stat().st_size / 1e6:.2f} MB", file=sys.stderr)
