# SPDX-License-Identifier: Apache-2.0
"""Whose tasks tell how long one waits, to whom, and what is told where there are none."""

from __future__ import annotations

import pytest

from longtake.store.operator import Taken
from longtake.tasks.usual_waits import UsualWait, estimate, told_by
from longtake.types import Maker, Mode, Operation, Plan, Principal, Rate

VISITOR = Principal(tenant_id="a", key_id="key", admin=False)
ADMIN = Principal(tenant_id="a", key_id="key", admin=True)


def taken(*by: tuple[str, float]) -> list[Taken]:
    """Tasks of tenants, with what they took in seconds."""
    return [Taken(model="m", provider="p", tenant_id=tenant, took_ms=round(1000 * took_s)) for tenant, took_s in by]


def plan(maker: str = "longtake-cpu", *, new_us: int = 6_000_000, height: int = 1080, kept: bool = True) -> Plan:
    engine = "classic" if maker == "longtake-cpu" else ""
    return Plan(
        operation=Operation.EXTEND,
        maker=Maker(provider="longtake", model=maker, engine=engine, mode=Mode.LOCAL, name=maker),
        prompt="x",
        new_us=new_us,
        width=height * 16 // 9,
        height=height,
        fps=Rate(num=24),
        start_us=6_000_000,
        geometry_kept=kept,
    )


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([], None),
        ([("a", 4)], UsualWait(seconds=4, basis="own")),
        ([("a", 4), ("a", 8)], UsualWait(seconds=6, basis="own")),
        # Another tenant's tasks are told only where several tenants have several of them.
        ([("b", 70)] * 9, None),
        ([("b", 70)] * 9 + [("a", 4)], UsualWait(seconds=4, basis="own")),
        ([("b", 70)] * 9 + [("c", 70)] * 9 + [("a", 4)], UsualWait(seconds=60, basis="all")),
        ([("b", 70), ("c", 70), ("a", 4)], UsualWait(seconds=4, basis="own")),
        ([("b", 20), ("c", 30), ("d", 37), ("b", 41), ("c", 42)], UsualWait(seconds=35, basis="all")),
    ],
)
def test_a_visitor_is_told_of_a_crowd_or_of_himself(tasks: list[tuple[str, float]], told: UsualWait | None):
    assert told_by(taken(*tasks), VISITOR) == told


def test_an_admin_may_see_all_tasks_and_so_what_they_take():
    assert told_by(taken(*[("b", 70)] * 2), ADMIN) == UsualWait(seconds=60, basis="all")
    assert told_by(taken(*[("a", 7)] * 2), ADMIN) == UsualWait(seconds=7, basis="own")


@pytest.mark.parametrize(
    ("took_s", "told_s"), [(0.2, 1), (4.4, 4), (12, 10), (13, 15), (74, 60), (76, 90), (620, 600), (1000, 1020)]
)
def test_waits_are_rounded_so_that_no_single_task_shows(took_s: float, told_s: float):
    assert told_by(taken(*[("a", took_s)]), VISITOR) == UsualWait(seconds=told_s, basis="own")


def test_the_built_in_engines_wait_is_estimated_by_what_it_has_to_make():
    short, long, small, anew = (
        estimate(plan()),
        estimate(plan(new_us=30_000_000)),
        estimate(plan(height=480)),
        estimate(plan(kept=False)),
    )
    assert short is not None
    assert long is not None
    assert small is not None
    assert anew is not None
    assert {one.basis for one in (short, long, small, anew)} == {"estimate"}
    assert small.seconds < short.seconds < anew.seconds < long.seconds
    assert estimate(plan("veo3.1")) is None
