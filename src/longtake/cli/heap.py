# SPDX-License-Identifier: Apache-2.0
"""The garbage collector of a server: what was made at its start is never looked through again."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 10_000
"""Made since the last look, before the collector looks again. Python's own 700 are fewer than a batch of requests at
work: it would look through them while they are all alive, some hundred times a second."""


def collect_nothing_yet() -> None:
    """Leave the collector off while modules are imported: next to nothing of that is garbage."""
    gc.disable()


def collect_what_requests_leave() -> None:
    """Set aside all that exists, and let the collector look at what comes from now on."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()
