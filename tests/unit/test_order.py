# SPDX-License-Identifier: Apache-2.0
"""Whom of several accounts a task asks first: by model, by priority, who has room, then by lot after the weights."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime

import pytest

from longtake.accounts import AccountSettings
from longtake.egress.access import Access
from longtake.providers.base import Abilities, Account
from longtake.providers.unified import UnifiedProvider
from longtake.routing.candidates import Offer, judge
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.ways import Way
from longtake.types import Mode, Operation

SEED, DRAWS = 20_261_127, 6000


def account(name: str, *, weight: int = 1, priority: int = 0, models: tuple[str, ...] = ("m",), most: int = 50):
    settings = AccountSettings(
        name=name, kind="unified", base_url="http://relay.example", models=list(models), weight=weight,
        priority=priority, max_in_flight=most,
    )  # fmt: skip
    return LiveAccount(
        settings=settings,
        adapter=UnifiedProvider(),
        account=Account(name=name, base_url=settings.base_url),
        access=Access(),
        abilities={model: Abilities() for model in models},
    )


def test_the_first_of_equals_is_drawn_by_weight():
    accounts = LiveAccounts(
        [account("one", weight=1), account("three", weight=3), account("six", weight=6)], rng=random.Random(SEED)
    )
    first = Counter(accounts.order(["m"])[0][0].name for _ in range(DRAWS))
    for name, share in (("one", 0.1), ("three", 0.3), ("six", 0.6)):
        assert first[name] / DRAWS == pytest.approx(share, abs=0.03)


def test_priority_goes_before_weight_and_room_before_the_lot():
    light, full = account("light", priority=1), account("full", weight=1000, priority=1, most=1)
    accounts = LiveAccounts([account("heavy", weight=1000), full, light], rng=random.Random(SEED))
    with full.place("task"):
        assert [one.name for one, _ in accounts.order(["m"])] == ["light", "full", "heavy"]
    first = Counter(accounts.order(["m"])[0][0].name for _ in range(200))
    assert first["full"] > first["light"] + first["heavy"] == first["light"]


@pytest.mark.parametrize(("day", "is_told"), [("2026-09-23", False), ("2026-09-24", True)])
def test_a_model_that_its_maker_has_ended_is_told_of_and_may_be_asked(day: str, *, is_told: bool):
    offer = Offer(account("a"), "m")
    offer.account.abilities["m"] = Abilities(retires="2026-09-24")
    now_ms = round(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)
    verdict = judge(offer, Operation.CREATE, Way(mode=Mode.NATIVE), new_us=0, now_ms=now_ms)
    assert verdict.can
    assert ("ended it on 2026-09-24" in verdict.why) is is_told


def test_the_models_of_a_name_are_tried_in_its_order():
    accounts = LiveAccounts(
        [account("b", priority=9, models=("second",)), account("a", models=("first", "second"))],
        rng=random.Random(SEED),
    )
    assert [(one.name, model) for one, model in accounts.order(["first", "second"])] == [
        ("a", "first"),
        ("b", "second"),
        ("a", "second"),
    ]
