# SPDX-License-Identifier: Apache-2.0
"""Work beside the encoder: what would keep it waiting is done in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Self, TypeVar

from longtake.media.contract import CancelCheck, Watch

Made = TypeVar("Made")


class Beside:
    """One thread that does what it is given, in that order, until the block is left.

    An error is raised where the result is taken. Leaving the block drops what was not begun, has `check` stop what was,
    and waits for it.
    """

    def __init__(self, name: str, watch: Watch) -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._watch = watch
        self._left = Event()
        self.check = CancelCheck(self)
        """For the work to call: raises WorkCancelled when the watch says so or the block is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._pool.shutdown(cancel_futures=True)

    def begin(self, work: Callable[[], Made]) -> Future[Made]:
        """Do this after all that was given before."""
        return self._pool.submit(work)

    def progress(self, done: float, note: str = "") -> None:
        """Nobody counts by this work."""

    def cancelled(self) -> bool:
        """Whether the work is to stop."""
        return self._left.is_set() or self._watch.cancelled()
