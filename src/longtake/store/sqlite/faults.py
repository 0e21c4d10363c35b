# SPDX-License-Identifier: Apache-2.0
"""SQLite's errors in longtake's words."""

from __future__ import annotations

import apsw

from longtake.errors import StoreFailed, StoreFull


def explain(error: apsw.Error) -> StoreFailed:
    """The error to raise in place of SQLite's own."""
    if isinstance(error, apsw.FullError):
        return StoreFull("the disk or the database is full; nothing was stored. Free some room, then try again")
    if isinstance(error, apsw.ConstraintError):
        return StoreFailed(f"the record has this already; nothing was stored ({error})")
    return StoreFailed(f"the database did not do this ({type(error).__name__}: {error}); nothing was stored. Try again")
