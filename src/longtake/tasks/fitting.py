# SPDX-License-Identifier: Apache-2.0
"""Moves a wished extension to where its model can make it, and says so: the second, and the length.

The API takes a request as it is; who chooses by hand is better served by a handle that snaps (studio).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from longtake.errors import LongtakeError
from longtake.providers.shapes import offered_us
from longtake.routing.live_accounts import LiveAccount
from longtake.routing.makers import Makers
from longtake.routing.starts import Start, nearest_start
from longtake.store.base import Store
from longtake.tasks.origins import fits, own_clip
from longtake.types import Asset, Mode, Operation, Principal, Role, Submission, Task, TaskSource, Value

Reason = Literal["least_source", "step", "end", "longest"]


class Move(Value, frozen=True):
    """A field of the request that was changed. Times in microseconds."""

    param: Literal["start_time", "duration"]
    reason: Reason
    wished_us: int
    us: int
    is_needed: bool = True
    """False: the model could do as it was wished, only worse."""


class Fitted(Value, frozen=True):
    """A request as its model can make it."""

    submission: Submission
    moves: tuple[Move, ...] = ()
    mode: Mode | None = None
    """How a provider would make it there; None = as the plan says."""
    asked_us: int = 0
    """The length that a provider is asked for, where it makes no shorter one; 0 = that of the new part."""
    least_source_us: int = 0
    """Where the source is too short for the model at any second: what it takes at least."""
    source_us: int = 0
    """The source's length, where that is known."""


class Fitting:
    """Looks up what a request goes on from, and what the accounts of its model can do with it. Reads only."""

    def __init__(self, store: Store, makers: Makers) -> None:
        self._store = store
        self._makers = makers

    async def of(self, principal: Principal, submission: Submission, *, exact: bool = False) -> Fitted:
        """The request, moved as far as its model needs it. What cannot be planned is left to the plan to refuse.

        Args:
            principal: Who asks.
            submission: What is wished; its source has ended.
            exact: Stay at the second wherever there is any way.
        """
        if submission.operation is not Operation.EXTEND or not isinstance(submission.source, TaskSource):
            return Fitted(submission=submission)
        parent = await self._store.task(principal.tenant_id, submission.source.task_id)
        video = parent.assets.get(Role.VIDEO) if parent else None
        if parent is None or video is None or video.facts is None:
            return Fitted(submission=submission)
        fitted = msgspec.structs.replace(self._long_enough(submission, parent), source_us=video.facts.duration_us)
        accounts = self._accounts(fitted.submission, parent)
        if not accounts:
            return fitted
        wished_us = submission.start_us if submission.start_us is not None else video.facts.duration_us
        starts = [
            (account, model, await self._start(account, model, parent, video, wished_us)) for account, model in accounts
        ]
        account, model, start = min(starts, key=lambda one: _rank(one[2], wished_us, exact=exact))
        if exact and not start.is_needed and start.start_us != wished_us:
            start = Start(start_us=wished_us, way=None)
        elif start.way is None:
            least_us = min(account.abilities[model].source.min_us for account, model in accounts)
            return msgspec.structs.replace(fitted, least_source_us=max(1, least_us))
        new_us = fitted.submission.new_us
        asked_us = 0 if new_us is None else offered_us(new_us, account.abilities[model])
        fitted = msgspec.structs.replace(
            fitted,
            mode=start.way.mode if start.way else Mode.BRIDGED,
            asked_us=asked_us if new_us is not None and asked_us > new_us else 0,
        )
        if start.start_us == wished_us or start.reason == "":
            return fitted
        move = Move(
            param="start_time",
            reason=start.reason,
            wished_us=wished_us,
            us=start.start_us,
            is_needed=start.is_needed,
        )
        moved = msgspec.structs.replace(fitted.submission, start_us=start.start_us)
        return msgspec.structs.replace(fitted, submission=moved, moves=(move, *fitted.moves))

    def _long_enough(self, submission: Submission, parent: Task) -> Fitted:
        """The request with at most the length that its model makes."""
        try:
            able = self._makers.choose(_model(submission, parent), Operation.EXTEND).capability
        except LongtakeError:
            return Fitted(submission=submission)
        most_us = able.max_new_us * able.most_segments
        if submission.new_us is None or submission.new_us <= most_us:
            return Fitted(submission=submission)
        move = Move(param="duration", reason="longest", wished_us=submission.new_us, us=most_us)
        return Fitted(submission=msgspec.structs.replace(submission, new_us=most_us), moves=(move,))

    def _accounts(self, submission: Submission, parent: Task) -> Sequence[tuple[LiveAccount, str]]:
        """Those that may make it; none where it is made here."""
        names = self._makers.names.resolve(_model(submission, parent))
        if any(self._makers.here(name) is not None for name in names):
            return ()
        return [(account, name) for name in names for account in self._makers.accounts.serving(name, Operation.EXTEND)]

    async def _start(self, account: LiveAccount, model: str, parent: Task, video: Asset, start_us: int) -> Start:
        clip = await own_clip(self._store, parent, account, model)
        assert video.facts is not None, "the caller has looked"
        return nearest_start(
            account.abilities[model],
            start_us=min(start_us, video.facts.duration_us),
            source_us=video.facts.duration_us,
            fps=video.facts.video.fps,
            native=clip.at if clip else lambda _: None,
            fits=fits(video, account.abilities[model].source),
        )


def _model(submission: Submission, parent: Task) -> str:
    return (submission.model or "").strip() or parent.model_requested


def _rank(start: Start, wished_us: int, *, exact: bool) -> tuple[bool, bool, bool, int]:
    """Those that can; where it was wished, if that is wanted; those that do it well; the nearest."""
    can, well = start.way is not None, start.way is not None and start.way.mode is not Mode.BRIDGED
    return not can, exact and start.is_needed, not well, abs(start.start_us - wished_us)
