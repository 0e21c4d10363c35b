# SPDX-License-Identifier: Apache-2.0
"""One fake upstream for a module, well behaved again before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.fakes.upstream.process import RunningUpstream, running_upstream


@pytest.fixture(scope="module")
def started_upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture
def upstream(started_upstream: RunningUpstream) -> RunningUpstream:
    started_upstream.spoil()
    started_upstream.set(
        render_s=0.2, outcome="succeeded", returns="whole", style="", counts_once=False, new_s=1.0, file=""
    )
    return started_upstream
