# SPDX-License-Identifier: Apache-2.0
"""When an account rests, and when it is asked again."""

from __future__ import annotations

from longtake.providers.base import ProviderFault, Trouble
from longtake.routing.health import (
    FAILURES_TO_OPEN,
    FIRST_REST_MS,
    LONGEST_ASKED_REST_MS,
    LONGEST_REST_MS,
    OPERATOR_PAUSE_MS,
    Health,
)
from longtake.tasks.faults import note_on_health, verdict_on


def broken(times: int, now_ms: int = 0) -> Health:
    health = Health()
    for _ in range(times):
        health.failed("status 500", now_ms)
    return health


def test_some_failures_in_a_row_open_the_breaker():
    assert broken(FAILURES_TO_OPEN - 1).may_ask(0)
    health = broken(FAILURES_TO_OPEN)
    assert not health.may_ask(FIRST_REST_MS - 1)
    assert health.may_ask(FIRST_REST_MS)


def test_after_the_rest_one_failure_opens_it_for_longer():
    health = broken(FAILURES_TO_OPEN)
    health.failed("status 500", FIRST_REST_MS)
    assert not health.may_ask(FIRST_REST_MS + 2 * FIRST_REST_MS - 1)
    assert health.may_ask(FIRST_REST_MS + 2 * FIRST_REST_MS)


def test_a_success_forgets_all():
    health = broken(FAILURES_TO_OPEN)
    health.worked()
    assert health.may_ask(0)
    health.failed("once", 0)
    assert health.may_ask(0)


def test_rests_have_a_limit():
    health = broken(FAILURES_TO_OPEN)
    for _ in range(100):
        health.failed("status 500", 0)
    assert health.condition.rests_until_ms <= LONGEST_REST_MS


def test_retry_after_is_honoured():
    health = Health()
    note_on_health(health, ProviderFault(trouble=Trouble.RATE_LIMITED, message="slow down", retry_after_s=7), 1_000)
    assert not health.may_ask(7_999)
    assert health.may_ask(8_000)


def test_a_long_retry_after_is_honoured_up_to_a_day():
    health = Health()
    note_on_health(health, ProviderFault(trouble=Trouble.RATE_LIMITED, message="", retry_after_s=10 * 86_400), 0)
    assert health.condition.rests_until_ms == LONGEST_ASKED_REST_MS == 24 * 3_600_000


def test_polls_that_work_end_no_pause_that_was_asked_for():
    health = broken(FAILURES_TO_OPEN)
    health.rest(7_000, "funds: no money", 0)
    health.worked()
    assert (health.condition.failures, health.condition.why) == (0, "funds: no money")
    assert not health.may_ask(6_999)
    assert health.may_ask(7_000)
    health.forget()
    assert health.may_ask(0)


def test_a_shorter_pause_does_not_end_a_longer_one():
    health = Health()
    health.rest(60_000, "funds", 0)
    health.rest(1_000, "rate_limited", 0)
    health.failed("status 500", 0)
    assert (health.condition.rests_until_ms, health.condition.why) == (60_000, "funds")


def test_a_refused_key_waits_for_a_person_and_tells_the_owner_nothing_of_it():
    health = Health()
    fault = ProviderFault(trouble=Trouble.AUTH, message="key sk-canary of account 17 is wrong")
    note_on_health(health, fault, 0)
    assert health.condition.rests_until_ms == OPERATOR_PAUSE_MS
    assert "canary" not in verdict_on(fault).fault.message


def test_moderation_is_nobodys_illness_and_nobody_else_is_asked():
    health = Health()
    fault = ProviderFault(trouble=Trouble.MODERATION, message="violence")
    note_on_health(health, fault, 0)
    assert health.may_ask(0)
    verdict = verdict_on(fault)
    assert not verdict.ask_another
    assert (verdict.fault.code, verdict.fault.param) == ("content_policy_violation", "prompt")


def test_every_trouble_has_a_verdict_with_words():
    for trouble in Trouble:
        verdict = verdict_on(ProviderFault(trouble=trouble, message=""))
        assert verdict.fault.code
        assert verdict.fault.message
        assert verdict.fault.message_zh
