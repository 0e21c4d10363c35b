# SPDX-License-Identifier: Apache-2.0
"""The port of the record. Every method is one transaction: state, money and outbox change together or not at all.

Failures raise StoreFailed or StoreFull and leave nothing behind. Writes by an owner name the task's (owner, fence,
step) as they know it; a row that has moved on raises FencedOff and stays as it is. Every read of a tenant's things
takes the tenant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

from longtake.store.accounts import Account, LedgerReport
from longtake.store.operator import OperatorReads
from longtake.store.provider_accounts import ProviderAccounts, SpendLimit
from longtake.types import Asset, Fault, Operation, Plan, RenderReport, Role, State, Step, Task, Value

MOST_LOST_ATTEMPTS = 3
"""A task whose attempts were lost this often ends as failed with code ENGINE_CRASHED instead of being tried again."""

ENGINE_CRASHED = "engine_crashed"
"""The fault code of such a task."""


class Installation(Value, frozen=True):
    """What is decided once for a database: the secret that signs URLs, and the marker its storage must hold."""

    url_secret: bytes
    storage_marker: str
    created_ms: int


class Key(Value, frozen=True):
    """An API key. The secret itself is never stored: `digest` is its SHA-256."""

    id: str
    tenant_id: str
    digest: bytes
    name: str
    hint: str
    """Its last four characters, to tell keys apart."""
    created_ms: int
    admin: bool = False
    revoked_ms: int | None = None
    adopt: bool = False
    """Whether it may take over videos that were ordered at a provider of this server, and not here."""


class Idempotency(Value, frozen=True):
    """A caller's Idempotency-Key and the fingerprint of what it came with."""

    key: str
    fingerprint: bytes
    expires_ms: int


class FoundJob(Value, frozen=True):
    """A job at a provider that was not ordered here, and whose video became a task's."""

    provider: str
    account: str
    handle: str
    native: str
    """The ids to go on from, as JSON."""


class NewTask(Value, frozen=True):
    """All that one submission writes."""

    task: Task
    idempotency: Idempotency | None = None
    max_active: int = 0
    """Refuse with RateLimited if the tenant has this many unfinished tasks; 0 = no limit."""
    priced: bool = True
    """Whether `task.hold_microusd` is its price; where nobody knows that, prepaid tenants are refused."""
    found: FoundJob | None = None
    """What made the video of a task that comes finished, under an id that was not given here: see `is_taken`."""
    owner: str | None = None
    """Who has a free slot of the kind that the task needs, and takes it at once if nothing else waits for one."""


class Submitted(Value, frozen=True):
    """What came of a submission: the new task, or the first one again."""

    task: Task
    replayed: bool = False
    claimed: Task | None = None
    """The same task as claimed by `NewTask.owner`, if it was."""


class TaskQuery(Value, frozen=True):
    """Which of a tenant's tasks to list, newest first unless `ascending`. `after` is the id of the last one seen.

    Uploads are no work of their own: they are listed only where they are the operation that is asked for.
    """

    after: str | None = None
    limit: int = 20
    ascending: bool = False
    states: tuple[State, ...] = ()
    operation: Operation | None = None


class TaskPage(Value, frozen=True):
    """A part of a list."""

    tasks: tuple[Task, ...]
    has_more: bool


class TaskChanges(Value, frozen=True):
    """What a move writes beside the step; None = as it was."""

    plan: Plan | None = None
    report: RenderReport | None = None
    assets: Mapping[Role, Asset] | None = None
    """Result files, decided on entering `storing`, so that storing can be repeated."""
    drop: tuple[Role, ...] = ()
    """Files that are not needed any more: the record forgets them, the bytes are the caller's to remove."""
    progress: int | None = None
    next_ms: int | None = None
    parent_id: str | None = None
    """The task whose video it goes on from, where that is known only now."""
    deadline_ms: int | None = None
    """A new moment by which it has to end."""
    hold_microusd: int | None = None
    """Hold no more than this from now on; what was held beyond it comes back at once. Never raises a hold."""
    expires_ms: int | None = None
    """When a finished task and its files are removed; None = as it was, never at first."""
    release: bool = False
    """Free the owner, so that any node may claim it."""


