# SPDX-License-Identifier: Apache-2.0
"""A fake upstream for a module's tests, as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.fakes.upstream.process import KEY, RunningUpstream, running_upstream


@pytest.fixture(scope="module")
def started_upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(started_upstream: RunningUpstream, monkeypatch: pytest.MonkeyPatch) -> RunningUpstream:
    monkeypatch.setenv("ROUTING_KEY", KEY)
    started_upstream.spoil()
    started_upstream.set(
        render_s=0.05, outcome="succeeded", returns="whole", style="", new_s=1.0, file="", poll_after_ms=50
    )
    return started_upstream
