# SPDX-License-Identifier: Apache-2.0
"""What an operator lets an account spend in a day or a month (UTC), and what a job there is expected to cost. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from longtake.accounts import AccountSettings, SpendWindow
from longtake.amounts import read_usd, usd_text
from longtake.errors import ConfigurationError
from longtake.providers.base import Abilities
from longtake.types import SECOND_US, Tariff, Value

_MS_PER_S = 1000


class Budget(Value, frozen=True):
    """A spend cap."""

    most_microusd: int
    window: SpendWindow

    def began_ms(self, now_ms: int) -> int:
        """When the window began that a moment lies in."""
        return round(self._began(now_ms).timestamp()) * _MS_PER_S

    def ends_ms(self, now_ms: int) -> int:
        """When the next window begins."""
        began = self._began(now_ms)
        if self.window == "day":
            following = began + timedelta(days=1)
        else:
            following = began.replace(year=began.year + began.month // 12, month=began.month % 12 + 1)
        return round(following.timestamp()) * _MS_PER_S

    def _began(self, now_ms: int) -> datetime:
        day = datetime.fromtimestamp(now_ms / _MS_PER_S, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return day if self.window == "day" else day.replace(day=1)

    def __str__(self) -> str:
        return f"${usd_text(self.most_microusd)} a {self.window}"


class JobCost(Value, frozen=True):
    """What a provider takes for a job."""

    second_microusd: int = 0
    """Of the new part."""
    request_microusd: int = 0

    def of(self, length_us: int) -> int:
        """The cost of a new part, rounded up to a whole micro-USD."""
        return self.request_microusd + -(-self.second_microusd * length_us // SECOND_US)


def budget_of(settings: AccountSettings) -> Budget | None:
    """The cap that longtake.toml sets. Raises ConfigurationError."""
    if settings.spend_cap_usd is None:
        return None
    return Budget(
        most_microusd=_amount(settings, "spend_cap_usd", settings.spend_cap_usd), window=settings.spend_window
    )


def costs_of(settings: AccountSettings) -> dict[str, JobCost]:
    """What longtake.toml says that jobs cost there, by our name of each model. Raises ConfigurationError."""
    unknown = sorted(set(settings.cost_usd_per_second) - set(settings.models_by_name))
    if unknown:
        raise ConfigurationError(
            f"provider {settings.name!r} in longtake.toml: cost_usd_per_second names {unknown[0]!r}, which is none of "
            "its models: use the names on the left side of models"
        )
    return {
        name: JobCost(second_microusd=_amount(settings, f"cost_usd_per_second of {name!r}", text))
        for name, text in settings.cost_usd_per_second.items()
    }


def known_cost(abilities: Abilities, tariff: Tariff) -> JobCost | None:
    """What the catalogue says that a job costs, else what it is sold for; None where neither is known.

    Of prices by size the highest: what is expected is not to be less than what comes.
    """
    if abilities.price_microusd_per_second is not None:
        return JobCost(second_microusd=abilities.price_microusd_per_second)
    if not tariff.known:
        return None
    second_microusd = max((size.microusd for size in tariff.seconds), default=0)
    return JobCost(second_microusd=second_microusd, request_microusd=tariff.request_microusd)


def _amount(settings: AccountSettings, called: str, text: str | int) -> int:
    try:
        amount = read_usd(str(text))
    except ValueError as error:
        raise ConfigurationError(f"provider {settings.name!r} in longtake.toml: {called}: {error}") from error
    if amount < 0:
        raise ConfigurationError(f"provider {settings.name!r} in longtake.toml: {called} is negative: write 0 or more")
    return amount
