# SPDX-License-Identifier: Apache-2.0
"""What a process of a home is told to do, and with which status it ends."""

from __future__ import annotations

import msgspec
from tests.failpoints.edges import Moment

MISSED, UNFINISHED, WRONG = 3, 4, 5
"""Exit statuses: the target was never reached; tasks did not end; something does not add up."""


class Wish(msgspec.Struct, frozen=True):
    """A request of a client, who repeats it under its key until it is answered."""

    key: str
    scenario: str
    prompt: str
    there: str = ""
    """The id of a video that a provider has and that nobody ordered here."""
    task_id: str = ""
    """Its task, which is to be deleted once it has ended."""


class Orders(msgspec.Struct, frozen=True):
    """What one process is to do."""

    home: str
    scenario: str
    upstreams: tuple[str, str]
    port: int
    """Where makers fetch their inputs."""
    seed: str
    target: tuple[str, Moment] | None = None
    wishes: tuple[Wish, ...] = ()
    late: bool = False
    last: bool = False
    """Look at everything at the end."""