class JobStart(Value, frozen=True):
    """A try about to be made: a jobs row, written before anything starts."""

    attempt: int
    provider: str
    account: str
    caller_key: str
    deadline_ms: int
    segment: int = 0
    """Which piece of the new part it is for. Attempts are counted over all of them."""
    model: str = ""
    """Our name of it."""
    expected_microusd: int = 0
    """What the provider will take for it, as far as is known."""
    limit: SpendLimit | None = None
    """What its account may spend."""
    asked: str = ""
    """What the maker is asked, without secrets, for the operator."""


class JobMark(Value, frozen=True):
    """A provider has accepted a try: how to ask for it. The try stays open."""

    attempt: int
    handle: str
    answered: str = ""
    """What it answered, without secrets, for the operator."""


class JobEnd(Value, frozen=True):
    """How a try ended."""

    attempt: int
    state: Literal["succeeded", "failed", "cancelled", "lost"]
    native: str = ""
    """The maker's own words, for the operator; of a provider's success the ids to go on from, as JSON."""
    cost_microusd: int = 0
    answered: str = ""
    """The answer that told of the end, without secrets, for the operator."""
    trouble: str = ""
    """Why it failed at a provider, in one word; empty = that is not known, or is mended."""


JobChange = JobStart | JobMark | JobEnd


class Job(Value, frozen=True):
    """A try as stored."""

    task: str
    segment: int
    attempt: int
    provider: str
    account: str
    state: Literal["open", "succeeded", "failed", "cancelled", "lost"]
    caller_key: str
    handle: str
    native: str
    cost_microusd: int
    started_ms: int
    ended_ms: int | None
    deadline_ms: int
    model: str = ""
    expected_microusd: int = 0
    trouble: str = ""


