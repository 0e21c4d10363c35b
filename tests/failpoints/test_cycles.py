# SPDX-License-Identifier: Apache-2.0
"""Real servers under random trouble for a few seconds; CONTRIBUTING.md has the form that goes on for minutes."""

from __future__ import annotations

import secrets

import pytest
from tests.failpoints.cycles import END_WITHIN_S, run, summary

SECONDS = 12


@pytest.mark.timeout(4 * END_WITHIN_S)
@pytest.mark.parametrize("behind", ["fake", "longtake"])
def test_random_troubles_lose_and_double_nothing(tmp_path, behind):
    seed = secrets.token_hex(4)
    print(f"python -m tests.failpoints.cycles --seconds {SECONDS} --behind {behind} --seed {seed} --clients 3")
    world = run(tmp_path, seconds=SECONDS, behind=behind, seed=seed, clients=3)
    print(summary(world))
    assert world.wrong == []
    assert sum(world.troubles.values()) > 0
    assert any(wish.end == "succeeded" for wish in world.wishes)
