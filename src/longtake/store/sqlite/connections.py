# SPDX-License-Identifier: Apache-2.0
"""An open file: the writer's thread, a connection for reads by key, and one in a thread for lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from longtake.store.sqlite.faults import explain
from longtake.store.sqlite.queries import Cell, Row, fetch, fetch_first, run
from longtake.store.sqlite.schema import connect_reader
from longtake.store.sqlite.writer import Command, Writer

Result = TypeVar("Result")


class Connections:
    """What reads and writes one file for one event loop."""

    def __init__(self, path: Path, writing: apsw.Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Take over the writing connection and open the others."""
        self._writing = writing
        self._reading = connect_reader(path)
        self._listing = connect_reader(path)
        self._list_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="longtake-lists")
        self.writer = Writer(writing, loop)

    @property
    def reading(self) -> apsw.Connection:
        """For reads by key in the event loop's thread: tens of microseconds each."""
        return self._reading

    def read_first(self, name: str, cells: Mapping[str, Cell]) -> Row | None:
        """The first row of a statement that reads by key, at once. Raises StoreFailed."""
        try:
            return fetch_first(self._reading, name, cells)
        except apsw.Error as error:
            raise explain(error) from error

    def read_few(self, name: str, cells: Mapping[str, Cell]) -> list[Row]:
        """The rows of a statement that reads a handful by key, at once. Raises StoreFailed."""
        try:
            return fetch(self._reading, name, cells)
        except apsw.Error as error:
            raise explain(error) from error

    async def list_rows(self, name: str, cells: Mapping[str, Cell]) -> list[Row]:
        """All rows of a statement, read in a thread. Raises StoreFailed."""
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._list_thread, fetch, self._listing, name, cells
            )
        except apsw.Error as error:
            raise explain(error) from error

    async def look(self, question: Command[Result]) -> Result:
        """What several statements find in one state of the file, read in a thread. Raises StoreFailed."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._list_thread, self._ask, question)
        except apsw.Error as error:
            raise explain(error) from error

    def _ask(self, question: Command[Result]) -> Result:
        run(self._listing, "begin")
        try:
            return question(self._listing)
        finally:
            run(self._listing, "rollback")

    async def close(self) -> None:
        """Finish what was asked for, move the log into the file, close everything."""
        await self.writer.close()
        await asyncio.to_thread(self._close_connections)

    def _close_connections(self) -> None:
        self._list_thread.shutdown()
        self._reading.close()
        self._listing.close()
        self._writing.close()  # the last connection to close checkpoints and removes the log
