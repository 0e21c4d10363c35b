# SPDX-License-Identifier: Apache-2.0
"""Keys in files: one that comes after the start, and one that is put in another's place, work without a restart.

The whole application without HTTP, against a fake upstream in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.house import code_of
from tests.fakes.upstream.process import KEY, RunningUpstream
from tests.walk.routed import account, ask, bought, end_of, reach, served

from longtake.compose import Services
from longtake.errors import NoMaker
from longtake.types import Operation, Step

OLD, NEW = "sk-of-monday-Xq7Lm2", "sk-of-tuesday-Vb9Rw4"
SOON_S = 20.0


@pytest.fixture
def keyed(upstream: RunningUpstream) -> Iterator[RunningUpstream]:
    """Whatever a test says about keys is forgotten after it."""
    yield upstream
    upstream.set(key=KEY, echoes=False)


def by_file(url: str) -> str:
    return account("relay", f"{url}/unified").replace('_env = "ROUTING_KEY"', '_file = "key"')


async def put(path: Path, key: str) -> None:
    """As people rotate: a file is written beside and moved to its place."""
    beside = path.with_suffix(".new")
    await asyncio.to_thread(beside.write_text, key, encoding="utf-8")
    await asyncio.to_thread(os.replace, beside, path)


async def took_it(caplog: pytest.LogCaptureFixture, times: int = 1) -> None:
    until_s = time.monotonic() + SOON_S
    while caplog.text.count("provider relay has got a new key") < times:
        assert time.monotonic() < until_s, "nobody looked at the file"
        await asyncio.sleep(0.05)


async def made_at_once(services: Services) -> None:
    """By one call that was not refused."""
    done = await end_of(services, await ask(services, "grok-video-3"))
    assert done.step is Step.SUCCEEDED, done.fault
    assert [job.state for job in await bought(services, done)] == ["succeeded"]


@pytest.mark.parametrize("before", [None, ""], ids=["no file", "an empty one"])
def test_a_key_that_comes_after_the_start_makes_its_account_usable(tmp_path, keyed, caplog, before: str | None):
    caplog.set_level("INFO", "longtake")

    async def main():
        if before is not None:
            await put(tmp_path / "key", before)
        async with served(tmp_path, by_file(keyed.url)) as services:
            says = "its api_key_file key is not there, or empty: it gets jobs once the key is there"
            assert f"provider 'relay' gets no jobs: {says}" in caplog.text
            (status,) = await services.providers.statuses()
            assert (status.usable, status.remark) == (False, says)
            tried = await services.providers.test("relay")
            assert (tried.works, says in tried.said) == (False, True)
            with pytest.raises(NoMaker):
                await ask(services, "grok-video-3")
            await put(tmp_path / "key", KEY)
            await took_it(caplog)
            (status,) = await services.providers.statuses()
            assert (status.usable, status.remark) == (True, "")
            (row,) = (await services.providers.route("grok-video-3", Operation.CREATE)).candidates
            assert row.reason == "ready"
            await made_at_once(services)

    asyncio.run(main())


def test_a_test_takes_a_key_that_has_just_come(tmp_path, keyed):
    async def main():
        async with served(tmp_path, by_file(keyed.url)) as services:
            await put(tmp_path / "key", KEY)
            tried = await services.providers.test("relay")
            assert (tried.works, tried.said) == (True, "it answers, and the key is taken")
            await made_at_once(services)

    asyncio.run(main())


def test_another_key_is_used_for_the_next_call_before_the_old_one_is_refused(tmp_path, keyed, caplog):
    caplog.set_level("INFO", "longtake")
    keyed.set(key=OLD)

    async def main():
        await put(tmp_path / "key", OLD)
        async with served(tmp_path, by_file(keyed.url)) as services:
            await made_at_once(services)
            await put(tmp_path / "key", NEW)
            await took_it(caplog)
            keyed.set(key=NEW)
            await made_at_once(services)
            for gone in ("", None):
                # Emptied, then removed: the key in use stays until there is another.
                await (
                    put(tmp_path / "key", gone) if gone is not None else asyncio.to_thread(os.unlink, tmp_path / "key")
                )
                await services.providers.test("relay")
                await made_at_once(services)
        assert caplog.text.count("has got a new key") == 1

    asyncio.run(main())


def test_a_rest_for_a_refused_key_ends_with_another_key(tmp_path, keyed, caplog):
    caplog.set_level("INFO", "longtake")

    async def main():
        await put(tmp_path / "key", OLD)
        async with served(tmp_path, by_file(keyed.url)) as services:
            refused = await end_of(services, await ask(services, "grok-video-3"))
            assert code_of(refused) == "upstream_error"
            (status,) = await services.providers.statuses()
            assert status.rests_until_ms > time.time() * 1000 + 200_000
            await put(tmp_path / "key", KEY)
            await took_it(caplog)
            (status,) = await services.providers.statuses()
            assert (status.rests_until_ms, status.why) == (0, "")
            await made_at_once(services)

    asyncio.run(main())


def test_both_keys_are_masked_wherever_the_provider_repeats_them(tmp_path, keyed, caplog):
    """About jobs that were bought with the old one, too: their links are good with that alone, and are followed."""
    caplog.set_level("DEBUG", "longtake")
    keyed.set(key="", echoes=True, render_s=4.0)

    async def main():
        await put(tmp_path / "key", OLD)
        async with served(tmp_path, by_file(keyed.url)) as services:
            tasks = [await ask(services, "grok-video-3")]
            await reach(services, tasks[0], Step.POLLING)
            keyed.set(outcome="failed")
            tasks.append(await ask(services, "grok-video-3"))
            await reach(services, tasks[1], Step.POLLING)
            await put(tmp_path / "key", NEW)
            await took_it(caplog)
            keyed.set(outcome="succeeded", render_s=0.05)
            tasks.append(await ask(services, "grok-video-3"))
            made, failed, later = [await end_of(services, task) for task in tasks]
            assert made.step is later.step is Step.SUCCEEDED, (made.fault, later.fault)
            assert failed.fault is not None
            assert "~key-0~" in failed.fault.message
            told = [str(await services.store.exchanges(task.id)) for task in tasks]
            assert "~key-0~" in told[1]
            shown = [*told, str(await services.providers.statuses()), str(await services.providers.test("relay"))]
            shown += [str(await services.store.find_task(task.id)) for task in tasks]
            assert [key for key in (OLD, NEW) if key in "".join(shown)] == []
        kept = b"".join(path.read_bytes() for path in tmp_path.glob("longtake.sqlite*"))
        assert [key for key in (OLD, NEW) if key.encode() in kept or key in caplog.text] == []

    asyncio.run(main())
