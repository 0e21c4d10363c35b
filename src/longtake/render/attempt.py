# SPDX-License-Identifier: Apache-2.0
"""The record of one attempt: its job, its events so far, what was asked of it."""

from __future__ import annotations

from longtake.render.base import FINALS, Event, Failed, Final, Progress, RenderJob, Stopped

TIMEOUT_CODE = "timeout"
PROGRESS_INTERVAL_S = 0.1
EVENTS_PER_INTERVAL = 500
"""With each so many events kept, the interval grows by PROGRESS_INTERVAL_S: an hour leaves a few thousand."""


class Attempt:
    """One attempt in a slot. Not thread-safe: its slot's lock guards it."""

    def __init__(self, job: RenderJob, now_s: float) -> None:
        self.job = job
        self.events: list[Event] = []
        self.ended = False
        self.started_s = now_s
        self.last_sign_s = now_s
        self.kill_at_s: float | None = None
        """When a cancelled child's grace is over; None = not cancelled."""
        self.cancel_unsent = False
        """Cancelled, and the child not yet told."""
        self._last_kept_s = 0.0

    def add(self, event: Event, now_s: float) -> bool:
        """Take an event; whether it was kept. Events past the final one are not, nor progress that comes too often."""
        self.last_sign_s = now_s
        if self.ended:
            return False
        if isinstance(event, Progress):
            interval_s = PROGRESS_INTERVAL_S * (1 + len(self.events) // EVENTS_PER_INTERVAL)
            if now_s - self._last_kept_s < interval_s:
                return False
            self._last_kept_s = now_s
        self.events.append(event)
        self.ended = isinstance(event, FINALS)
        return True

    def cancel(self, kill_at_s: float) -> None:
        """Note that it shall stop, by kill_at_s at the latest."""
        self.cancel_unsent = self.cancel_unsent or self.kill_at_s is None
        self.kill_at_s = kill_at_s if self.kill_at_s is None else min(self.kill_at_s, kill_at_s)

    def overdue(self, now_s: float) -> Final | None:
        """How it must be ended now because it takes too long in one way or another; None while it may go on."""
        limits = self.job.limits
        if self.kill_at_s is not None and now_s >= self.kill_at_s:
            return Stopped(hard=True)
        if now_s - self.started_s >= limits.hard_s:
            return Failed(code=TIMEOUT_CODE, message=f"the work took longer than {limits.hard_s:g} s and was stopped")
        if now_s - self.last_sign_s >= limits.stall_s:
            message = f"the work made no progress for {limits.stall_s:g} s and was stopped"
            return Failed(code=TIMEOUT_CODE, message=message, retryable=True)
        return None

    def next_deadline_s(self) -> float:
        """The next moment at which something has to be done about it if it says nothing until then."""
        limits = self.job.limits
        deadline_s = min(self.started_s + limits.hard_s, self.last_sign_s + limits.stall_s)
        return deadline_s if self.kill_at_s is None else min(deadline_s, self.kill_at_s)
