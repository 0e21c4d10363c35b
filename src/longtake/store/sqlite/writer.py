# SPDX-License-Identifier: Apache-2.0
"""The one writer thread: commands that come at the same time share one transaction and so one sync of the disk.

A batch of which a command fails is rolled back and runs again with a savepoint for each command, so that one that fails
leaves the others alone: savepoints for all would be a third of all statements. If the whole transaction is lost (a full
disk rolls it back) or its commit fails, each command runs again alone, and only those that fail alone fail. A command
is therefore a function that may run several times: it changes nothing but the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar, cast

import apsw

from longtake.errors import StoreFailed
from longtake.store.sqlite.faults import explain
from longtake.store.sqlite.queries import run

ENOUGH_FOR_ONE_COMMIT = 512

Result = TypeVar("Result")
Command = Callable[[apsw.Connection], Result]


class _Order(NamedTuple):
    command: Command[object]
    future: asyncio.Future[object]


class _Outcome(NamedTuple):
    future: asyncio.Future[object]
    result: object
    error: Exception | None


class _TransactionLost(Exception):
    """The common transaction is gone; nothing of the batch was stored."""


class Writer:
    """Runs commands on its connection, in the order they come, in a thread of its own."""

    def __init__(self, connection: apsw.Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Take over the connection; nobody else may use it until `close` returns."""
        self._connection = connection
        self._loop = loop
        self._gathered: list[_Order] = []
        self._orders: queue.SimpleQueue[list[_Order] | None] = queue.SimpleQueue()
        self._closed = False
        self.commits = 0
        """How many there were; counted before anybody is told of one."""
        self._thread = threading.Thread(target=self._work, name="longtake-writer", daemon=True)
        self._thread.start()

    async def run(self, command: Command[Result]) -> Result:
        """The command's result, once it is committed. Raises what it raised, StoreFull or StoreFailed."""
        if self._closed:
            raise StoreFailed("the store is closed: the server is shutting down")
        future: asyncio.Future[object] = self._loop.create_future()
        # What one turn of the loop asks for goes to the thread together: a batch begun with the first order alone would
        # make all the others wait for its sync.
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(_Order(command, future))
        return cast("Result", await future)

    async def close(self) -> None:
        """Do what was asked for so far, then end the thread."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._orders.put(None)
        await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        if self._gathered:
            self._orders.put(self._gathered)
            self._gathered = []

    def _work(self) -> None:
        last = False
        while not last:
            batch: list[_Order] = []
            orders = self._orders.get()
            while orders is not None:
                batch += orders
                if len(batch) >= ENOUGH_FOR_ONE_COMMIT or self._orders.empty():
                    break
                orders = self._orders.get()
            last = orders is None
            if batch:
                self._deliver(self._run(batch))

    def _run(self, batch: Sequence[_Order]) -> list[_Outcome]:
        if len(batch) == 1:
            return [self._alone(batch[0])]
        try:
            outcomes = self._without_savepoints(batch)
            return self._with_savepoints(batch) if outcomes is None else outcomes
        except _TransactionLost:
            return [self._alone(order) for order in batch]
        except apsw.Error as error:
            # The transaction could not begin, or broke around a command: trying each command again would help nobody.
            self._roll_back()
            return [_Outcome(order.future, None, explain(error)) for order in batch]

    def _without_savepoints(self, batch: Sequence[_Order]) -> list[_Outcome] | None:
        """None where a command failed: then nothing of the batch was stored."""
        run(self._connection, "begin immediate")
        try:
            outcomes = [_Outcome(order.future, order.command(self._connection), None) for order in batch]
        except Exception:  # noqa: BLE001  (which command's fault it is shows when they run again)
            self._roll_back()
            return None
        self._commit()
        return outcomes

    def _with_savepoints(self, batch: Sequence[_Order]) -> list[_Outcome]:
        connection = self._connection
        run(connection, "begin immediate")
        outcomes: list[_Outcome] = []
        for order in batch:
            run(connection, "savepoint command")
            try:
                outcomes.append(_Outcome(order.future, order.command(connection), None))
            except Exception as error:  # it is the caller's to judge
                if not connection.in_transaction:
                    raise _TransactionLost from error
                run(connection, "rollback to command")
                outcomes.append(_Outcome(order.future, None, _translate(error)))
            run(connection, "release command")
        self._commit()
        return outcomes

    def _commit(self) -> None:
        """Raises _TransactionLost."""
        try:
            run(self._connection, "commit")
        except apsw.Error as error:
            self._roll_back()
            raise _TransactionLost from error
        self.commits += 1

    def _alone(self, order: _Order) -> _Outcome:
        connection = self._connection
        try:
            run(connection, "begin immediate")
            result = order.command(connection)
            run(connection, "commit")
        except Exception as error:  # noqa: BLE001  (it is the caller's to judge)
            self._roll_back()
            return _Outcome(order.future, None, _translate(error))
        self.commits += 1
        return _Outcome(order.future, result, None)

    def _roll_back(self) -> None:
        # Whatever is wrong, this thread goes on: a transaction that stays open is rolled back before the next one.
        with contextlib.suppress(apsw.Error):
            if self._connection.in_transaction:
                run(self._connection, "rollback")

    def _deliver(self, outcomes: Sequence[_Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, outcomes)
        except RuntimeError:
            # The loop has ended without closing the store: nobody is left to be told.
            return


def _translate(error: Exception) -> Exception:
    return explain(error) if isinstance(error, apsw.Error) else error


def _resolve(outcomes: Sequence[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue  # the caller was cancelled; what it asked for is stored all the same
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
