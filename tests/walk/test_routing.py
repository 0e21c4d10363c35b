# SPDX-License-Identifier: Apache-2.0
"""Who is asked for a task: aliases, spend caps, switches and pauses that outlive the process, and the maker's account.

The whole application without HTTP, against a fake upstream in a process of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import urllib.request
from email.utils import formatdate

import pytest
from tests.fakes.house import code_of
from tests.fakes.upstream.process import KEY
from tests.walk.routed import BOTH, WHO, account, ask, bought, end_of, reach, served

from longtake.accounts import LONGTAKE
from longtake.errors import ConfigurationError, ModelNotFound, NoMaker
from longtake.types import SECOND_US, Mode, Operation, Principal, Step, Submission, TaskSource

# ---- aliases ---------------------------------------------------------------------------------------------------------


def test_an_alias_goes_from_one_model_to_the_next_at_the_same_account(tmp_path, upstream):
    toml = account("relay", f"{upstream.url}/unified", models=BOTH) + '[aliases]\n"cats" = ["try-a", "try-b"]\n'

    async def main():
        async with served(tmp_path, toml) as services:
            upstream.spoil({"path": "create", "status": 400, "body": {"code": "x", "message": "not this model"}})
            done = await end_of(services, await ask(services, " Cats"))
            assert done.step is Step.SUCCEEDED, done.fault
            assert done.model_requested.strip() == "Cats"
            assert (done.plan.maker.name, done.plan.maker.model) == ("try-b", "grok-video-3-pro")
            assert [(job.model, job.state) for job in await bought(services, done)] == [
                ("try-a", "failed"),
                ("try-b", "succeeded"),
            ]
            listed = {model.model.name: model.stands_for for model in services.service.models()}
            assert listed["cats"] == ("try-a", "try-b")
            route = await services.providers.route("cats", Operation.EXTEND, 6 * SECOND_US)
            assert (route.stands_for, [row.name for row in route.candidates]) == (
                ("try-a", "try-b"),
                ["try-a", "try-b"],
            )

    asyncio.run(main())


def test_an_alias_falls_back_on_the_built_in_engine_while_its_provider_rests(tmp_path, upstream):
    toml = account("relay", f"{upstream.url}/unified") + '[aliases]\n"cats" = ["grok-video-3", "longtake-cpu"]\n'

    async def main():
        async with served(tmp_path, toml) as services:
            rule = {"path": "create", "status": 429, "headers": {"Retry-After": "3600"}, "body": {"message": "wait"}}
            upstream.spoil(rule)
            rests = await ask(services, "grok-video-3")
            while not (await services.providers.statuses())[0].rests_until_ms:  # noqa: ASYNC110  (nothing tells)
                await asyncio.sleep(0.02)
            here = await reach(services, await ask(services, "cats"), Step.GENERATING, Step.STORING, Step.SUCCEEDED)
            assert (here.plan.maker.mode, here.plan.maker.engine, here.plan.tariff) == (Mode.LOCAL, "classic", None)
            assert "longtake-cpu makes this" in here.warnings[-1]
            assert await bought(services, here) == []
            for task in (here, rests):
                await services.service.cancel(WHO, task.id)

    asyncio.run(main())


def test_an_unknown_model_is_told_what_there_is_here(tmp_path, upstream):
    """The accounts' models and the aliases, and of the catalogue what is made here: nothing that needs a provider."""

    async def main():
        toml = account("one", f"{upstream.url}/unified", models='["my-model", "grok-video-3"]')
        async with served(tmp_path, toml + '[aliases]\n"our best" = ["my-model"]\n') as services:
            with pytest.raises(ModelNotFound) as refused:
                await ask(services, "my-modle")
            for words in (refused.value.message, refused.value.message_zh or ""):
                assert all(
                    name in words for name in ("my-modle", "my-model", "our best", "grok-video-3", "longtake-cpu")
                )
                assert "sora-2" not in words
            with pytest.raises(ModelNotFound) as at_desk:
                await services.providers.route("my-modle", Operation.CREATE)
            assert at_desk.value.message == refused.value.message

    asyncio.run(main())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[aliases]\n"cats" = ["dogs"]\n', "'dogs', which is no model here"),
        ('[aliases]\n"try-a" = ["grok-video-3"]\n', "is a model's own name"),
        ('[prices."dogs"]\nrequest_usd = "1"\n', "a price for 'dogs'"),
        ('[prices."try-a"]\nsecond_us = "1"\n', r'\[prices\."try-a"\] in longtake.toml cannot be used'),
        ("options = { counts_onc = true }\n", "'counts_onc' under options, .* did you mean counts_once\\?"),
        ('options = { counts_once = "yes" }\n', "option counts_once of provider"),
    ],
)
def test_tables_that_cannot_work_stop_the_start(tmp_path, upstream, more: str, says: str):
    async def main():
        with pytest.raises(ConfigurationError, match=says):
            async with served(tmp_path, account("relay", upstream.url, models=BOTH) + more):
                pass

    asyncio.run(main())


