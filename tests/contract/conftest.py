# SPDX-License-Identifier: Apache-2.0
"""One suite for every adapter: a new one adds a Home here and its name to the parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol, cast

import apsw
import msgspec
import pytest
from tests.contract.values import Clock

from longtake.storage.local import LocalStorage
from longtake.store.base import Installation, Store
from longtake.store.sqlite import SqliteStore


class Home(Protocol):
    """A database that can be opened again and looked into."""

    installation: Installation
    clock: Clock

    async def open(self) -> Store: ...

    async def reopen(self) -> Store: ...

    async def close(self) -> None: ...

    def look(self, sql: str) -> Sequence[tuple[object, ...]]: ...

    def count(self, sql: str) -> dict[str, int]: ...


class SqliteHome:
    """A SQLite file in a folder of its own."""

    def __init__(self, path: Path, *, retention_s: int = 0) -> None:
        self.path = path
        self.clock = Clock()
        self.retention_s = retention_s
        self.store: SqliteStore | None = None

    async def open(self) -> SqliteStore:
        self.store = SqliteStore(self.path, clock_ms=self.clock, retention_s=self.retention_s)
        self.installation = await self.store.open()
        return self.store

    async def reopen(self) -> SqliteStore:
        """As the next process finds it: what was owned has no living owner."""
        await self.close()
        return await self.open()

    async def close(self) -> None:
        if self.store is not None:
            await self.store.close()

    def look(self, sql: str) -> Sequence[tuple[object, ...]]:
        """Rows of a statement, read by a connection of its own."""
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return cast("list[tuple[object, ...]]", connection.execute(sql).fetchall())
        finally:
            connection.close()

    def change(self, sql: str) -> None:
        """Change rows behind the store's back."""
        connection = apsw.Connection(str(self.path))
        connection.set_busy_timeout(5_000)
        try:
            connection.execute(sql)
        finally:
            connection.close()

    def count(self, sql: str) -> dict[str, int]:
        """Numbers by name: the rows of a statement with two columns."""
        return dict(msgspec.convert(self.look(sql), list[tuple[str, int]]))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    """An empty database, not opened yet."""
    made = SqliteHome(tmp_path / "home" / "longtake.sqlite")
    yield made
    await made.close()


@pytest.fixture
async def store(home: Home) -> Store:
    """An empty store, open."""
    return await home.open()


@pytest.fixture(params=["local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> LocalStorage:
    """An empty storage, ready."""
    made = LocalStorage(tmp_path / "storage")
    made.check("marker", create=True)
    return made
