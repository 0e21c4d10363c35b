# SPDX-License-Identifier: Apache-2.0
"""The child's entry, `python -m longtake.render.child PARENT_PID`: takes jobs from its slot, one after the other.

The main thread works; a second one reads the parent's messages, so that a cancel is heard amid the work and the end of
the parent ends the child even where the kernel does not see to it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import signal
import sys
import threading
from typing import Protocol, cast

from longtake.render.base import Event, Probed, Produced, RenderJob, RenderLimits, Stopped
from longtake.render.faults import as_failed, is_unexpected, traceback_of
from longtake.render.lookup import load_object
from longtake.render.messages import ENCODER, TO_CHILD_DECODER, Cancel, FromChild, Load, Ready, Run, Setup, Trace
from longtake.render.reporter import Reporter
from longtake.sandbox.framing import FramingError
from longtake.sandbox.limits import apply_job_limits, apply_process_limits, die_with_parent
from longtake.sandbox.pipes import ParentPipes

NICENESS = 5
OPEN_FILES = 256
RESULT_BYTES_PER_S = 8 << 20
"""More than any encoder setting here writes; a file past this rate is out of control."""


class Work(Protocol):
    """What does the jobs: a class that takes the Setup, named in it."""

    def run(self, job: RenderJob, reporter: Reporter) -> Probed | Produced:
        """Do one job. Raises LongtakeError for what can be told to its owner."""
        ...


class ChildLoop:
    """Reads messages in one thread, works in another."""

    def __init__(self, pipes: ParentPipes) -> None:
        self._pipes = pipes
        self._jobs: queue.SimpleQueue[RenderJob | Load] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._reporters: dict[str, Reporter] = {}

    def serve(self) -> None:
        """Take the Setup, say Ready, then work until the parent closes the pipe."""
        setup = self._receive()
        if not isinstance(setup, Setup):
            raise FramingError(f"the first message must be a Setup, not {type(setup).__name__}")
        threading.Thread(target=self._listen, name="parent", daemon=True).start()
        self._send(Ready(pid=os.getpid()))
        work: Work | None = None
        while True:
            job = self._jobs.get()
            if isinstance(job, Load):
                with contextlib.suppress(Exception):  # what cannot be loaded is the next job's to tell
                    work = work or self._load(setup)
                continue
            reporter = self._reporters[job.key]
            apply_job_limits(memory_bytes=job.limits.memory_bytes, file_bytes=largest_file_bytes(job.limits))
            final: Event
            try:
                work = work or self._load(setup)
                final = work.run(job, reporter)
            except BaseException as error:  # noqa: BLE001  (whatever it was, the parent is owed a final event)
                final = as_failed(error, job.limits)
                if is_unexpected(error) and not reporter.cancelled():
                    self._send(Trace(text=traceback_of(error)))
            reporter.close()
            with self._lock:
                del self._reporters[job.key]
            self._send(Stopped() if reporter.cancelled() else final)

    def _load(self, setup: Setup) -> Work:
        return cast("type[Work]", load_object(setup.work))(setup)  # pyright: ignore[reportCallIssue]

    def _listen(self) -> None:
        try:
            while (message := self._receive()) is not None:
                if isinstance(message, Run):
                    with self._lock:
                        self._reporters[message.job.key] = Reporter(message.job.key, self._send)
                    self._jobs.put(message.job)
                elif isinstance(message, Load):
                    self._jobs.put(message)
                elif isinstance(message, Cancel):
                    with self._lock:
                        reporter = self._reporters.get(message.key)
                    if reporter is not None:
                        reporter.cancel()
        finally:
            os._exit(0)  # the parent has closed the pipe, is gone, or talks nonsense

    def _receive(self) -> Setup | Run | Load | Cancel | None:
        payload = self._pipes.receive()
        return None if payload is None else TO_CHILD_DECODER.decode(payload)

    def _send(self, message: FromChild) -> None:
        self._pipes.send(ENCODER.encode(message))


def largest_file_bytes(limits: RenderLimits) -> int:
    """The size that no file of a job may pass."""
    return limits.source_bytes + limits.result_s * RESULT_BYTES_PER_S


def main(arguments: list[str]) -> None:
    """Serve the parent whose process id is the argument."""
    die_with_parent(int(arguments[0]))
    for polite in (signal.SIGINT, signal.SIGTERM):
        signal.signal(polite, signal.SIG_IGN)  # a service manager may send them to all: when to end is the slot's word
    pipes = ParentPipes.take_standard()
    faulthandler.enable()
    apply_process_limits(niceness=NICENESS, open_files=OPEN_FILES)
    ChildLoop(pipes).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
