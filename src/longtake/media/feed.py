# SPDX-License-Identifier: Apache-2.0
"""A maker at work in its own thread: what it yields comes through a bounded queue, its errors too."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from longtake.errors import WorkCancelled
from longtake.media.contract import Watch

Item = TypeVar("Item")

_POLL_S = 0.05
_CLOSE_S = 10.0
"""How long a maker may take to notice that it is stopped; after that its thread is left to the process's end."""


class _End:
    """What the thread puts last."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Feed(Generic[Item]):
    """Runs `make()` in a thread and hands its items over in order, a few ahead at most."""

    def __init__(self, make: Callable[[], Iterator[Item]], watch: Watch, *, ahead: int = 8) -> None:
        self._make = make
        self._watch = watch
        self._queue: queue.Queue[Item | _End] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self.lively = threading.Event()
        """Set once the maker has given something or has ended."""
        self._thread = threading.Thread(target=self._work, name="longtake-maker", daemon=True)

    def __enter__(self) -> Feed[Item]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(_CLOSE_S)

    def __iter__(self) -> Iterator[Item]:
        """The items. Raises what the maker raised, WorkCancelled when the watch says so."""
        while True:
            if self._watch.cancelled():
                raise WorkCancelled("the work was cancelled")
            try:
                item = self._queue.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _work(self) -> None:
        end = _End()
        try:
            items = self._make()
            try:
                for item in items:
                    if not self._put(item):
                        return
            finally:
                close = getattr(items, "close", None)
                if callable(close):
                    close()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the items are taken
            end = _End(error)
        finally:
            self.lively.set()
            self._put(end)

    def _put(self, item: Item | _End) -> bool:
        """Queue an item when there is room; false if the feed was stopped."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            self.lively.set()
            return True
        return False
