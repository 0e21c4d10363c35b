# SPDX-License-Identifier: Apache-2.0
"""One slot: supervises one warm child. Plain threads, so that any host can hold it: the server, a worker, a Ray actor.

One permanent thread per slot starts the child, watches it and ends it. It must be permanent because the kernel kills
the child when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping

import msgspec

from longtake.render.attempt import Attempt
from longtake.render.base import Busy, Event, Failed, Final, Lost, RenderJob, Started, Stopped
from longtake.render.faults import memory_exceeded
from longtake.render.messages import ENCODER, FROM_CHILD_DECODER, Cancel, Load, Ready, Run, Setup, Trace
from longtake.sandbox.environment import clean_environment
from longtake.sandbox.framing import FramingError
from longtake.sandbox.process import Child, ChildGone, describe_exit

CHILD_MODULE = "longtake.render.child"
BOOT_S = 60.0
WATCH_S = 0.5
"""How often a working child's memory is looked at."""
CLOSE_S = 10.0
EXIT_GRACE_S = 1.0
KEPT_ATTEMPTS = 32
UNTRUSTED_CODES = frozenset({"internal_error", "limit_exceeded"})
"""After such an end a child is not used again: its heap or its libraries may be in a bad way."""

SHUTTING_DOWN = "the server is shutting down"

_log = logging.getLogger(__name__)


