# SPDX-License-Identifier: Apache-2.0
"""An account's places: never more than there are, first come first, and nobody's turn is lost."""

from __future__ import annotations

import asyncio

import pytest

from longtake.accounts import AccountSettings
from longtake.egress.access import NOBODY
from longtake.providers.base import Account
from longtake.providers.registry import find_provider
from longtake.routing.calling_off import CallingOff
from longtake.routing.live_accounts import LiveAccount

pytestmark = pytest.mark.anyio
FOR_EVER_S = 60.0


def account_of(places: int) -> LiveAccount:
    settings = AccountSettings(
        name="a", kind="unified", base_url="http://127.0.0.1:9", models=["m"], max_in_flight=places
    )
    return LiveAccount(
        settings=settings,
        adapter=find_provider("unified"),
        account=Account(name="a", base_url=settings.base_url),
        access=NOBODY,
        abilities={},
    )


async def work(account: LiveAccount, name: str, order: list[str], called_off: CallingOff | None = None) -> None:
    """Take a place as a submit does, and hold it for two turns of the loop, as if going on to the next step."""
    off = called_off or CallingOff()
    while account.is_full and not off.is_set():
        await account.wait_for_room(off, FOR_EVER_S)
    if off.is_set():
        order.append(f"{name} called off")
        return
    with account.place(name):
        order.append(name)
        assert account.in_flight <= account.settings.max_in_flight
        await asyncio.sleep(0)
    with account.place(name):
        assert account.in_flight <= account.settings.max_in_flight
        await asyncio.sleep(0)


@pytest.mark.parametrize("places", [1, 2, 7])
async def test_all_get_a_place_in_their_order_and_none_is_given_twice(places: int) -> None:
    account, order = account_of(places), list[str]()
    names = [str(number) for number in range(40)]
    await asyncio.gather(*(work(account, name, order) for name in names))
    assert order == names
    assert account.in_flight == 0


async def test_who_is_called_off_or_cancelled_at_its_turn_passes_it_on() -> None:
    account, order = account_of(1), list[str]()
    called_off = CallingOff()
    with account.place("first"):
        off = asyncio.create_task(work(account, "off", order, called_off))
        gone = asyncio.create_task(work(account, "gone", order))
        last = asyncio.create_task(work(account, "last", order))
        await asyncio.sleep(0)
    # The turn of `off` comes in the same moment as its end; then that of `gone`, which is cancelled.
    called_off.set()
    gone.cancel()
    await asyncio.gather(off, gone, last, return_exceptions=True)
    assert order == ["off called off", "last"]
    assert account.in_flight == 0


async def test_a_wait_for_room_ends_with_its_time() -> None:
    account = account_of(1)
    with account.place("first"):
        await account.wait_for_room(CallingOff(), 0.01)
        assert account.is_full
    assert not account.is_full