def test_an_account_that_cannot_work_stops_the_start_and_one_without_its_key_is_told(
    tmp_path, upstream, monkeypatch, caplog
):
    async def main():
        with pytest.raises(
            ConfigurationError, match=r"provider 'relay' in longtake.toml: there is no kind .* 'unifed'"
        ):
            async with served(tmp_path, account("relay", upstream.url).replace('"unified"', '"unifed"')):
                pass
        monkeypatch.delenv("ROUTING_KEY")
        async with served(tmp_path, account("relay", upstream.url)):
            assert "'relay' gets no jobs: the environment variable ROUTING_KEY is not set, or empty" in caplog.text

    asyncio.run(main())


# ---- spend caps ------------------------------------------------------------------------------------------------------


COST = 'cost_usd_per_second = { "grok-video-3" = "0.10" }'


def test_a_cap_holds_over_restarts_and_when_all_submit_at_once(tmp_path, upstream, caplog):
    toml = account("relay", f"{upstream.url}/unified", 'spend_cap_usd = "1.30"', COST)

    async def main():
        async with served(tmp_path, toml) as services:
            ends = await asyncio.gather(
                *[end_of(services, task) for task in [await ask(services, "grok-video-3") for _ in range(5)]]
            )
            assert sorted(task.step.value for task in ends) == ["failed"] * 3 + ["succeeded"] * 2
            assert {code_of(task) for task in ends} == {None, "spend_cap_reached"}
            assert [task.cost_microusd for task in ends] == [0] * 5
        async with served(tmp_path, toml) as services:
            again = await end_of(services, await ask(services, "grok-video-3"))
            assert code_of(again) == "spend_cap_reached"
            assert await bought(services, again) == []
            (status,) = await services.providers.statuses()
            assert (status.spent_microusd, status.spend_cap_microusd, status.spend_window) == (
                1_200_000,
                1_300_000,
                "month",
            )
            (row,) = (await services.providers.route("grok-video-3", Operation.CREATE, 6 * SECOND_US)).candidates
            assert (row.can, row.reason, row.cost_microusd) == (False, "spend_cap", 600_000)
            assert row.until_ms == status.window_ends_ms > time.time() * 1000
            assert "has spent $1.20 of $1.30 a month" in row.why
            await services.ready()

    before = len(upstream.jobs())
    asyncio.run(main())
    assert len(upstream.jobs()) == before + 2
    told = [record for record in caplog.records if "passed over until its budget" in record.message]
    assert len(told) == 2, "once a process and window"


def test_an_account_at_its_cap_is_passed_over_for_the_next(tmp_path, upstream):
    toml = account("cheap", f"{upstream.url}/unified", "priority = 2", 'spend_cap_usd = "0.50"', COST) + account(
        "other", f"{upstream.url}/unified"
    )

    async def main():
        async with served(tmp_path, toml) as services:
            done = await end_of(services, await ask(services, "grok-video-3"))
            assert (done.step, done.plan.maker.provider) == (Step.SUCCEEDED, "other")

    asyncio.run(main())


def test_a_cap_over_a_model_whose_cost_nobody_knows_stops_the_start(tmp_path, upstream):
    capped = account("relay", upstream.url, 'spend_cap_usd = "1"')

    async def main():
        with pytest.raises(ConfigurationError, match="nobody knows what 'grok-video-3' costs"):
            async with served(tmp_path, capped):
                pass
        async with served(tmp_path, capped + '[prices."grok-video-3"]\nsecond_usd = { 1080 = "0.07" }\n') as services:
            (row,) = (await services.providers.route("grok-video-3", Operation.CREATE, 10 * SECOND_US)).candidates
            assert row.cost_microusd == 700_000

    asyncio.run(main())


