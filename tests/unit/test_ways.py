# SPDX-License-Identifier: Apache-2.0
"""How each kind of model is made to extend from any second."""

from __future__ import annotations

import msgspec
import pytest

from longtake.providers.base import Abilities, InputKind, InputLimits
from longtake.routing.reach import within_reach
from longtake.routing.ways import Native, Way, way_at_best, way_of
from longtake.types import Mode, Operation

IDS = {"id": "theirs"}
WHOLE_US = 8_000_000
BOTH = frozenset({Operation.CREATE, Operation.EXTEND})
RELAY = Abilities(operations=BOTH, source_by=(InputKind.ID,), any_start=True)
BY_FILE = Abilities(operations=BOTH, source_by=(InputKind.ID, InputKind.UPLOAD))
LONGTAKE = Abilities(operations=BOTH, source_by=(InputKind.ID, InputKind.UPLOAD), any_start=True)
FROM_PICTURE = Abilities(operations=frozenset({Operation.CREATE}), pictures=frozenset({"first_frame"}))
RELAY_WITH_PICTURES = Abilities(
    operations=BOTH, source_by=(InputKind.ID,), any_start=True, pictures=frozenset({"first_frame"})
)
TEXT_ONLY = Abilities()


@pytest.mark.parametrize(
    ("abilities", "start_us", "native", "wanted"),
    [
        (RELAY, 3_000_000, IDS, Way(mode=Mode.NATIVE, kind=InputKind.ID, start_us=3_000_000)),
        (RELAY, 3_000_000, None, None),
        (RELAY_WITH_PICTURES, 3_000_000, None, Way(mode=Mode.BRIDGED)),
        (BY_FILE, 8_000_000, IDS, Way(mode=Mode.NATIVE, kind=InputKind.ID)),
        (BY_FILE, 7_980_000, IDS, Way(mode=Mode.NATIVE, kind=InputKind.ID)),
        (BY_FILE, 3_000_000, IDS, Way(mode=Mode.NATIVE_TRIMMED, kind=InputKind.UPLOAD, trims=True)),
        (BY_FILE, 8_000_000, None, Way(mode=Mode.NATIVE, kind=InputKind.UPLOAD)),
        (LONGTAKE, 3_000_000, None, Way(mode=Mode.NATIVE, kind=InputKind.UPLOAD, start_us=3_000_000)),
        (FROM_PICTURE, 3_000_000, IDS, Way(mode=Mode.BRIDGED)),
        (TEXT_ONLY, 3_000_000, IDS, None),
    ],
)
def test_the_best_way_is_taken(abilities, start_us, native, wanted):
    theirs = None if native is None else Native(ids=native, start_us=start_us, length_us=WHOLE_US)
    assert way_of(abilities, Operation.EXTEND, start_us=start_us, source_us=WHOLE_US, native=theirs) == wanted


def test_a_video_of_theirs_is_gone_on_from_by_its_own_clock():
    """What came first here is no part of it, and more of it than is here may stand at its end."""
    stepping = msgspec.structs.replace(RELAY, start_step_us=1_000_000)
    at_end = Native(ids=IDS, start_us=6_041_667, length_us=6_041_667)
    cut_off = Native(ids=IDS, start_us=4_500_000, length_us=6_000_000)

    def way(abilities: Abilities, native: Native) -> Way | None:
        return way_of(abilities, Operation.EXTEND, start_us=20_000_000, source_us=20_000_000, native=native)

    assert way(stepping, at_end) == Way(mode=Mode.NATIVE, kind=InputKind.ID, start_us=6_000_000)
    assert way(stepping, cut_off) is None
    assert way(BY_FILE, cut_off) == Way(mode=Mode.NATIVE, kind=InputKind.UPLOAD)


def test_what_this_server_cannot_hand_over_is_no_way():
    by_url, _ = within_reach(Abilities(operations=BOTH, source_by=(InputKind.URL,)), "no public address")
    assert way_of(by_url, Operation.EXTEND, start_us=8_000_000, source_us=8_000_000) is None


def test_at_best_a_source_is_as_long_as_the_maker_wants_it():
    """Else whoever asks which way is taken would be told of the picture, where files go."""
    able = Abilities(
        operations=BOTH,
        source_by=(InputKind.INLINE,),
        pictures=frozenset({"first_frame"}),
        source=InputLimits(min_us=2_000_000, max_us=15_000_000),
    )
    assert way_at_best(able, Operation.EXTEND) == Way(mode=Mode.NATIVE, kind=InputKind.INLINE)
    assert way_of(able, Operation.EXTEND, start_us=1_000_000, source_us=1_000_000) == Way(mode=Mode.BRIDGED)


def test_a_remix_is_never_bridged():
    assert way_of(FROM_PICTURE, Operation.REMIX) is None


def test_a_remix_is_of_the_whole_video_that_the_maker_has():
    """From which second its extensions may begin does not matter."""
    able = msgspec.structs.replace(BY_FILE, operations=BOTH | {Operation.REMIX})
    theirs = Native(ids=IDS, start_us=0, length_us=WHOLE_US)
    assert way_of(able, Operation.REMIX, source_us=WHOLE_US, native=theirs) == Way(mode=Mode.NATIVE, kind=InputKind.ID)
    assert way_of(able, Operation.REMIX, source_us=WHOLE_US) is None, "no wire takes a file for it"
    takes_files = msgspec.structs.replace(able, remix_by=(InputKind.ID, InputKind.UPLOAD))
    assert way_of(takes_files, Operation.REMIX, source_us=WHOLE_US) == Way(mode=Mode.NATIVE, kind=InputKind.UPLOAD)
