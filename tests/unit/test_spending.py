# SPDX-License-Identifier: Apache-2.0
"""The windows of a spend cap, what a job is expected to cost, and what of that is refused at the start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from longtake.accounts import AccountSettings
from longtake.errors import ConfigurationError
from longtake.providers.base import Abilities
from longtake.routing.spending import Budget, JobCost, budget_of, costs_of, known_cost
from longtake.types import SizePrice, Tariff


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def account(**fields: Any) -> AccountSettings:
    return AccountSettings(name="a", kind="unified", base_url="http://127.0.0.1:9", models=["m"], **fields)


@pytest.mark.parametrize(
    ("window", "now", "began", "ends"),
    [
        ("day", "2026-11-27T23:59:59", "2026-11-27T00:00:00", "2026-11-28T00:00:00"),
        ("day", "2026-12-31T00:00:00", "2026-12-31T00:00:00", "2027-01-01T00:00:00"),
        ("month", "2026-11-30T12:00:00", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("month", "2028-02-29T10:00:00", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_windows_are_of_the_calendar_in_utc(window: Any, now: str, began: str, ends: str):
    budget = Budget(most_microusd=1, window=window)
    assert (budget.began_ms(at(now)), budget.ends_ms(at(now))) == (at(began), at(ends))


def test_a_cap_is_read_exactly():
    assert budget_of(account()) is None
    assert budget_of(account(spend_cap_usd="12.345678")) == Budget(most_microusd=12_345_678, window="month")
    assert budget_of(account(spend_cap_usd=0, spend_window="day")) == Budget(most_microusd=0, window="day")


@pytest.mark.parametrize("text", ["-1", "a lot", "1e3", ""])
def test_a_cap_that_is_no_amount_is_refused(text: str):
    with pytest.raises(ConfigurationError, match=r"provider 'a'.*spend_cap_usd"):
        budget_of(account(spend_cap_usd=text))


def test_costs_are_of_the_accounts_own_models():
    assert costs_of(account(cost_usd_per_second={"m": "0.05"})) == {"m": JobCost(second_microusd=50_000)}
    with pytest.raises(ConfigurationError, match="'n', which is none of its models"):
        costs_of(account(cost_usd_per_second={"n": "0.05"}))


def test_a_cost_is_the_catalogues_else_the_highest_price_else_unknown():
    tariff = Tariff(
        rule="r",
        seconds=(SizePrice(short_side=480, microusd=5), SizePrice(short_side=720, microusd=7)),
        request_microusd=2,
    )
    assert known_cost(Abilities(price_microusd_per_second=9), tariff) == JobCost(second_microusd=9)
    assert known_cost(Abilities(), tariff) == JobCost(second_microusd=7, request_microusd=2)
    assert known_cost(Abilities(), Tariff(rule="unknown", known=False)) is None
    assert JobCost(second_microusd=7, request_microusd=2).of(1_500_000) == 2 + 11
