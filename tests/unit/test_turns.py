# SPDX-License-Identifier: Apache-2.0
"""Turns of the event loop: a few go on in each, in their order, and others run between."""

from __future__ import annotations

import asyncio

import pytest

from longtake.tasks.turns import Turns

pytestmark = pytest.mark.anyio


async def test_a_few_go_on_in_each_turn_and_others_run_between() -> None:
    turns, seen = Turns(2), list[str]()

    async def poll(number: int) -> None:
        await turns.mine()
        seen.append(str(number))

    async def caller() -> None:
        for _ in range(8):
            seen.append("caller")
            await asyncio.sleep(0)

    await asyncio.gather(*(poll(number) for number in range(9)), caller())
    assert [one for one in seen if one != "caller"] == [str(number) for number in range(9)]
    stretches = "".join("." if one == "caller" else "p" for one in seen).split(".")
    assert max(map(len, stretches)) <= 4, seen  # two that had room at once, two of the next turn
    await asyncio.wait_for(turns.mine(), 1)


async def test_who_is_cancelled_takes_nobodys_turn() -> None:
    turns, seen = Turns(1), list[int]()

    async def poll(number: int) -> None:
        await turns.mine()
        seen.append(number)

    polls = [asyncio.create_task(poll(number)) for number in range(6)]
    await asyncio.sleep(0)
    for number in (1, 2, 4):
        polls[number].cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    assert seen == [0, 3, 5]