class Slot:
    """Runs one attempt at a time in a child that stays warm between attempts and ends after `idle_s` without work."""

    def __init__(
        self, name: str, setup: Setup, idle_s: float, environ: Mapping[str, str], place: str = "local"
    ) -> None:
        self.name = name
        self.born = uuid.uuid4().hex[:8]
        """Tells this slot's handles from those of an earlier process."""
        self._setup = setup
        self._idle_s = idle_s
        self._environment = clean_environment(environ)
        self._place = place
        self._changed = threading.Condition()
        self._current: Attempt | None = None
        self._known: dict[str, Attempt] = {}
        self._listeners: set[Callable[[], None]] = set()
        self._child: Child | None = None
        self._generation = 0
        """Of the child: what an earlier one still says is not listened to."""
        self._child_ready = False
        self._child_end: str | None = None
        self._closing = False
        self._wanted = False
        """A child is to be ready for a job that will come."""
        self._thread = threading.Thread(target=self._live, name=f"slot-{name}", daemon=True)
        self._thread.start()

    # ---- for callers, any thread; nothing here waits for the child -----------------------------------------------

    @property
    def free(self) -> bool:
        """Whether it could start an attempt now."""
        return self._current is None and not self._closing

    @property
    def child_pid(self) -> int | None:
        """The warm child's process id, if there is one."""
        child = self._child
        return child.pid if child else None

    def warm(self) -> None:
        """Have a child ready soon, since a job will come. It ends as any other if none does."""
        with self._changed:
            if self._current is None and self._child is None and not self._closing:
                self._wanted = True
                self._changed.notify_all()

    def knows(self, key: str) -> bool:
        """Whether the attempt was started here and not released."""
        with self._changed:
            return key in self._known

    def start(self, job: RenderJob) -> str:
        """Start an attempt, once however often it is called; this slot's `born`. Raises Busy."""
        with self._changed:
            if job.key in self._known:
                return self.born
            if self._current is not None or self._closing:
                raise Busy(
                    f"slot {self.name} does not take {job.key}: it is {'closing' if self._closing else 'at work'}"
                )
            self._current = self._known[job.key] = Attempt(job, time.monotonic())
            self._forget_oldest()
            self._changed.notify_all()
        return self.born

    def events(self, key: str, after: int, wait_s: float) -> list[Event]:
        """The attempt's events past the first `after`, waiting up to wait_s for one; [Lost] if it is not known here."""
        with self._changed:
            attempt = self._known.get(key)
            if attempt is None:
                return [Lost(why=f"slot {self.name} does not know the attempt {key}")]
            self._changed.wait_for(lambda: len(attempt.events) > after or attempt.ended, wait_s)
            return attempt.events[after:]

    def cancel(self, key: str, grace_s: float) -> None:
        """Ask the attempt to stop, kill its child `grace_s` later; a final event follows. Nothing if it has ended."""
        with self._changed:
            attempt = self._known.get(key)
            if attempt is None or attempt.ended:
                return
            attempt.cancel(time.monotonic() + grace_s)
            self._changed.notify_all()

    def release(self, key: str) -> None:
        """Forget an attempt that has ended; one at work stays."""
        with self._changed:
            attempt = self._known.get(key)
            if attempt is not None and attempt.ended:
                del self._known[key]

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, from any thread, after each new event; it must be quick and not call back."""
        with self._changed:
            self._listeners.add(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Take a listener back."""
        with self._changed:
            self._listeners.discard(listener)

    def begin_close(self) -> None:
        """Take no more attempts; the one at work is lost and its child killed, soon."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Begin to close and wait until the child is gone."""
        self.begin_close()
        self._thread.join(timeout_s)

    # ---- the slot's thread ---------------------------------------------------------------------------------------

    def _live(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._current is not None or self._closing or self._child_end is not None or self._wanted,
                    self._idle_s if self._child else None,
                )
                attempt, closing, dead = self._current, self._closing, self._child_end is not None
                wanted, self._wanted = self._wanted, False
            if closing:
                if attempt is not None:
                    self._finish(attempt, Lost(why=SHUTTING_DOWN))
                self._retire(grace_s=0.0)
                return
            if dead or (attempt is None and not wanted):
                self._retire(grace_s=EXIT_GRACE_S)
            if attempt is not None:
                self._run(attempt)
            elif wanted:
                self._prepare()

    def _run(self, attempt: Attempt) -> None:
        try:
            final = self._work(attempt)
        except ChildGone as error:
            final = Lost(why=f"{error}{self._last_words()}")
        except Exception as error:  # noqa: BLE001  (the slot must outlive anything)
            _log.exception("slot %s failed at %s", self.name, attempt.job.key)
            final = Lost(why=f"the slot failed: {type(error).__name__}")
        if final is not None:
            if isinstance(final, Lost) and attempt.kill_at_s is not None and not self._closing:
                final = Stopped(hard=True)  # it was to end anyway
            self._retire(grace_s=0.0)
            self._finish(attempt, final)
        elif self._is_worn(attempt):
            self._retire(grace_s=0.0)

    def _prepare(self) -> None:
        """Start a child, if there is none, that has loaded what does the jobs. If that fails the next job will tell."""
        try:
            if self._child is None:
                self._boot()
            assert self._child is not None
            self._child.send(ENCODER.encode(Load()))
        except ChildGone as error:
            _log.warning("slot %s: no child could be made ready: %s", self.name, error)
            self._retire(grace_s=0.0)

    def _work(self, attempt: Attempt) -> Final | None:
        """Have the child do it. The final event that the slot has to add, None if the child's own has come."""
        warm = self._child is not None
        if self._child is None:
            if attempt.kill_at_s is not None:
                return Stopped()
            self._boot()
        child = self._child
        assert child is not None
        with self._changed:
            self._add(attempt, Started(place=self._place, pid=child.pid, warm=warm))
        child.send(ENCODER.encode(Run(job=attempt.job)))
        return self._watch(attempt, child)

    def _watch(self, attempt: Attempt, child: Child) -> Final | None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: attempt.ended or self._closing or self._child_end is not None or attempt.cancel_unsent,
                    max(0.0, min(WATCH_S, attempt.next_deadline_s() - time.monotonic())),
                )
                if attempt.ended:
                    return None
                if self._closing:
                    return Lost(why=SHUTTING_DOWN)
                if self._child_end is not None:
                    break
                if not attempt.cancel_unsent and (verdict := attempt.overdue(time.monotonic())) is not None:
                    return verdict
                send_cancel, attempt.cancel_unsent = attempt.cancel_unsent, False
            if send_cancel:
                child.send(ENCODER.encode(Cancel(key=attempt.job.key)))
            resident_bytes = child.resident_bytes()
            if resident_bytes is not None and resident_bytes > attempt.job.limits.memory_bytes:
                return memory_exceeded(attempt.job.limits)
        why, status = self._child_end, self._end(child)
        raise ChildGone(why or f"the render process died ({describe_exit(status)})")

    def _boot(self) -> None:
        """Start a child and wait until it runs. Raises ChildGone."""
        with self._changed:
            self._generation += 1
            self._child_ready, self._child_end = False, None
            generation = self._generation
        self._child = child = Child(
            CHILD_MODULE,
            [str(os.getpid())],
            self._environment,
            on_message=lambda payload: self._receive(generation, payload),
            on_end=lambda why: self._note_end(generation, why),
        )
        child.send(ENCODER.encode(self._setup))
        with self._changed:
            self._changed.wait_for(lambda: self._child_ready or self._child_end is not None or self._closing, BOOT_S)
            if self._child_ready:
                return
        raise ChildGone(f"the render process did not start ({describe_exit(self._end(child))})")

    def _end(self, child: Child) -> int:
        """End a child, waiting only for one whose pipe has ended by itself, to learn its own exit status."""
        return child.end(EXIT_GRACE_S if self._child_end == "" else 0.0)

    def _retire(self, grace_s: float) -> None:
        """End the child, if there is one; the next attempt gets a new one."""
        child = self._child
        if child is not None:
            child.dismiss(grace_s)
        with self._changed:
            self._child = None
            self._generation += 1
            self._child_end = None

    def _finish(self, attempt: Attempt, final: Final) -> None:
        with self._changed:
            self._add(attempt, final)

    def _is_worn(self, attempt: Attempt) -> bool:
        """Whether the child had better be replaced: it failed badly, or holds on to half of the memory it may use."""
        last = attempt.events[-1]
        if isinstance(last, Failed) and last.code in UNTRUSTED_CODES:
            return True
        resident_bytes = self._child.resident_bytes() if self._child else None
        return resident_bytes is not None and resident_bytes > attempt.job.limits.memory_bytes // 2

    def _last_words(self) -> str:
        """Log what the child said last on standard error; its last line, for the event."""
        tail = self._child.stderr_tail() if self._child else ""
        if not tail:
            return ""
        _log.error("slot %s: the render process's last words:\n%s", self.name, tail)
        return f": {tail.splitlines()[-1][:200]}"

    # ---- the child's reader thread -------------------------------------------------------------------------------

    def _receive(self, generation: int, payload: bytes) -> None:
        try:
            message = FROM_CHILD_DECODER.decode(payload)
        except msgspec.MsgspecError as error:
            raise FramingError("the render process sent what is no message") from error
        if isinstance(message, Trace):
            _log.error("slot %s: the render process met an unexpected error:\n%s", self.name, message.text)
            return
        with self._changed:
            if generation != self._generation:
                return
            if isinstance(message, Ready):
                self._child_ready = True
                self._changed.notify_all()
            elif self._current is not None:
                self._add(self._current, message)

    def _note_end(self, generation: int, why: str) -> None:
        with self._changed:
            if generation == self._generation:
                self._child_end = why
                self._changed.notify_all()

    # ---- under the lock ------------------------------------------------------------------------------------------

    def _add(self, attempt: Attempt, event: Event) -> None:
        """Record an event and tell who waits. With its final one the slot takes the next attempt at once."""
        if not attempt.add(event, time.monotonic()):
            return
        if attempt.ended and self._current is attempt:
            self._current = None
        self._changed.notify_all()
        for listener in self._listeners:
            listener()

    def _forget_oldest(self) -> None:
        ended = [key for key, attempt in self._known.items() if attempt.ended]
        for key in ended[: max(0, len(self._known) - KEPT_ATTEMPTS)]:
            del self._known[key]
