# SPDX-License-Identifier: Apache-2.0
"""The child's voice while it works at one job: progress to the parent, and whether to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from longtake.render.base import Progress

INTERVAL_S = 0.1
PULSE_S = 2.0


class Reporter:
    """Serves as media's Watch and as an engine's EngineJob. Any thread of the job may use it."""

    def __init__(self, key: str, send: Callable[[Progress], None]) -> None:
        self.key = key
        self._send = send
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._done = 0.0
        self._sent_s = 0.0
        self._closed = False

    def progress(self, done: float, note: str = "") -> None:
        """Report the share done, 0 to 1: it never falls, and goes out at most once in INTERVAL_S. A sign of life."""
        with self._lock:
            self._done = max(self._done, min(1.0, done))
            now_s = time.monotonic()
            if self._closed or now_s - self._sent_s < INTERVAL_S:
                return
            self._sent_s = now_s
            self._send(Progress(done=self._done, note=note))

    def alive(self, note: str = "") -> None:
        """Give a sign of life without more being done."""
        self.progress(0.0, note)

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Have the job stop soon; it stays so for threads of it that linger."""
        self._stop.set()

    def close(self) -> None:
        """Say nothing more: the job has ended."""
        with self._lock:
            self._closed = True


@contextmanager
def pulse(reporter: Reporter, longest_s: float) -> Generator[None]:
    """Give signs of life during work that reports no progress of its own, for longest_s at most."""
    over = threading.Event()

    def beat() -> None:
        until_s = time.monotonic() + longest_s
        while not over.wait(PULSE_S) and time.monotonic() < until_s:
            reporter.alive()

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Share:
    """A part of a job as a Watch of its own: its 0 to 1 is `first` to `last` of the whole."""

    def __init__(self, reporter: Reporter, first: float, last: float) -> None:
        self._reporter = reporter
        self._first = first
        self._width = last - first

    def progress(self, done: float, note: str = "") -> None:
        """Report the share of the part that is done, 0 to 1."""
        self._reporter.progress(self._first + self._width * min(1.0, max(0.0, done)), note)

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self._reporter.cancelled()
