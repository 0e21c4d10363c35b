# SPDX-License-Identifier: Apache-2.0
"""Token buckets: how often somebody may do something that costs others."""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

from longtake.store.sqlite.queries import Cell, fetch_first


def take_token(connection: apsw.Connection, asked: Mapping[str, Cell]) -> float:
    """See Store.take_token. `asked` are its `key`, `most`, `fills_ms` and `now_ms`."""
    if fetch_first(connection, "take_token", asked) is not None:
        return 0.0
    row = fetch_first(connection, "tokens", asked)
    tokens, most, fills_ms = msgspec.convert(
        (row[0] if row else 0.0, asked["most"], asked["fills_ms"]), tuple[float, float, int], strict=False
    )
    return max(0.001, (1 - tokens) * fills_ms / most / 1000)