# ---- what outlives the process ---------------------------------------------------------------------------------------


def test_a_switch_and_a_long_pause_outlive_the_process(tmp_path, upstream):
    toml = account("relay", f"{upstream.url}/unified") + account("spare", f"{upstream.url}/unified", "priority = -1")

    async def main():
        async with served(tmp_path, toml) as services:
            assert not (await services.providers.switch("spare", enabled=False)).enabled
            rule = {"path": "create", "status": 403, "body": {"code": "insufficient_user_quota", "message": "empty"}}
            upstream.spoil({**rule, "times": -1})
            failed = await end_of(services, await ask(services, "grok-video-3"))
            assert code_of(failed) == "upstream_error"
            relay, spare = await services.providers.statuses()
            assert (relay.why, spare.usable) == ("funds: empty", False)
            until_ms = relay.rests_until_ms
            assert until_ms > time.time() * 1000 + 200_000
        upstream.spoil()
        async with served(tmp_path, toml) as services:
            relay, spare = await services.providers.statuses()
            assert (relay.rests_until_ms, relay.why, spare.enabled) == (until_ms, "funds: empty", False)
            rows = (await services.providers.route("grok-video-3", Operation.CREATE)).candidates
            assert {row.account: (row.reason, row.until_ms) for row in rows} == {
                "relay": ("resting", until_ms),
                "spare": ("switched_off", 0),
            }
            await services.providers.switch("relay", enabled=True)
            assert (await end_of(services, await ask(services, "grok-video-3"))).step is Step.SUCCEEDED
        async with served(tmp_path, toml) as services:
            relay, spare = await services.providers.statuses()
            assert (relay.rests_until_ms, spare.enabled) == (0, False)
            await services.providers.switch("relay", enabled=False)
            with pytest.raises(NoMaker):
                await ask(services, "grok-video-3")

    asyncio.run(main())


@pytest.mark.parametrize("form", ["seconds", "a date"])
def test_a_cool_down_lasts_as_long_as_the_provider_asked(tmp_path, upstream, form: str):
    """Retry-After in both of its forms: until then the next account is asked, and the first is left alone."""
    toml = account("first", f"{upstream.url}/unified", "priority = 9") + account("next", f"{upstream.url}/unified")
    asked_s = 8

    async def main():
        async with served(tmp_path, toml) as services:
            until_s = time.time() + asked_s
            text = formatdate(until_s, usegmt=True) if form == "a date" else str(asked_s)
            upstream.spoil(
                {"path": "create", "status": 429, "headers": {"Retry-After": text}, "body": {"message": "!"}}
            )
            limited = await reach(services, await ask(services, "grok-video-3"), Step.POLLING, Step.SUCCEEDED)
            assert [(job.account, job.state) for job in (await bought(services, limited))[:1]] == [("first", "failed")]
            first, _ = await services.providers.statuses()
            assert first.rests_until_ms / 1000 == pytest.approx(until_s, abs=2)
            assert first.why == "rate_limited"
            other = await reach(services, await ask(services, "grok-video-3"), Step.POLLING, Step.SUCCEEDED)
            assert time.time() < until_s - 2, "the machine is too slow for this test"
            assert [job.account for job in await bought(services, other)] == ["next"]
            rows = (await services.providers.route("grok-video-3", Operation.CREATE)).candidates
            assert [(row.account, row.reason) for row in rows] == [("next", "ready"), ("first", "resting")]
            await asyncio.sleep(max(0.0, first.rests_until_ms / 1000 - time.time()) + 0.05)
            again = await end_of(services, await ask(services, "grok-video-3"))
            assert (again.step, again.plan.maker.provider) == (Step.SUCCEEDED, "first")

    asyncio.run(main())


# ---- what makers say ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("misses", [2, 3])
def test_a_job_is_lost_when_its_maker_has_said_so_three_times_in_a_row(tmp_path, upstream, misses: int):
    async def main():
        async with served(tmp_path, account("relay", f"{upstream.url}/unified")) as services:
            says_no = {"status": 404, "headers": {"retry-after-ms": "50"}, "body": {"code": "task_not_exist"}}
            upstream.spoil({"path": "/query", "times": misses, **says_no})
            ended = await end_of(services, await ask(services, "grok-video-3"))
            (job,) = await bought(services, ended)
            if misses < 3:
                assert (ended.step, job.state) == (Step.SUCCEEDED, "succeeded"), ended.fault
            else:
                assert (ended.step, code_of(ended), job.state) == (Step.FAILED, "upstream_lost", "lost")

    asyncio.run(main())


