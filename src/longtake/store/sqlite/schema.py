# SPDX-License-Identifier: Apache-2.0
"""Opening the file: connections, whose file it is, and its migration."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import cast

import apsw
import msgspec

from longtake.errors import ConfigurationError
from longtake.store.base import Installation
from longtake.store.sqlite.queries import fetch, fetch_first, migrations, run

APPLICATION_ID = 0x4C54_414B
"""`LTAK` in the file's header: a file of another program is never touched."""

BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_PAGES = 4_000
READ_BUSY_TIMEOUT_MS = 1_000
READ_CACHE_KIB = 8_192


def connect_writer(path: Path, max_pages: int) -> apsw.Connection:
    """The writing connection. Raises ConfigurationError if the file cannot be used.

    `synchronous = FULL`: in WAL mode less than that may lose acknowledged commits at a power loss
    (sqlite.org/pragma.html#pragma_synchronous).
    """
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        _check_owner(connection, path)
        run(connection, "pragma journal_mode = wal")
        run(connection, "pragma synchronous = full")
        run(connection, f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
        run(connection, "pragma temp_store = memory")
        if max_pages:
            run(connection, f"pragma max_page_count = {max_pages}")
    except apsw.NotADBError as error:
        raise ConfigurationError(
            f"{str(path)!r} is not a SQLite database: choose another --home", param="home"
        ) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise ConfigurationError(
            f"the database {str(path)!r} cannot be opened for writing ({error}): choose a --home that you may write",
            param="home",
        ) from error
    return connection


def connect_reader(path: Path) -> apsw.Connection:
    """A read-only connection to a file that a writer has opened."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(READ_BUSY_TIMEOUT_MS)
    run(connection, f"pragma cache_size = -{READ_CACHE_KIB}")
    return connection


def migrate(connection: apsw.Connection, now_ms: int) -> Installation:
    """Bring the file to this version's tables; its installation, made on the first time."""
    version = _pragma(connection, "user_version")
    texts = migrations()
    if version > len(texts):
        raise ConfigurationError(
            f"the database is of a newer longtake (schema {version}, this one knows {len(texts)}): upgrade longtake",
            param="home",
        )
    for number, text in enumerate(texts[version:], version + 1):
        with connection:
            run(connection, text)
            run(connection, f"pragma user_version = {number}")
            run(connection, f"pragma application_id = {APPLICATION_ID}")
    row = fetch_first(connection, "installation")
    if row is None:
        made = {"url_secret": secrets.token_bytes(32), "storage_marker": secrets.token_hex(16), "now_ms": now_ms}
        fetch(connection, "insert_installation", made)
        row = fetch_first(connection, "installation")
        assert row is not None
    secret, marker, created_ms = msgspec.convert(row, tuple[bytes, str, int])
    return Installation(url_secret=secret, storage_marker=marker, created_ms=created_ms)


def _check_owner(connection: apsw.Connection, path: Path) -> None:
    tables = run(connection, "select count(*) from sqlite_schema")
    if tables != [(0,)] and _pragma(connection, "application_id") != APPLICATION_ID:
        raise ConfigurationError(f"{str(path)!r} is a database of another program: choose another --home", param="home")


def _pragma(connection: apsw.Connection, name: str) -> int:
    return cast("int", run(connection, f"pragma {name}")[0][0])
