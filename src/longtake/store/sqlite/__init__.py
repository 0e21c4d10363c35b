# SPDX-License-Identifier: Apache-2.0
"""The record in one SQLite file, owned by one process."""

from longtake.store.sqlite.adapter import SqliteStore

__all__ = ["SqliteStore"]
