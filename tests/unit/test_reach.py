# SPDX-License-Identifier: Apache-2.0
"""Which providers can be handed links to our files, and what those who cannot are given instead."""

from __future__ import annotations

import pytest

from longtake.providers.base import Abilities, InputKind
from longtake.routing.reach import why_no_links, within_reach
from longtake.routing.ways import way_of
from longtake.types import Mode, Operation


@pytest.mark.parametrize(
    ("public_url", "base_url", "why"),
    [
        ("", "https://api.x.ai", "not set"),
        ("https://video.example.com", "https://api.x.ai", ""),
        ("https://video.example.com", "http://10.0.0.9:8188", ""),
        ("http://video.example.com", "https://api.x.ai", "not https"),
        ("http://video.example.com", "http://relay.example.com", ""),
        ("http://127.0.0.1:8420", "https://api.x.ai", "loopback"),
        ("http://localhost:8420", "https://api.x.ai", "loopback"),
        ("http://localhost:8420", "http://10.0.0.9:8188", "loopback"),
        ("http://127.0.0.1:8420", "http://localhost:9000", ""),
        ("http://[::1]:8420", "http://127.0.0.1:9000", ""),
        ("https://10.0.0.5", "https://api.x.ai", "private"),
        ("http://10.0.0.5:8420", "http://10.0.0.9:8188", ""),
        ("http://longtake:8420", "http://comfyui:8188", ""),
        ("https://longtake.internal", "https://api.x.ai", "private"),
    ],
)
def test_who_can_fetch_from_here(public_url: str, base_url: str, why: str) -> None:
    told = why_no_links(public_url, base_url)
    assert bool(told) == bool(why)
    assert why in told


def test_without_links_the_next_way_is_taken() -> None:
    able = Abilities(
        operations=frozenset({Operation.CREATE, Operation.EXTEND}),
        source_by=(InputKind.URL, InputKind.INLINE),
        pictures=frozenset({"first_frame"}),
        pictures_by=(InputKind.URL,),
    )
    assert within_reach(able, "") == (able, "")
    rest, note = within_reach(able, "LONGTAKE_PUBLIC_URL is not set")
    assert (rest.source_by, rest.pictures, rest.pictures_by) == ((InputKind.INLINE,), frozenset(), ())
    assert "LONGTAKE_PUBLIC_URL is not set" in note
    assert "inline" in note
    by_links_alone = Abilities(operations=able.operations, source_by=(InputKind.URL,), pictures=able.pictures)
    bridged, note = within_reach(by_links_alone, "LONGTAKE_PUBLIC_URL is not set")
    way = way_of(bridged, Operation.EXTEND, start_us=1, source_us=2)
    assert way is not None
    assert way.mode is Mode.BRIDGED
    assert "no video" in note


def test_a_file_that_a_maker_does_not_take_is_made_another() -> None:
    able = Abilities(operations=frozenset({Operation.EXTEND}), source_by=(InputKind.INLINE,))
    as_it_is = way_of(able, Operation.EXTEND, start_us=2_000_000, source_us=2_000_000)
    another = way_of(able, Operation.EXTEND, start_us=2_000_000, source_us=2_000_000, fits=False)
    assert as_it_is is not None
    assert another is not None
    assert (as_it_is.trims, as_it_is.mode) == (False, Mode.NATIVE)
    assert (another.trims, another.mode) == (True, Mode.NATIVE)
