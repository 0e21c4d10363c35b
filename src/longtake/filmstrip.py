# SPDX-License-Identifier: Apache-2.0
"""How a sheet of small pictures is laid out: a rule of the length alone, so that who shows one need not ask. Pure."""

from __future__ import annotations

import math

from longtake.types import SECOND_US, Value

COLUMNS = 10
MOST_TILES = 100


class Sheet(Value, frozen=True):
    """`count` pictures, row by row, one every `interval_us`."""

    columns: int
    rows: int
    count: int
    interval_us: int


def sheet_of(duration_us: int) -> Sheet:
    """The sheet of a video: a picture a second, fewer where that would be more than MOST_TILES."""
    interval_us = max(SECOND_US, math.ceil(duration_us / MOST_TILES))
    count = max(1, math.ceil(duration_us / interval_us))
    columns = min(COLUMNS, count)
    return Sheet(columns=columns, rows=math.ceil(count / columns), count=count, interval_us=interval_us)