@pytest.mark.parametrize("location", ["http://10.0.0.1/login", "ftp://x/", "http://[", "/unified/v1/elsewhere"])
def test_a_question_that_is_sent_astray_says_nothing_about_the_job(tmp_path, upstream, location: str):
    """A proxy that sends everybody to its page for a moment: what was bought is asked for again."""

    async def main():
        async with served(tmp_path, account("relay", f"{upstream.url}/unified")) as services:
            upstream.spoil({"path": "/query", "times": 2, "status": 302, "headers": {"location": location}})
            ended = await end_of(services, await ask(services, "grok-video-3"))
            (job,) = await bought(services, ended)
            assert (ended.step, job.state) == (Step.SUCCEEDED, "succeeded"), ended.fault

    asyncio.run(main())


@pytest.mark.parametrize(
    "content", [b"<!doctype html><title>Sign in</title>", b"\0\0\0\x08ftyp"], ids=["page", "cut off"]
)
def test_a_file_inside_an_answer_is_looked_at_like_any_other(tmp_path, upstream, content: bytes):
    async def main():
        async with served(tmp_path, account("relay", f"{upstream.url}/unified")) as services:
            inline = f"data:video/mp4;base64,{base64.b64encode(content).decode()}"
            said = {"id": "x", "status": "completed", "video_url": inline}
            upstream.spoil({"path": "/query", "times": 1, "status": 200, "body": said})
            ended = await end_of(services, await ask(services, "grok-video-3"))
            (job,) = await bought(services, ended)
            assert (ended.step, job.state) == (Step.SUCCEEDED, "succeeded"), ended.fault

    asyncio.run(main())


def test_a_status_that_nobody_knows_is_running_and_told_once(tmp_path, upstream, caplog):
    async def main():
        async with served(tmp_path, account("relay", f"{upstream.url}/unified")) as services:
            said = {"id": "x", "status": "meditating"}
            soon = {"openai-poll-after-ms": "50"}
            upstream.spoil({"path": "/query", "times": 3, "status": 200, "headers": soon, "body": said})
            task = await ask(services, "grok-video-3")
            assert (await reach(services, task, Step.POLLING, Step.SUCCEEDED)).fault is None
            assert (await end_of(services, task)).step is Step.SUCCEEDED

    asyncio.run(main())
    told = [record for record in caplog.records if "'meditating', which is taken as running" in record.message]
    assert (len(told), told[0].levelname) == (1, "WARNING")


def test_an_alias_goes_over_several_providers_and_a_failed_job_to_the_next(tmp_path, upstream):
    """A job that was accepted and failed is tried at another maker, as a new job; it is never charged twice."""
    toml = (
        account("relay", f"{upstream.url}/unified", COST)
        + account("xai", f"{upstream.url}/xai", models='{ "imagine" = "grok-imagine-video" }').replace("unified", "xai")
        + '[aliases]\n"best" = ["grok-video-3", "imagine"]\n[prices."grok-video-3"]\nsecond_usd = { 2160 = "0.20" }\n'
        + '[prices."imagine"]\nsecond_usd = { 2160 = "0.20" }\n'
    )

    async def main():
        async with served(tmp_path, toml) as services:
            route = await services.providers.route("best", Operation.EXTEND, 6 * SECOND_US)
            assert [(row.account, row.name, row.way) for row in route.candidates] == [
                ("relay", "grok-video-3", "picture"),
                ("xai", "imagine", "inline"),
            ]
            broke = {"id": "x", "status": "failed", "error": {"code": "internal_error", "message": "it broke"}}
            upstream.spoil({"path": "unified/v1/video/query", "status": 200, "body": broke})
            done = await end_of(services, await ask(services, "best"))
            assert (done.step, done.plan.maker.provider, done.plan.maker.name) == (Step.SUCCEEDED, "xai", "imagine")
            assert [(job.account, job.state) for job in await bought(services, done)] == [
                ("relay", "failed"),
                ("xai", "succeeded"),
            ]
            assert done.cost_microusd == 6 * 200_000
            report = await services.store.check_ledger()
            assert report.problems == ()

    asyncio.run(main())


