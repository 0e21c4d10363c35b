# SPDX-License-Identifier: Apache-2.0
"""Where a model goes on when it cannot, or only badly, go on where it was wished."""

from __future__ import annotations

import msgspec
import pytest

from longtake.providers.base import Abilities, InputKind, InputLimits, PictureRole
from longtake.routing.starts import Start, nearest_start
from longtake.routing.ways import Native
from longtake.types import Mode, Operation, Rate

BOTH = frozenset({Operation.CREATE, Operation.EXTEND})
PICTURE: frozenset[PictureRole] = frozenset({"first_frame"})
FPS = Rate(num=24)
FROM_2_S = Abilities(
    operations=BOTH, pictures=PICTURE, source_by=(InputKind.UPLOAD,), source=InputLimits(min_us=2_000_000)
)
EXTENDS_ALONE = msgspec.structs.replace(FROM_2_S, operations=frozenset({Operation.EXTEND}), pictures=frozenset())
WHOLE_SECONDS = Abilities(
    operations=BOTH, pictures=PICTURE, source_by=(InputKind.ID,), any_start=True, start_step_us=1_000_000
)
END_ALONE = Abilities(operations=frozenset({Operation.EXTEND}), source_by=(InputKind.ID,))


def start(abilities: Abilities, at_s: float, *, source_s: float = 8, own_from_s: float | None = None) -> Start:
    """Where it goes on; `own_from_s` is where in the source the account's own clip of 6 s begins."""

    def native(at_us: int) -> Native | None:
        if own_from_s is None:
            return None
        there_us = at_us - round(own_from_s * 1e6)
        length_us = max(6_000_000, there_us)
        return Native(ids={"id": "theirs"}, start_us=there_us, length_us=length_us) if there_us >= 0 else None

    return nearest_start(abilities, start_us=round(at_s * 1e6), source_us=round(source_s * 1e6), fps=FPS, native=native)


def way_mode(found: Start) -> Mode | None:
    return found.way.mode if found.way else None


@pytest.mark.parametrize(
    ("abilities", "at_s", "own_from_s", "found"),
    [
        (FROM_2_S, 3.4, None, (3.4, "", False, Mode.NATIVE_TRIMMED)),
        (FROM_2_S, 1.5, None, (2.0, "least_source", False, Mode.NATIVE_TRIMMED)),
        # A second is as far as a start is moved for a better way alone.
        (FROM_2_S, 0.5, None, (0.5, "", False, Mode.BRIDGED)),
        (EXTENDS_ALONE, 0.5, None, (2.0, "least_source", True, Mode.NATIVE_TRIMMED)),
        (WHOLE_SECONDS, 3.4, 0, (3.0, "step", False, Mode.NATIVE)),
        (WHOLE_SECONDS, 3.6, 0, (4.0, "step", False, Mode.NATIVE)),
        (WHOLE_SECONDS, 3.0, 0, (3.0, "", False, Mode.NATIVE)),
        # Whole on the clip's own clock, and on a frame of this video.
        (WHOLE_SECONDS, 5.5, 2.5, (5.5, "", False, Mode.NATIVE)),
        (WHOLE_SECONDS, 5.9, 2.5, (5.5, "step", False, Mode.NATIVE)),
        (WHOLE_SECONDS, 3.4, None, (3.4, "", False, Mode.BRIDGED)),
        (END_ALONE, 3.4, 2, (8.0, "end", True, Mode.NATIVE)),
        (END_ALONE, 3.4, None, (3.4, "", True, None)),
    ],
)  # fmt: skip
def test_the_nearest_good_second_is_found(abilities, at_s, own_from_s, found):
    """What is found: the second, why it is another one, whether it had to be, how the model makes it."""
    at = start(abilities, at_s, own_from_s=own_from_s)
    assert (at.start_us / 1e6, at.reason, at.is_needed, way_mode(at)) == found


def test_no_second_of_a_source_that_is_too_short_will_do():
    assert start(EXTENDS_ALONE, 1, source_s=1.5).way is None


def test_the_least_source_ends_with_a_whole_frame():
    ntsc = Rate(num=30_000, den=1001)
    found = nearest_start(EXTENDS_ALONE, start_us=1_000_000, source_us=8_000_000, fps=ntsc)
    assert found.start_us == 2_002_000
