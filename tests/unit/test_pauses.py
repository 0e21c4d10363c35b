# SPDX-License-Identifier: Apache-2.0
"""When a provider is asked about a job: soon at first, seldom later, never before it wished, and not all at once."""

from __future__ import annotations

import pytest

from longtake.catalog.catalog import shipped_catalog
from longtake.egress.client import Egress
from longtake.routing.live_accounts import LiveAccounts
from longtake.routing.names import ModelNames
from longtake.tasks.remote import Remote
from longtake.tasks.steps.polling import first_wait_s, next_wait_s

REMOTE = Remote(accounts=LiveAccounts(), egress=Egress(), names=ModelNames(shipped_catalog()))
DRAWS = range(200)


def test_a_job_just_bought_is_left_alone_for_the_first_pause() -> None:
    assert first_wait_s(REMOTE, 0.0, 50) == REMOTE.first_pause_s
    assert first_wait_s(REMOTE, 0.4, 50) == pytest.approx(REMOTE.first_pause_s - 0.4)


def test_many_jobs_at_an_account_wait_longer_so_that_it_is_asked_fifty_times_a_second_at_most() -> None:
    assert first_wait_s(REMOTE, 0.0, 100) == 2
    assert first_wait_s(REMOTE, 0.5, 400) == 7.5
    assert first_wait_s(REMOTE, 0.0, 5000) == REMOTE.longest_pause_s
    means_s = [sum(next_wait_s(REMOTE, 1.0, jobs) for _ in DRAWS) / len(DRAWS) for jobs in (1, 250, 5000)]
    assert means_s == pytest.approx([1.3, 5, 10], rel=0.1)


@pytest.mark.parametrize("age_s", [0.0, 5.0, 3600.0])
def test_nobody_is_asked_before_the_moment_that_the_provider_has_named(age_s: float) -> None:
    waits_s = [next_wait_s(REMOTE, age_s, 9, 7.0) for _ in DRAWS] + [first_wait_s(REMOTE, age_s, 9, 7.0) for _ in DRAWS]
    assert min(waits_s) >= 7.0
    assert max(waits_s) <= 7.0 * 1.2
    assert len(set(waits_s)) > 100


def test_pauses_grow_with_the_age_of_the_job_and_have_an_end() -> None:
    means_s = [sum(next_wait_s(REMOTE, age_s, 1) for _ in DRAWS) / len(DRAWS) for age_s in (0, 10, 20, 60, 1e9)]
    assert means_s == pytest.approx([1, 4, 7, 10, 10], rel=0.1)


def test_jobs_taken_up_at_a_restart_are_spread_by_how_many_there_are() -> None:
    assert first_wait_s(REMOTE, 600.0, 1) <= 0.002
    waits_s = sorted(first_wait_s(REMOTE, 600.0, 5000) for _ in DRAWS)
    assert waits_s[-1] <= REMOTE.longest_pause_s
    assert waits_s[len(waits_s) // 2] == pytest.approx(REMOTE.longest_pause_s / 2, rel=0.4)
