# SPDX-License-Identifier: Apache-2.0
"""What becomes of tasks whose makers have too much to do: where their answer says so for sure, and where it does not.

The whole application without HTTP, against a fake upstream in a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.fakes.house import code_of
from tests.walk.routed import account, ask, bought, end_of, served

from longtake.compose import Services
from longtake.types import Step, Task

OVERLOADED = {"error": {"type": "service_unavailable_error", "code": "server_is_overloaded", "message": "too much"}}
"""What OpenAI's video models answer with a 503 (its page of error codes, 2026)."""


def of_kind(kind: str, url: str) -> str:
    model = "grok-imagine-video" if kind == "xai" else "grok-video-3"
    path = "openai" if kind == "openai_videos" else kind
    table = account("relay", f"{url}/{path}", models=f'{{ "try-a" = "{model}" }}')
    return table.replace('kind = "unified"', f'kind = "{kind}"')


@pytest.mark.parametrize("kind", ["unified", "openai_videos", "xai"])
def test_a_503_by_which_the_maker_itself_refuses_for_load_is_waited_out(tmp_path, upstream, kind: str):
    """As long as it asked for; with one job there in the end."""
    rule = {"path": "videos?", "method": "POST", "status": 503, "headers": {"Retry-After": "2"}, "body": OVERLOADED}
    before = len(upstream.jobs())

    async def main():
        async with served(tmp_path, of_kind(kind, upstream.url)) as services:
            upstream.spoil(rule)
            done = await end_of(services, await ask(services, "try-a"))
            assert done.step is Step.SUCCEEDED, done.fault
            refused, made = await bought(services, done)
            assert (refused.state, made.state) == ("failed", "succeeded")
            assert made.started_ms - (refused.ended_ms or 0) >= 2000

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 1


REFUSED = {"path": "openai/v1/videos", "method": "POST", "status": 400, "body": {"error": {"message": "not this"}}}
"""By the second account of `two`, for good."""


def two(url: str) -> str:
    """One that is asked first, and another of another kind, so that rules can tell them apart."""
    other = account("next", f"{url}/openai").replace('kind = "unified"', 'kind = "openai_videos"')
    return account("first", f"{url}/unified", "priority = 9") + other


def full_for(seconds: int, **more: object) -> dict[str, object]:
    asked = {"headers": {"Retry-After": str(seconds)}, "body": {"message": "slow down"}}
    return {"path": "unified/v1/video/create", "status": 429, **asked, **more}


def test_an_account_that_was_full_is_asked_again_after_its_pause_when_the_other_refuses_for_good(tmp_path, upstream):
    before = len(upstream.jobs())

    async def main():
        async with served(tmp_path, two(upstream.url)) as services:
            upstream.spoil(full_for(2), {**REFUSED, "times": -1})
            done = await end_of(services, await ask(services, "grok-video-3"))
            assert done.step is Step.SUCCEEDED, done.fault
            jobs = await bought(services, done)
            assert [(job.account, job.state, job.trouble) for job in jobs] == [
                ("first", "failed", "rate_limited"),
                ("next", "failed", "invalid"),
                ("first", "succeeded", ""),
            ]
            assert jobs[2].started_ms - (jobs[0].ended_ms or 0) >= 2000

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 1


def test_so_it_is_when_the_job_of_the_other_fails_and_that_is_not_bought_again(tmp_path, upstream):
    """It stays full: the other may be asked all the time, and its failed job stays the only one there."""
    before = len(upstream.jobs())
    broke = {"id": "x", "status": "failed", "error": {"code": "internal_error", "message": "it broke"}}

    async def main():
        async with served(tmp_path, two(upstream.url)) as services:
            upstream.spoil(
                full_for(1, times=3), {"path": "openai/v1/videos/", "status": 200, "times": -1, "body": broke}
            )
            done = await end_of(services, await ask(services, "grok-video-3"))
            assert done.step is Step.SUCCEEDED, done.fault
            assert [(job.account, job.state) for job in await bought(services, done)] == [
                ("first", "failed"),
                ("next", "failed"),
                ("first", "failed"),
                ("first", "failed"),
                ("first", "succeeded"),
            ]
            assert (await services.store.check_ledger()).problems == ()

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 2, "one at each"


def test_a_pause_beyond_the_deadline_is_not_waited_for(tmp_path, upstream, monkeypatch):
    """The task ends at once, by the words of the one that was asked last."""
    monkeypatch.setenv("LONGTAKE_REMOTE_DEADLINE_S", "600")

    async def main():
        async with served(tmp_path, two(upstream.url)) as services:
            upstream.spoil(full_for(7200, times=-1), {**REFUSED, "times": -1})
            ended = await end_of(services, await ask(services, "grok-video-3"))
            assert (ended.step, code_of(ended)) == (Step.FAILED, "invalid_request")
            assert [job.account for job in await bought(services, ended)] == ["first", "next"]

    asyncio.run(main())


