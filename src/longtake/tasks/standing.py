# SPDX-License-Identifier: Apache-2.0
"""What of an account's standing outlives the process: an operator's switch, and a pause that was asked for.

Only what is worth a write is written: a pause of less than LEAST_KEPT_MS is over before a server has restarted.
"""

from __future__ import annotations

import asyncio
import logging

from longtake.providers.base import ProviderFault, Trouble
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.store.base import Store
from longtake.store.provider_accounts import AccountState
from longtake.tasks.faults import note_on_health

RENEWAL_MS = 10_000
"""For so long after a new key was taken, refusals may be of calls with the old one."""
LEAST_KEPT_MS = 30_000
"""The shortest pause that is kept, and the least change of one."""
_KEY_REFUSED = f"{Trouble.AUTH.value}:"
"""What the reason of a rest begins with where the key was refused (tasks/faults.py)."""

_log = logging.getLogger("longtake.tasks")


async def restore(store: Store, accounts: LiveAccounts) -> None:
    """Put accounts as they were left. To be called before anything is asked of them.

    But for one whose key was refused: it may have got another with the restart, and one call will tell.
    """
    for state in await store.account_states():
        account = accounts.get(state.name)
        if account is not None:
            account.kept, account.switched_off = state, state.switched_off
            if not state.why.startswith(_KEY_REFUSED):
                account.health.rest_until(state.rests_until_ms, state.why)


async def take_new_key(account: LiveAccount, now_ms: int) -> bool:
    """Have an account use the key that its file has by now; whether that is another, or became so a moment ago."""
    if account.key_file is not None:
        use_key(account, await asyncio.to_thread(account.key_file.read), now_ms)
    return now_ms - account.renewed_ms < RENEWAL_MS


def use_key(account: LiveAccount, key: str, now_ms: int) -> None:
    """Have an account use a key that its file was found to have, unless it does. Its first one makes it usable.

    A file that is gone or empty leaves the key in use: it may be on its way.
    """
    if account.key_file is None or not account.key_file.take(key):
        return
    account.access, account.has_key, account.renewed_ms = account.key_file.access, True, now_ms
    if account.health.condition.why.startswith(_KEY_REFUSED):
        account.health.forget()
    _log.info("provider %s has got a new key", account.name)


async def note_fault(store: Store, account: LiveAccount, fault: ProviderFault, now_ms: int) -> bool:
    """Let an account rest as its fault asks for, and keep that where it is for long. Raises StoreFailed.

    Whether the fault is mended: its key was refused, and it has another by now.
    """
    if fault.trouble is Trouble.AUTH and await take_new_key(account, now_ms):
        return True
    note_on_health(account.health, fault, now_ms)
    condition = account.health.condition
    kept_ms = account.kept.rests_until_ms if account.kept else 0
    if condition.asked_until_ms - max(now_ms, kept_ms) >= LEAST_KEPT_MS:
        await _save(store, account)
    return False


async def switch(store: Store, account: LiveAccount, *, on: bool) -> None:
    """Switch an account off, or on and well: who switches it on has mended what it rested for. Raises StoreFailed."""
    if on:
        account.health.forget()
    account.switched_off = not on
    await _save(store, account)


async def _save(store: Store, account: LiveAccount) -> None:
    condition = account.health.condition
    state = AccountState(
        name=account.name,
        switched_off=account.switched_off,
        rests_until_ms=condition.asked_until_ms,
        why=condition.why if condition.asked_until_ms else "",
    )
    # Before the write: of many that are told the same at once, one writes.
    account.kept = state
    await store.save_account(state)
