# SPDX-License-Identifier: Apache-2.0
"""The second nearest to the one that was wished at which a model can go on, and go on well. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from longtake.providers.base import Abilities
from longtake.routing.ways import Native, Way, way_of
from longtake.types import SECOND_US, Mode, Operation, Rate, Value

MOST_FOR_BETTER_US = SECOND_US
"""So far a start is moved for a better way; as far as it takes where there is none otherwise."""

Reason = Literal["", "least_source", "step", "end"]


class Start(Value, frozen=True):
    """Where a model would go on."""

    start_us: int
    way: Way | None
    """None = nowhere in this source."""
    reason: Reason = ""
    """What was in the way: too little before it, a start that the model cannot be told, any but the end."""
    is_needed: bool = False
    """Whether there is no way at all at the wished second."""


def nearest_start(
    abilities: Abilities,
    *,
    start_us: int,
    source_us: int,
    fps: Rate,
    native: Callable[[int], Native | None] = lambda _: None,
    fits: bool = True,
) -> Start:
    """Where a model would go on best, near the wished second.

    Args:
        abilities: The model's.
        start_us: The wish.
        source_us: The source's length.
        fps: Its pictures a second: what a start is moved to begins with a picture.
        native: What the account itself has of the video, for a start.
        fits: Whether the source's file is one that such a maker takes.
    """

    def way_from(at_us: int) -> Way | None:
        return way_of(abilities, Operation.EXTEND, start_us=at_us, source_us=source_us, native=native(at_us), fits=fits)

    wished = way_from(start_us)
    if wished is not None and wished.mode is not Mode.BRIDGED:
        return Start(start_us=start_us, way=wished)
    most_us = source_us if wished is None else MOST_FOR_BETTER_US
    others: list[tuple[int, Reason]] = [
        (at_us, reason)
        for at_us, reason in _others(abilities, start_us, source_us, fps, native(start_us))
        if 0 <= at_us <= source_us and abs(at_us - start_us) <= most_us
    ]
    for at_us, reason in sorted(others, key=lambda other: abs(other[0] - start_us)):
        way = way_from(at_us)
        if way is not None and way.mode is not Mode.BRIDGED:
            return Start(start_us=at_us, way=way, reason=reason, is_needed=wished is None)
    return Start(start_us=start_us, way=wished, is_needed=wished is None)


def _others(
    abilities: Abilities, start_us: int, source_us: int, fps: Rate, native: Native | None
) -> Iterator[tuple[int, Reason]]:
    """Starts that may be better; those on a frame alone, the end apart."""
    if abilities.source_by:
        yield _next_frame_us(abilities.source.min_us, fps), "least_source"
    step_us = abilities.start_step_us
    if native is not None and abilities.any_start and step_us:
        begins_us = start_us - native.start_us
        whole = native.start_us // step_us
        for steps in (whole, whole + 1):
            yield _nearest_frame_us(begins_us + steps * step_us, fps), "step"
    # Last: who hears that only the end will do, where a second before it would, is misled.
    yield source_us, "end"


def _next_frame_us(time_us: int, fps: Rate) -> int:
    frame = -(-time_us * fps.num // (fps.den * SECOND_US))
    return -(-frame * fps.den * SECOND_US // fps.num)


def _nearest_frame_us(time_us: int, fps: Rate) -> int:
    frame = round(time_us * fps.num / (fps.den * SECOND_US))
    return round(frame * fps.den * SECOND_US / fps.num)
