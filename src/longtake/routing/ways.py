# SPDX-License-Identifier: Apache-2.0
"""How a model is made to extend from any second (reference providers.md 3). Pure.

No vendor extends from an arbitrary second; longtake does on all of them, by giving the maker only what comes before it.
"""

from __future__ import annotations

from collections.abc import Mapping

from longtake.providers.base import Abilities, InputKind
from longtake.types import Mode, Operation, Value

END_SLACK_US = 50_000
"""A start this close to the source's end is its end: about a frame. Nor is one told from another so close."""


class Native(Value, frozen=True):
    """The video that an account itself has, from which a source was made."""

    ids: Mapping[str, str]
    start_us: int = 0
    """Where the new part begins, on its own clock."""
    length_us: int = 0


class Way(Value, frozen=True):
    """How one job gets its source."""

    mode: Mode
    kind: InputKind | None = None
    """None: no source video, only the picture at its end where bridged."""
    trims: bool = False
    """A file is made of it: the head before the start, as an MP4 within the maker's limits."""
    last_us: int | None = None
    """Only so much of it, counted back from the start, since the maker takes no more."""
    start_us: int | None = None
    """What the maker is told of the start, on the clock of the video that it is given; None = nothing."""


def way_of(
    abilities: Abilities,
    operation: Operation,
    *,
    start_us: int = 0,
    source_us: int = 0,
    native: Native | None = None,
    fits: bool = True,
    can: frozenset[InputKind] = frozenset({InputKind.URL, InputKind.INLINE, InputKind.UPLOAD}),
) -> Way | None:
    """The best way a model can do this; None = it cannot.

    Args:
        abilities: The model's.
        operation: What is asked for.
        start_us: Where the new part begins.
        source_us: The source's length.
        native: The video that the maker itself has of it, if this very account made it.
        fits: Whether the source's file is one that such a maker takes; else another is made of it.
        can: The ways in which this server can hand a file over.
    """
    if operation is Operation.CREATE:
        return Way(mode=Mode.NATIVE) if Operation.CREATE in abilities.operations else None
    if operation in abilities.operations:
        for kind in abilities.remix_by if operation is Operation.REMIX else abilities.source_by:
            if kind is InputKind.ID:
                if native is None:
                    continue
                told_us = _told_us(abilities, native.start_us)
                if operation is Operation.REMIX:
                    return Way(mode=Mode.NATIVE, kind=kind)
                if told_us is not None or native.start_us >= native.length_us - END_SLACK_US:
                    return Way(mode=Mode.NATIVE, kind=kind, start_us=told_us)
            elif kind in can:
                told_us = _told_us(abilities, start_us)
                at_end = start_us >= source_us - END_SLACK_US
                trims = operation is Operation.EXTEND and not at_end and told_us is None
                limits = abilities.source
                if limits.max_us is not None and source_us > limits.max_us and operation is Operation.EXTEND:
                    trims, told_us = True, None
                mode = Mode.NATIVE_TRIMMED if trims else Mode.NATIVE
                trims = trims or (operation is Operation.EXTEND and not fits and told_us is None)
                given_us = start_us if trims else source_us
                if given_us >= limits.min_us:
                    is_long = limits.max_us is not None and given_us > limits.max_us
                    last_us = limits.max_us if is_long else None
                    return Way(mode=mode, kind=kind, trims=trims, last_us=last_us, start_us=told_us)
    can_bridge = Operation.CREATE in abilities.operations and "first_frame" in abilities.pictures
    return Way(mode=Mode.BRIDGED) if operation is Operation.EXTEND and can_bridge else None


def _told_us(abilities: Abilities, start_us: int) -> int | None:
    """The start as a maker that takes one can be told it: the multiple of its step that nobody tells from it."""
    if not abilities.any_start:
        return None
    step_us = max(1, abilities.start_step_us)
    nearest_us = (start_us + step_us // 2) // step_us * step_us
    return nearest_us if abs(nearest_us - start_us) <= END_SLACK_US else None


def way_at_best(abilities: Abilities, operation: Operation) -> Way | None:
    """How a model would do this with any video, else with one of its own making; None = it never can."""
    enough_us = abilities.source.min_us
    with_any = way_of(abilities, operation, start_us=enough_us, source_us=enough_us)
    return with_any or way_of(abilities, operation, native=Native(ids={}))
