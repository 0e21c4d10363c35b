# SPDX-License-Identifier: Apache-2.0
"""Every write of the record that is no move of a task, by its name; and which write each method and statement of the
store is a part of. Whoever adds a method or a statement that writes has to say it here."""

from __future__ import annotations

from collections.abc import Mapping

GATHERING = "preparing: gathering begins"
FETCHED_INPUT = "input: fetched file recorded"
GATHERED = "preparing → queued, gathered"
TOKEN = "token: taken"
ADOPTED = "new → succeeded, adopted"
STAGING = "preparing: staging begins"
HANDED = "submitting: file handed over"
TAKEN_BACK = "fetching: file taken back"
UPLOAD_BACK = "upload: taken back"
SENT_INPUT = "input: sent file recorded"
INPUT_DROPPED = "input: dropped"
ORPHANS = "end: orphaned inputs dropped"
DELETED = "task: deleted"
AGED = "task: removed for its age"
FORGOTTEN = "answers: forgotten"
LATE = "money: settled late"
BALANCE = "balance: adjusted"
BALANCE_CLOSED = "balance: closed"
KEY_MADE = "key: added"
KEY_REVOKED = "key: revoked"
ACCOUNT = "account: noted"
ROOM = "room: checked"
TABLES_MADE = "opening: tables made"
INSTALLED = "opening: installation made"
TAKEN_OVER = "opening: taken over"
PROGRESS = "generating: progress saved"

OF_MOVES = frozenset({GATHERING, GATHERED, ADOPTED, STAGING, HANDED, TAKEN_BACK, ORPHANS})
"""What is more than a move, and part of it."""
BY_ITSELF = frozenset({AGED, FORGOTTEN, LATE})
"""What a server does in its own time."""
AT_OPENING = frozenset({TABLES_MADE, INSTALLED, TAKEN_OVER})
"""What is written while the record is opened: nobody waits for an answer."""

METHODS: Mapping[str, tuple[str, ...]] = {
    "open": (TABLES_MADE, INSTALLED, TAKEN_OVER, "queued → failed"),
    "check": (ROOM,),
    "add_key": (KEY_MADE,),
    "revoke_key": (KEY_REVOKED,),
    "submit": ("new → queued", "new → waiting", "new → succeeded", ADOPTED),
    "take_token": (TOKEN,),
    "add_asset": (SENT_INPUT, FETCHED_INPUT),
    "drop_input": (INPUT_DROPPED,),
    "claim": ("queued → preparing", "polling: claimed", GATHERING, STAGING),
    "move": ("preparing → submitting", "submitting: job begins", HANDED, GATHERED),
    "finish": ("storing → succeeded", "polling → failed", ORPHANS),
    "save_progress": (PROGRESS,),
    "request_cancel": ("polling: cancel requested", "queued → cancelled"),
    "delete": (DELETED, AGED, UPLOAD_BACK),
    "forget": (FORGOTTEN,),
    "adjust_balance": (BALANCE,),
    "close_balance": (BALANCE_CLOSED,),
    "resolve_job": ("end: job resolved",),
    "settle_overdue": (LATE,),
    "save_account": (ACCOUNT,),
}
"""The methods of the store that write, and where each is struck."""

READS_IN_TURN = frozenset({"owned"})
"""Methods that write nothing, and see what all writes before them have written."""

STATEMENTS: Mapping[str, str] = {
    "check_room": ROOM,
    "check_write": ROOM,
    "change_balance": "polling → failed",
    "claim": "queued → preparing",
    "close_balance": BALANCE_CLOSED,
    "close_settlement": LATE,
    "delete_assets": DELETED,
    "delete_events": DELETED,
    "delete_exchanges": DELETED,
    "delete_task": DELETED,
    "drop_input": INPUT_DROPPED,
    "drop_orphaned_inputs": ORPHANS,
    "drop_replaced": "assembling → preparing",
    "drop_result": TAKEN_BACK,
    "drop_result_assets": "storing → queued",
    "drop_unnamed": TAKEN_OVER,
    "end_job": "generating → storing",
    "finish": "storing → succeeded",
    "forget_idempotency": FORGOTTEN,
    "free_owned": TAKEN_OVER,
    "free_place": "storing → succeeded",
    "free_repeated": TAKEN_OVER,
    "insert_asset": SENT_INPUT,
    "insert_found_job": ADOPTED,
    "insert_idempotency": "new → queued",
    "insert_installation": INSTALLED,
    "insert_job": "preparing → generating",
    "insert_key": KEY_MADE,
    "insert_ledger": BALANCE,
    "insert_outbox": "storing → succeeded",
    "insert_task": "new → queued",
    "insert_task_asset": "new → queued",
    "insert_tenant": KEY_MADE,
    "lose_jobs_of": LATE,
    "lose_open_jobs": TAKEN_OVER,
    "lower_task_hold": GATHERED,
    "mark_job": "submitting → polling",
    "move": "preparing → queued",
    "move_on": "preparing → generating",
    "open_balance": KEY_MADE,
    "request_cancel": "polling: cancel requested",
    "resolve_job": "end: job resolved",
    "revoke_key": KEY_REVOKED,
    "save_account": ACCOUNT,
    "save_progress": PROGRESS,
    "take_token": TOKEN,
    "unname_result": "assembling → preparing",
    "unname_results": "storing → queued",
    "unname_role": TAKEN_BACK,
}
"""Each statement that writes, and a write that it is part of: where that is struck, it has changed something."""

UNSTRUCK: Mapping[str, str] = {
    "late_cost": "a cost that comes after the late rule closed its job: the two would have to meet in one moment",
}