def test_a_video_that_is_waited_for_at_a_provider_that_was_taken_away(tmp_path, upstream):
    """The wait ends with the reason, not with its deadline a day later."""
    order = urllib.request.Request(
        f"{upstream.url}/unified/v1/video/create",
        json.dumps({"model": "grok-video-3", "prompt": "a cat [render=60]"}).encode(),
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(order, timeout=20) as answer:
        there = str(json.loads(answer.read())["id"])
    may_adopt = Principal(tenant_id="default", key_id="k", admin=True, adopt=True)

    async def main():
        async with served(tmp_path, account("relay", f"{upstream.url}/unified")) as services:
            wish = Submission(
                operation=Operation.EXTEND, dialect="unified", prompt="on", model="grok-video-3", start_us=SECOND_US,
                source=TaskSource(task_id=there), wait_for_source=True,
            )  # fmt: skip
            task = (await services.service.submit(may_adopt, wish)).task
            assert task.step is Step.WAITING
        async with served(tmp_path, account("another", f"{upstream.url}/unified")) as services:
            ended = await end_of(services, task)
            assert (ended.step, code_of(ended)) == (Step.FAILED, "source_unusable")
            assert ended.fault is not None
            assert "not set up here any more" in ended.fault.message

    asyncio.run(main())


@pytest.mark.parametrize("how", ["refused", "failed"])
def test_an_alias_falls_back_on_the_built_in_engine_when_its_provider_refuses_or_fails(tmp_path, upstream, how: str):
    toml = account("relay", f"{upstream.url}/unified") + '[aliases]\n"cats" = ["grok-video-3", "longtake-cpu"]\n'
    broke = {"id": "x", "status": "failed", "error": {"code": "internal_error", "message": "it broke"}}
    rules = {
        "refused": {"path": "create", "status": 400, "body": {"code": "x", "message": "not this model"}},
        "failed": {"path": "query", "status": 200, "body": broke},
    }

    async def main():
        async with served(tmp_path, toml) as services:
            upstream.spoil(rules[how])
            task = await reach(services, await ask(services, "cats"), Step.GENERATING)
            assert (task.plan.maker.provider, task.plan.maker.mode) == (LONGTAKE, Mode.LOCAL)
            assert "no provider could do it" in " ".join(task.plan.warnings)
            assert [job.state for job in await bought(services, task)] == ["failed"]
            await services.service.cancel(WHO, task.id)

    asyncio.run(main())


# ---- follow-ups ------------------------------------------------------------------------------------------------------


def test_a_follow_up_goes_to_the_account_that_has_the_video(tmp_path, upstream):
    """Both can go on from it by a picture; only the maker can by its id, and it is asked first for all its priority."""
    maker = account("maker", f"{upstream.url}/unified")
    other = account("other", f"{upstream.url}/unified", "priority = 9")

    async def main():
        async with served(tmp_path, maker) as services:
            made = await end_of(services, await ask(services, "grok-video-3"))
        source = {"source": TaskSource(task_id=made.id)}
        async with served(tmp_path, maker + other) as services:
            longer = await end_of(
                services, await ask(services, "grok-video-3", Operation.EXTEND, start_us=SECOND_US, **source)
            )
            assert (longer.plan.maker.provider, longer.plan.maker.mode) == ("maker", Mode.NATIVE), longer.fault
            told = await services.providers.route_from(
                "grok-video-3", Operation.EXTEND, made.id, start_us=SECOND_US, new_us=6 * SECOND_US
            )
            assert (told.source_at, [(row.account, row.can, row.way) for row in told.candidates]) == (
                "maker",
                [("maker", True, "id"), ("other", True, "picture")],
            ), "in the order of the walk, not that of the priorities"
            assert "it has this video" in told.candidates[0].why
            told = await services.providers.route_from("grok-video-3", Operation.REMIX, made.id)
            assert [(row.account, row.reason) for row in told.candidates] == [
                ("maker", "ready"),
                ("other", "operation"),
            ]
            assert "only its own videos, by their id there, which this is not" in told.candidates[1].why
            remixed = await end_of(services, await ask(services, "grok-video-3", Operation.REMIX, **source))
            assert (remixed.step, remixed.plan.maker.provider) == (Step.SUCCEEDED, "maker"), remixed.fault
        async with served(tmp_path, other) as services:
            refused = await end_of(services, await ask(services, "grok-video-3", Operation.REMIX, **source))
            assert code_of(refused) == "operation_not_supported", "nobody but its maker can"

    asyncio.run(main())