class Store(OperatorReads, ProviderAccounts, Protocol):
    """The record of everything."""

    async def open(self) -> Installation:
        """Open or make the database and migrate it. Frees what a dead process owned (lifecycle.REPEATED_AFTER_CRASH).

        A task whose attempts were lost MOST_LOST_ATTEMPTS times ends as failed, one whose cancel was asked for as
        cancelled. Assets that no task names are dropped: their request died. Raises ConfigurationError where the place
        belongs to another process or is of another program.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close."""
        ...

    @property
    def version(self) -> int:
        """Another number after each write of anybody: while it stays the same, so does whatever was read under it."""
        ...

    async def check(self) -> None:
        """Write and read a little. Raises StoreFailed if the record cannot be written."""
        ...

    # -- keys ----------------------------------------------------------------------------------------------------------

    async def add_key(self, key: Key, *, credit_microusd: int | None = None, reference: str = "") -> None:
        """Store a key, and its tenant if new. Storing the same digest again changes nothing.

        With `credit_microusd` the tenant is given that much in the same transaction, as by `adjust_balance` with this
        `reference`: a key of a prepaid tenant is never good before its limit is.
        """
        ...

    async def key(self, digest: bytes) -> Key | None:
        """The key with this digest, unless revoked."""
        ...

    async def key_of_id(self, key_id: str) -> Key | None:
        """The key with this id, unless revoked."""
        ...

    async def keys(self, tenant_id: str | None = None) -> Sequence[Key]:
        """All keys, or a tenant's, oldest first."""
        ...

    async def revoke_key(self, key_id: str, now_ms: int) -> bool:
        """Revoke a key by id; whether there was one."""
        ...

    # -- submit and read -----------------------------------------------------------------------------------------------

    async def submit(self, new: NewTask) -> Submitted:
        """Idempotency, parent, limits, balance, hold and task in one transaction.

        A task that comes in an end step, such as an upload, takes no hold and no place; its `assets` are stored as its
        results. One that comes queued with an owner is claimed as well, unless something else is due. Raises
        IdempotencyConflict, TaskNotFound or SourceUnusable (the parent is gone or ended badly meanwhile; the id of a
        `found` one is taken), RateLimited, InsufficientQuota, AccessDenied (no price is known, and the tenant pays in
        advance).
        """
        ...

    async def replay(self, tenant_id: str, operation: Operation, idempotency: Idempotency) -> Task | None:
        """The task that this Idempotency-Key made, if any. Raises IdempotencyConflict on another fingerprint."""
        ...

    async def task(self, tenant_id: str, task_id: str) -> Task | None:
        """A task with its assets; None if unknown, deleted or another tenant's.

        Only the part of `task_id` behind its last colon counts, so a bare uuid finds it too.
        """
        ...

    async def knows(self, task_id: str) -> bool:
        """Whether a task of this id was ever stored, be it another tenant's or deleted by now."""
        ...

    async def is_taken(self, tenant_id: str, task_id: str) -> bool:
        """Whether an id that was not given here can never become a task of this tenant.

        It is where any task was ever stored under it, or where it names a job at a provider of another tenant, be its
        task deleted by now. Of the id counts the part behind its last colon, of a uuid in every spelling.
        """
        ...

    async def take_token(self, key: str, most: int, fills_s: int, now_ms: int) -> float:
        """Take one from the bucket `key`, which holds `most` and fills within `fills_s`; 0 if there was one.

        Else the seconds until there will be one.
        """
        ...

    async def tasks(self, tenant_id: str, query: TaskQuery) -> TaskPage:
        """A page of the tenant's listed tasks."""
        ...

    async def children(self, tenant_id: str, task_id: str) -> Sequence[Task]:
        """The tenant's tasks whose source is this one, oldest first. `task_id` is a whole id."""
        ...

    async def asset(self, asset_id: str) -> Asset | None:
        """An asset by id, unless deleted."""
        ...

    async def sha256_of(self, asset_id: str) -> str | None:
        """The checksum of an asset, be it deleted by now; None if there never was one of this id."""
        ...

    async def add_asset(self, asset: Asset) -> None:
        """Record a stored input file."""
        ...

    async def drop_input(self, tenant_id: str, asset_id: str, now_ms: int) -> bool:
        """Mark a staged input file deleted, unless a living task names it; whether its blob is now garbage."""
        ...

    async def asset_ids(self) -> frozenset[str]:
        """The ids of all assets that are not deleted, for sweeping storage."""
        ...

    # -- the walk ------------------------------------------------------------------------------------------------------

    async def claim(self, owner: str, free: Mapping[str, int], now_ms: int) -> Sequence[Task]:
        """Take at most `free[slot]` due tasks for each slot, fairly between tenants.

        The tenant with the fewest tasks in such slots comes first, then the one whose last turn is longest ago, then
        the one that waits longest; inside a tenant what is made and waits to be joined or stored, in the order in which
        it was made, then the oldest task. Of lifecycle.LEFT_TO_OTHERS a tenant gets no more than it leaves free. A
        `queued` task moves to `preparing`; one in a later step without owner stays there. The fence grows.
        """
        ...

    async def owned(self, owner: str) -> Sequence[Task]:
        """The unfinished tasks of an owner, as they are after all writes that were asked for before.

        Also those of a claim whose answer was lost.
        """
        ...

    async def move(self, task: Task, after: Step, changes: TaskChanges, *, job: JobChange | None = None) -> Task:
        """Write a move of the table, fenced by the task's (owner, fence, step); the task as it is then.

        The same step again writes only the changes. A move into `submitting` or `generating`, and a JobStart in them,
        is refused with FencedOff if a cancel was requested, so that nothing is bought after an acknowledged cancel.
        Going back to `queued` drops the result files named so far except Role.SO_FAR, going back from `storing` to
        `assembling` all but that and the fetched ones. A file named in a role takes the place of the one before, which
        is dropped. A JobStart sets the task's attempt, and is refused with SpendCapReached if its account may not spend
        so much.
        """
        ...

    async def finish(
        self,
        task: Task,
        end: Step,
        *,
        fault: Fault | None = None,
        changes: TaskChanges | None = None,
        job: JobEnd | None = None,
    ) -> Task:
        """The terminal write: step, assets, ledger capture and release, balance and outbox. Fenced like `move`.

        Of the hold, `task.cost_microusd` is captured if the task succeeded, what makers billed for its jobs if it was
        cancelled, nothing if it failed or expired; never more than the hold. The hold of a cancelled one stays while
        another of its jobs is open: see `resolve_job`; in all other cases jobs that are still open count as lost. A bad
        end drops the result files named so far, a good one Role.SO_FAR.
        """
        ...

    async def jobs(self, task: Task) -> Sequence[Job]:
        """All tries of a task, oldest first."""
        ...

    async def tries(self, task: Task) -> int:
        """How many runs here the segment at hand has had, without those that were called off.

        What it had at providers does not count. MOST_LOST_ATTEMPTS is a limit of this.
        """
        ...

    async def save_progress(self, task: Task, progress: int) -> None:
        """A coarse progress mark; silently does nothing if the task has moved on."""
        ...

    async def request_cancel(self, tenant_id: str, task_id: str, now_ms: int) -> Task | None:
        """End a waiting, queued or ownerless task as cancelled at once; mark an owned one or one in `storing`.

        An ended task is returned as it is.
        """
        ...

    async def waiting(self) -> Sequence[Task]:
        """Tasks that wait for their parent's end and whose parent has ended or is gone, or was never known here."""
        ...

    async def overdue(self, now_ms: int) -> Sequence[Task]:
        """Unfinished tasks whose deadline has passed."""
        ...

    async def expired(self, now_ms: int) -> Sequence[Task]:
        """Finished tasks whose `expires_ms` has passed."""
        ...

    async def next_due_ms(self, slots: Collection[str]) -> int | None:
        """When the next unowned task that needs one of these slots becomes due."""
        ...

    async def delete(self, tenant_id: str, task_id: str, now_ms: int) -> Sequence[str]:
        """Mark a finished task and its assets deleted; the asset ids whose blobs are now garbage.

        What the task was asked is forgotten with it, and what makers were asked for it and answered: only its id, its
        jobs and its money stay.
        What another unfinished task needs as input or another task has as result stays. An asset that stayed only for
        an unfinished task is dropped at that task's end, and its blob by the next sweep. Raises TaskNotFound,
        TaskRunning.
        """
        ...

    async def forget(self, now_ms: int) -> None:
        """Drop expired idempotency rows."""
        ...

    # -- money ---------------------------------------------------------------------------------------------------------

    async def account(self, tenant_id: str) -> Account:
        """A tenant's money. Who was never given credit is not prepaid, and nothing is refused to it for money."""
        ...

    async def adjust_balance(self, tenant_id: str, amount_microusd: int, now_ms: int, *, reference: str = "") -> int:
        """Add to (or, negative, take from) a tenant's balance as a ledger row of kind `adjust`; the new balance.

        The first one makes the tenant prepaid: what it spent before is forgiven, what it holds stays held. A
        `reference`, such as a payment's number, counts once: the same again changes nothing. Raises InsufficientQuota
        if the balance would fall below zero, IdempotencyConflict on a reference with another amount.
        """
        ...

    async def close_balance(self, tenant_id: str, now_ms: int) -> None:
        """Let a prepaid tenant spend without a balance again; what is left of its credit is taken back.

        What it holds stays held. One that is not prepaid stays as it is.
        """
        ...

    async def resolve_job(self, task_id: str, job: JobEnd) -> None:
        """Write how a job ended whose task may have ended before, and settle the task if that was the last one open.

        A job that was closed before only keeps the cost, the greatest one said: what comes late is the operator's.
        """
        ...

    async def settle_overdue(self, now_ms: int) -> int:
        """Settle what ended SETTLED_WITHIN_MS ago by what is known; its open jobs count as lost. How many tasks."""
        ...

    async def check_ledger(self) -> LedgerReport:
        """Look whether sums, holds, captures and balances agree, in one state of the record."""
        ...