def test_who_was_full_is_known_after_a_restart(tmp_path, upstream):
    """Of a pause that is too short to be kept with the account, too; and who refused for good is not asked again."""
    before = len(upstream.jobs())

    async def main():
        async with served(tmp_path, two(upstream.url)) as services:
            upstream.spoil(full_for(3), {**REFUSED, "times": -1})
            task = await ask(services, "grok-video-3")
            while [job.state for job in await bought(services, task)] != ["failed", "failed"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        async with served(tmp_path, two(upstream.url)) as services:
            done = await end_of(services, task)
            assert [job.account for job in await bought(services, done)] == ["first", "next", "first"], done.fault
            assert done.step is Step.SUCCEEDED

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 1


def test_two_that_are_full_are_asked_no_faster_than_one(tmp_path, upstream):
    """Also where they ask for no pause: the task goes from one to the next at once, and then slower and slower."""
    toml = account("first", f"{upstream.url}/unified", "priority = 9") + account("next", f"{upstream.url}/unified")

    async def main():
        async with served(tmp_path, toml) as services:
            upstream.spoil(full_for(0, times=4))
            done = await end_of(services, await ask(services, "grok-video-3"))
            assert done.step is Step.SUCCEEDED, done.fault
            jobs = await bought(services, done)
            assert {job.account for job in jobs[:2]} == {"first", "next"}
            waits_ms = [later.started_ms - (job.ended_ms or 0) for job, later in itertools.pairwise(jobs)]
            assert len(waits_ms) == 4
            assert min(waits_ms[1:]) >= 1000, waits_ms

    asyncio.run(main())


NEXT_IS_FULL = {**full_for(2, times=-1), "path": "openai/v1/videos", "method": "POST"}
NO_MONEY = {"path": "unified/v1/video/create", "status": 402, "body": {"message": "out of credits"}}


async def tried_at_both(services: Services) -> Task:
    """A task that both accounts of `two` have refused once."""
    task = await ask(services, "grok-video-3")
    while len(await bought(services, task)) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return task


@pytest.mark.parametrize("next_is_off", [False, True])
def test_an_account_that_has_money_again_is_asked_again_while_the_other_is_full(
    tmp_path, upstream, *, next_is_off: bool
):
    """It was the account's matter and not the task's, which would otherwise wait, or end for an account that is off."""
    before = len(upstream.jobs())

    async def main():
        async with served(tmp_path, two(upstream.url)) as services:
            upstream.spoil(NO_MONEY, NEXT_IS_FULL)
            task = await tried_at_both(services)
            if next_is_off:
                await services.providers.switch("next", enabled=False)
            await services.providers.switch("first", enabled=True)
            done = await end_of(services, task)
            assert done.step is Step.SUCCEEDED, done.fault
            jobs = await bought(services, done)
            assert [(job.account, job.trouble) for job in jobs[:2]] == [("first", "funds"), ("next", "rate_limited")]
            assert (jobs[-1].account, len(jobs)) == ("first", 3)

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 1


def test_where_the_only_account_that_is_left_refused_for_good_its_words_are_told(tmp_path, upstream):
    """Not that all are switched off: that would be untrue."""
    broken = {"path": "unified/v1/video/create", "status": 400, "body": {"error": {"message": "not this"}}}

    async def main():
        async with served(tmp_path, two(upstream.url)) as services:
            upstream.spoil(broken, NEXT_IS_FULL)
            task = await tried_at_both(services)
            await services.providers.switch("next", enabled=False)
            ended = await end_of(services, task)
            assert (ended.step, code_of(ended)) == (Step.FAILED, "upstream_error")
            assert ended.fault is not None
            assert "slow down" in ended.fault.message

    asyncio.run(main())


def test_a_maker_that_refuses_for_load_is_passed_over_for_the_next(tmp_path, upstream):
    toml = account("first", f"{upstream.url}/unified", "priority = 9") + account("next", f"{upstream.url}/unified")
    before = len(upstream.jobs())

    async def main():
        async with served(tmp_path, toml) as services:
            upstream.spoil({"path": "create", "status": 503, "body": OVERLOADED})
            done = await end_of(services, await ask(services, "grok-video-3"))
            assert [(job.account, job.state) for job in await bought(services, done)] == [
                ("first", "failed"),
                ("next", "succeeded"),
            ], done.fault

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 1


@pytest.mark.parametrize(
    "said",
    [
        {"status": 503, "text": "<html><title>503 Service Temporarily Unavailable</title>"},
        {"status": 503, "body": {}},
        {"status": 503, "body": {"error": {"code": "ServiceUnavailable", "message": "no healthy upstream"}}},
        {"status": 503, "body": {"message": "the server is overloaded"}},
        {"status": 503, "body": {"error": {"message": "m", "type": "invalid_request_error", "code": None}}},
        {"status": 503, "body": {"error": {"message": "m", "type": "rate_limit_error", "code": "do_request_failed"}}},
        {"status": 502, "body": OVERLOADED},
        {"status": 504, "text": ""},
    ],
    ids=["page", "empty", "a gateway's JSON", "words alone", "a relay's type", "a relay's call", "502", "504"],
)
def test_a_gateways_answer_does_not_say_that_there_is_no_job(tmp_path, upstream, said: dict[str, object]):
    """And there is one: it was taken before the gateway answered. It is not bought again, also not elsewhere."""
    toml = account("first", f"{upstream.url}/unified", "priority = 9") + account("next", f"{upstream.url}/unified")
    before = len(upstream.jobs())

    async def main():
        async with served(tmp_path, toml) as services:
            upstream.spoil({"path": "create", "after": True, **said})
            ended = await end_of(services, await ask(services, "grok-video-3"))
            assert (ended.step, code_of(ended)) == (Step.FAILED, "submission_unconfirmed")
            assert [(job.account, job.state) for job in await bought(services, ended)] == [("first", "lost")]

    asyncio.run(main())
    assert len(upstream.jobs()) == before + 1
