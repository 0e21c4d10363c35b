# SPDX-License-Identifier: Apache-2.0
"""The sample video: what the first answer of a fresh machine is made of."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import av
import numpy as np
from tests.engines.making import Clip, extend, read_clip, steps, timed

from longtake.media.probe import probe
from longtake.media.thumbs import sprite, thumbnail
from longtake.tasks.sample import sample_facts


def test_sample_is_an_ordinary_file_of_the_promised_kind() -> None:
    with as_file(files("longtake.catalog").joinpath("sample.mp4")) as path:
        data = path.read_bytes()
        assert len(data) <= 1_300_000
        assert data.index(b"moov") < data.index(b"mdat"), "faststart"
        with av.open(str(path)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            assert container.metadata["title"] == "longtake sample"
            assert (picture.width, picture.height, picture.average_rate, picture.frames) == (1920, 1080, 24, 192)
            assert (picture.codec_context.name, picture.codec_context.pix_fmt) == ("h264", "yuv420p")
            assert (sound.codec_context.name, sound.layout.name, sound.rate) == ("aac", "stereo", 48_000)
            packets = [packet for packet in container.demux(picture) if packet.pts is not None]
            assert sum(packet.is_keyframe for packet in packets) <= 2, "so that a cut at keyframes would copy nothing"
            assert any(packet.pts != packet.dts for packet in packets), "B-frames"


def test_what_ships_beside_the_sample_is_what_a_probe_makes_of_it(tmp_path: Path) -> None:
    """If this fails after a change of the probe: `python scripts/describe_sample.py`."""
    folder = files("longtake.catalog")
    with as_file(folder.joinpath("sample.mp4")) as path:
        assert sample_facts() == probe(path)
        thumbnail(path, tmp_path / "thumbnail.jpg")
        sprite(path, tmp_path / "sprite.jpg")
    for name in ("thumbnail", "sprite"):
        with as_file(folder.joinpath(f"sample-{name}.jpg")) as path:
            shipped, made = picture(path), picture(tmp_path / f"{name}.jpg")
        assert shipped.shape == made.shape
        assert np.abs(shipped.astype(int) - made).mean() < 2, "the same picture, whatever the encoder's version"


def picture(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="gray")


def test_sample_extends_well_from_its_third_second() -> None:
    with as_file(files("longtake.catalog").joinpath("sample.mp4")) as path:
        head: Clip = read_clip(path, width=480, first=0, count=72)
    made = extend(timed(head.frames, head.fps), frames=144, fps=head.fps)
    assert made.picks == ["live"]
    usual = float(np.median(steps(head.frames)))
    new = steps([head.frames[-1], *made.frames])
    assert 0.5 * usual < new[0] <= 1.2 * usual
    assert new.max() <= 1.3 * usual
    assert new[48:].mean() > 0.7 * usual
