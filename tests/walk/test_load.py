# SPDX-License-Identifier: Apache-2.0
"""What becomes of tasks whose makers have too much to do: where their answer says so for sure, and where it does not.

The whole application without HTTP, against a fake upstream in a process of its own.
"""

from __future__ import annotations

import asyncio

import pytest
from tests.fakes.house import code_of
from tests.walk.routed import account, ask, bought, end_of, served

from longtake.types import Step

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
        {"status": 502, "body": OVERLOADED},
        {"status": 504, "text": ""},
    ],
    ids=["page", "empty", "a gateway's JSON", "words alone", "502", "504"],
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
