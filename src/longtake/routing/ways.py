# SPDX-License-Identifier: Apache-2.0
"""How a model is made to extend from any second (reference providers.md 3). Pure.

No vendor extends from an arbitrary second; longtake does on all of them, by giving the maker only what comes before it.
"""

from __future__ import annotations

from collections.abc import Mapping

from longtake.providers.base import Abilities, InputKind
from longtake.types import Mode, Operation, Value

END_SLACK_US = 50_000
"""A start this close to the source's end is its end: about a frame."""


class Way(Value, frozen=True):
    """How one job gets its source."""

    mode: Mode
    kind: InputKind | None = None
    """None: no source video, only the picture at its end where bridged."""
    trims: bool = False
    """Only the head before the start is given."""
    last_us: int | None = None
    """Only so much of it, counted back from the start, since the maker takes no more."""
    names_start: bool = False
    """The maker is told the start."""


def way_of(
    abilities: Abilities,
    operation: Operation,
    *,
    start_us: int = 0,
    source_us: int = 0,
    native: Mapping[str, str] | None = None,
    can: frozenset[InputKind] = frozenset({InputKind.INLINE, InputKind.UPLOAD}),
) -> Way | None:
    """The best way a model can do this; None = it cannot.

    Args:
        abilities: The model's.
        operation: What is asked for.
        start_us: Where the new part begins.
        source_us: The source's length.
        native: The maker's ids of the source, if this very account made it.
        can: The ways in which this server can hand a file over.
    """
    if operation is Operation.CREATE:
        return Way(mode=Mode.NATIVE) if Operation.CREATE in abilities.operations else None
    at_end = start_us >= source_us - END_SLACK_US
    names_start = abilities.any_start and (at_end or start_us % max(1, abilities.start_step_us) == 0)
    if operation in abilities.operations:
        for kind in abilities.source_by:
            if kind is InputKind.ID:
                if native and (at_end or names_start):
                    return Way(mode=Mode.NATIVE, kind=kind, names_start=names_start)
            elif kind in can:
                trims = operation is Operation.EXTEND and not at_end and not names_start
                limits = abilities.source
                if limits.max_us is not None and source_us > limits.max_us and operation is Operation.EXTEND:
                    trims, names_start = True, False
                given_us = start_us if trims else source_us
                if given_us >= limits.min_us:
                    is_long = limits.max_us is not None and given_us > limits.max_us
                    mode = Mode.NATIVE_TRIMMED if trims else Mode.NATIVE
                    last_us = limits.max_us if is_long else None
                    return Way(mode=mode, kind=kind, trims=trims, last_us=last_us, names_start=names_start)
    can_bridge = Operation.CREATE in abilities.operations and "first_frame" in abilities.pictures
    return Way(mode=Mode.BRIDGED) if operation is Operation.EXTEND and can_bridge else None
