# SPDX-License-Identifier: Apache-2.0
"""What a plan costs its tenant. Pure: the tariff lies in the plan, so that a price never changes behind a task."""

from __future__ import annotations

from itertools import accumulate
from typing import Literal

from longtake.types import SECOND_US, Operation, Plan, Tariff, Value

LOCAL_RULE = "local-1"
"""The rule of what is made on this machine, which is free; a new rule gets a new name."""

Item = Literal["new_seconds", "input_seconds", "images", "request"]

_TOLERANCE_PERCENT = 5
"""A clip is of a size within this (DESIGN 2): 1088 is 1080p."""


class PriceLine(Value, frozen=True, omit_defaults=False):
    """One part of a price. `quantity_us` counts seconds, `quantity` pictures and requests."""

    item: Item
    unit_microusd: int
    microusd: int
    quantity: int = 1
    quantity_us: int | None = None


class Price(Value, frozen=True):
    """An amount in micro-USD, the rule that gave it, and its parts; their sum is the amount."""

    microusd: int
    rule: str = LOCAL_RULE
    lines: tuple[PriceLine, ...] = ()
    known: bool = True
    """False where the tariff does not say what this costs."""


def price_of(plan: Plan) -> Price:
    """The price of what a plan delivers; of a provisional plan the most that it can become, which is what is held.

    Each part is rounded up to a whole micro-USD.
    """
    tariff = plan.tariff
    if tariff is None:
        return Price(microusd=0)
    second_microusd, known = _second(tariff, plan)
    new_us = max(plan.new_us, plan.most_new_us or 0)
    lines = [_of_time("new_seconds", new_us, second_microusd)] if tariff.seconds else []
    if (plan.operation is not Operation.CREATE or plan.segments) and tariff.input_second_microusd:
        lines.append(_of_time("input_seconds", _input_us(tariff, plan), tariff.input_second_microusd))
    if plan.images and tariff.image_microusd:
        lines.append(_of_things("images", len(plan.images), tariff.image_microusd))
    if tariff.request_microusd:
        lines.append(_of_things("request", len(plan.segments) or 1, tariff.request_microusd))
    return Price(
        microusd=sum(line.microusd for line in lines),
        rule=tariff.rule,
        lines=tuple(lines),
        known=tariff.known and known,
    )


def _second(tariff: Tariff, plan: Plan) -> tuple[int, bool]:
    """What a second of this size costs, and whether the tariff goes so far. A size not known yet costs the most."""
    most_microusd = max((size.microusd for size in tariff.seconds), default=0)
    if plan.provisional or not tariff.seconds:
        return most_microusd, True
    side = min(plan.width, plan.height)
    for size in tariff.seconds:
        if side * 100 <= size.short_side * (100 + _TOLERANCE_PERCENT):
            return size.microusd, True
    return most_microusd, False


def _input_us(tariff: Tariff, plan: Plan) -> int:
    """What the maker is given of what there is already, in all segments together."""
    segments = plan.segments or (plan.new_us,)
    if plan.provisional:
        return tariff.most_input_us * len(segments)
    if plan.operation is Operation.REMIX:
        return min(plan.new_us, tariff.most_input_us)
    given_us = accumulate(segments[:-1], initial=plan.start_us)
    return sum(min(one_us, tariff.most_input_us) for one_us in given_us)


def _of_time(item: Item, length_us: int, unit_microusd: int) -> PriceLine:
    microusd = -(-length_us * unit_microusd // SECOND_US)
    return PriceLine(item=item, unit_microusd=unit_microusd, microusd=microusd, quantity_us=length_us)


def _of_things(item: Item, count: int, unit_microusd: int) -> PriceLine:
    return PriceLine(item=item, unit_microusd=unit_microusd, microusd=count * unit_microusd, quantity=count)
