# SPDX-License-Identifier: Apache-2.0
"""What becomes of tasks whose account rests, gets another key, or is taken out of longtake.toml."""

from __future__ import annotations

import asyncio
import time

from tests.fakes.house import code_of
from tests.fakes.upstream.process import KEY
from tests.walk.routed import WHO, account, ask, bought, end_of, reach, served

from longtake.types import Step


def test_a_failed_job_goes_to_an_account_that_rests_for_a_moment(tmp_path, upstream):
    """Not before it may be asked, and not to the account whose job failed."""
    toml = account("first", f"{upstream.url}/unified", "priority = 9") + account("next", f"{upstream.url}/openai")
    toml = toml.replace('"next"\nkind = "unified"', '"next"\nkind = "openai_videos"')

    async def main():
        async with served(tmp_path, toml) as services:
            refused = {"path": "openai", "status": 429, "headers": {"Retry-After": "6"}, "body": {"message": "slow"}}
            broke = {"id": "x", "status": "failed", "error": {"code": "internal_error", "message": "it broke"}}
            upstream.spoil(refused, {"path": "unified/v1/video/query", "times": -1, "status": 200, "body": broke})
            await services.providers.switch("first", enabled=False)
            await ask(services, "grok-video-3")
            while not (await services.providers.statuses())[1].rests_until_ms:  # noqa: ASYNC110  (nothing tells)
                await asyncio.sleep(0.02)
            until_ms = (await services.providers.statuses())[1].rests_until_ms
            await services.providers.switch("first", enabled=True)
            done = await end_of(services, await ask(services, "grok-video-3"))
            jobs = await bought(services, done)
            assert [(job.account, job.state) for job in jobs] == [("first", "failed"), ("next", "succeeded")], (
                done.fault
            )
            assert jobs[1].started_ms >= until_ms

    asyncio.run(main())


def test_a_key_that_is_replaced_in_its_file_is_taken_when_the_old_one_is_refused(tmp_path, upstream):
    """While jobs are in flight, and without a restart: none is lost, and a new one is made at once."""
    by_file = account("relay", f"{upstream.url}/unified").replace('_env = "ROUTING_KEY"', '_file = "key"')
    (tmp_path / "key").write_text(KEY, encoding="utf-8")
    upstream.set(render_s=1.0)

    async def main():
        async with served(tmp_path, by_file) as services:
            flying = [await ask(services, "grok-video-3") for _ in range(3)]
            for task in flying:
                await reach(services, task, Step.POLLING)
            upstream.set(key="rotated", render_s=0.05)
            await asyncio.to_thread((tmp_path / "key").write_text, "rotated\n", encoding="utf-8")
            flying.append(await ask(services, "grok-video-3"))
            for task in flying:
                ended = await end_of(services, task)
                assert ended.step is Step.SUCCEEDED, ended.fault
                assert [job.state for job in await bought(services, ended) if job.handle] == ["succeeded"]
            (status,) = await services.providers.statuses()
            assert (status.rests_until_ms, status.why) == (0, "")

    try:
        asyncio.run(main())
    finally:
        upstream.set(key=KEY)


def test_a_refused_key_rests_until_there_is_another_and_a_restart_may_bring_one(tmp_path, upstream, monkeypatch):
    toml = account("relay", f"{upstream.url}/unified")

    async def main():
        monkeypatch.setenv("ROUTING_KEY", "wrong")
        async with served(tmp_path, toml) as services:
            refused = await end_of(services, await ask(services, "grok-video-3"))
            assert code_of(refused) == "upstream_error"
            (status,) = await services.providers.statuses()
            assert status.rests_until_ms > time.time() * 1000 + 200_000
        monkeypatch.setenv("ROUTING_KEY", KEY)
        async with served(tmp_path, toml) as services:
            made = await end_of(services, await ask(services, "grok-video-3"))
            assert made.step is Step.SUCCEEDED, made.fault

    asyncio.run(main())


# ---- accounts that are gone ------------------------------------------------------------------------------------------


def test_an_account_is_taken_away_while_its_job_is_open(tmp_path, upstream, caplog):
    """The task waits for it to come back, and ends at once when it is called off."""
    price = '[prices."grok-video-3"]\nsecond_usd = { 2160 = "0.20" }\n'
    gone, stays = account("gone", f"{upstream.url}/unified"), account("stays", f"{upstream.url}/unified")
    upstream.set(render_s=600)

    async def main():
        async with served(tmp_path, gone + price) as services:
            await services.store.adjust_balance(WHO.tenant_id, 10_000_000, 0)
            kept, called_off = [await ask(services, "grok-video-3") for _ in range(2)]
            for task in (kept, called_off):
                await reach(services, task, Step.POLLING)
            asked = len(upstream.jobs())
        async with served(tmp_path, stays + price) as services:
            # Its runner has found out that the account is gone, and pauses.
            while "provider 'gone'" not in caplog.text:  # noqa: ASYNC110  (nothing tells)
                await asyncio.sleep(0.05)
            assert (await services.service.cancel(WHO, called_off.id)).step is not Step.SUCCEEDED
            ended = await end_of(services, called_off)
            assert ended.step is Step.CANCELLED
            held = (await services.store.account(WHO.tenant_id)).held_microusd
            assert held == 2 * 6 * 200_000, "what it cost is known when its account is back, or after a day"
            waiting = await services.service.get(WHO, kept.id)
            assert (waiting.step, (await bought(services, waiting))[-1].state) == (Step.POLLING, "open")
            assert len(upstream.jobs()) == asked, "nobody else is asked while it may have a job"
            upstream.hurry()
        async with served(tmp_path, gone + stays + price) as services:
            done = await end_of(services, kept)
            assert (done.step, done.plan.maker.provider) == (Step.SUCCEEDED, "gone"), done.fault
            assert (await services.store.check_ledger()).problems == ()
            assert len(upstream.jobs()) == asked

    asyncio.run(main())


def test_an_account_is_taken_away_before_anything_was_bought_there(tmp_path, upstream):
    """The task waited for a place there; another account makes it."""
    one_place = account("gone", f"{upstream.url}/unified", "max_in_flight = 1")

    async def main():
        async with served(tmp_path, one_place) as services:
            upstream.set(render_s=60.0)
            first = await ask(services, "grok-video-3")
            await reach(services, first, Step.POLLING)
            second = await ask(services, "grok-video-3")
            await reach(services, second, Step.SUBMITTING)
        upstream.set(render_s=0.05)
        async with served(tmp_path, account("stays", f"{upstream.url}/unified")) as services:
            done = await end_of(services, second)
            assert (done.step, done.plan.maker.provider) == (Step.SUCCEEDED, "stays"), done.fault

    asyncio.run(main())
