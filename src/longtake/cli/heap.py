# SPDX-License-Identifier: Apache-2.0
"""The garbage collector of a server: what was made at its start is never looked through again."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 20_000
"""Made since the last look, before the collector looks again. Python's own 700 are fewer than a batch of requests at
work: it would look through them while they are all alive, some hundred times a second."""
YOUNG_LOOKS = 50
"""Before what has survived one is looked through again: it is jobs at their makers, which live for a minute. With
Python's own 10 a server that is given 500 jobs a second stood still for 80 ms every second and a half, for nothing."""


def collect_nothing_yet() -> None:
    """Leave the collector off while modules are imported: next to nothing of that is garbage."""
    gc.disable()


def collect_what_requests_leave() -> None:
    """Set aside all that exists, and let the collector look at what comes from now on."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, 10)
    gc.enable()
