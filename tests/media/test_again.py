# SPDX-License-Identifier: Apache-2.0
"""Results that are extended again and again: each time all that is there is kept as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.media.conftest import Result, Studio, decode


def test_every_generation_keeps_what_the_one_before_showed(
    studio: Studio, extended: Callable[..., Result], tmp_path: Path
) -> None:
    source = studio.clip(frames=48, audio=("aac", 48000, "stereo"))
    first = decode(source).hashes
    for generation in range(1, 4):
        before = decode(source).hashes
        result = extended(source, 99, 0.5)
        made = decode(result.path)
        head = result.assembled.head
        assert head is not None
        assert head.frames == len(before)
        assert head.copied >= head.frames - 3, "the head was encoded anew"
        assert made.hashes[: head.copied] == before[: head.copied]
        assert made.messages == []
        source = result.path.rename(tmp_path / f"generation-{generation}.mp4")
    assert decode(source).hashes[:45] == first[:45]
    # A cut inside an older part leaves sets behind that no frame uses any more.
    result = extended(source, 2.1, 0.5)
    head = result.assembled.head
    assert head is not None
    assert head.copied >= head.frames - 3
    assert decode(result.path).hashes[: head.copied] == decode(source).hashes[: head.copied]
    assert decode(result.path).messages == []
