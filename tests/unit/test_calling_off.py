# SPDX-License-Identifier: Apache-2.0
"""A task that is called off: whoever waits for it is told, in whatever order the call and the wait come."""

from __future__ import annotations

import asyncio

from longtake.routing.calling_off import CallingOff
from longtake.tasks.live import Live

LONG_S = 60.0


def test_a_wait_ends_with_the_call_or_with_the_time() -> None:
    async def run() -> None:
        called = CallingOff()
        assert not called.is_set()
        assert await called.wait(0.001) is False
        waits = [asyncio.create_task(called.wait(LONG_S)), asyncio.create_task(called.wait())]
        await asyncio.sleep(0)
        called.set()
        called.set()
        assert await asyncio.gather(*waits) == [True, True]
        assert called.is_set()
        assert await called.wait() is True

    asyncio.run(run())


def test_a_wait_that_is_cancelled_leaves_nothing() -> None:
    async def run() -> None:
        called = CallingOff()
        waiting = asyncio.create_task(called.wait(LONG_S))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert not called._waiters
        called.set()

    asyncio.run(run())


def test_a_cancel_before_the_runner_begins_is_heard_once() -> None:
    live = Live()
    live.cancel("sora:1")
    first = live.begin("sora:1")
    assert first.is_set()
    second = live.begin("sora:1")
    assert not second.is_set()
    live.end("sora:1", first)
    live.cancel("sora:1")
    assert second.is_set()
    live.end("sora:1", second)
    live.cancel("sora:2")
    last = live.begin("sora:2")
    assert last.is_set()
    live.end("sora:2", last)
    assert not live._unheard
    assert not live._cancels
