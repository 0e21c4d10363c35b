# SPDX-License-Identifier: Apache-2.0
"""SQLite's errors in longtake's words."""

from __future__ import annotations

import logging

import apsw

from longtake.errors import StoreFailed, StoreFull

_log = logging.getLogger("longtake.store")


def explain(error: apsw.Error) -> StoreFailed:
    """The error to raise in place of SQLite's own. Its words reach callers; what names tables goes to the log alone."""
    if isinstance(error, apsw.FullError):
        return StoreFull("the disk or the database is full; nothing was stored. Free some room, then try again")
    if isinstance(error, apsw.ConstraintError):
        _log.warning("SQLite refused a record: %s", error)
        return StoreFailed("the record has this already; nothing was stored")
    _log.error("SQLite failed: %s: %s", type(error).__name__, error)
    return StoreFailed("the database did not do this; nothing was stored. Try again, or see the server's log")
