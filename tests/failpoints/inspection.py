# SPDX-License-Identifier: Apache-2.0
"""What has to be true when all has ended: in the process, in the record, on the disk, and at the upstreams."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.house import House
from tests.providers.exchange import job as job_of

from longtake.lifecycle import ENDS
from longtake.providers.comfyui.provider import _prompt_id
from longtake.routing.live_accounts import LiveAccounts
from longtake.storage.local import LocalStorage

_ENDS = {step.value for step in ENDS}
ORDERED_THERE = "ordered there"
"""The prompt of what somebody has ordered at an upstream by no way of ours."""
_NEVER_TWICE = {"comfyui", "openai_videos"}
"""Wires that make two jobs of two calls."""


async def wrong_in_process(house: House, accounts: LiveAccounts) -> list[str]:
    """Whatever a process still holds or counts when nothing is left to do, and files that do not fit the record."""
    found: list[str] = []
    report = await house.store.check_ledger()
    found += [f"ledger: {problem}" for problem in report.problems]
    if report.unsettled:
        found.append(f"{report.unsettled} tasks are not settled")
    if used := house.scheduler._places.in_use():
        found.append(f"slots are still taken: {used}")
    found += [f"account {account.name} has {account.in_flight} in flight" for account in accounts if account.in_flight]
    found += [f"account {account.name} still downloads" for account in accounts if account.downloads.in_use]
    if house.fleet.held:
        found.append(f"the fleet holds {house.fleet.held}")
    live = house.service.live
    if live._cancels or live._unheard or live._progress or live._waiters:
        found.append("the process still remembers tasks that have ended")
    if house.remote is not None and (house.remote.videos or house.remote.pauses_s or house.remote.bought):
        found.append("the process still remembers videos to fetch")
    blobs, named = set(house.storage.keys()), await house.store.asset_ids()
    found += [f"blob {key} has no row" for key in sorted(blobs - named)]
    found += [f"row {key} has no blob" for key in sorted(named - blobs)]
    found += [f"work folder {prefix} is left" for prefix in house.storage.work_prefixes()]
    found += [f"half-written file {path.name}" for path in house.settings.home.rglob("*.part")]
    return found


def wrong_in_record(path: Path) -> list[str]:
    """Whatever does not add up in the rows of a database whose tasks have all ended."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        found = [f"{words}: {row}" for words, rows in _questions(connection) for row in rows]
    connection.close()
    return found


def _questions(connection: sqlite3.Connection) -> Iterable[tuple[str, list[tuple[Any, ...]]]]:
    ends = ", ".join(f"'{end}'" for end in sorted(_ENDS))
    ended = "step = 'succeeded' and attempt = 0"
    for words, question in {
        "the file is damaged": "select * from pragma_integrity_check where integrity_check <> 'ok'",
        "a task has not ended": "select id, step from tasks where finished_ms is null",
        "an ended task has an owner": "select id, step from tasks where owner is not null",
        "a try is open for ever": "select task, attempt, provider from jobs where state = 'open'",
        "places are still counted": "select key, used from counters where used <> 0",
        "an end was written more than once": (
            f"select task, count(*) from events where step in ({ends}) group by task having count(*) <> 1"
        ),
        "an end was not told": (
            f"select id, step from tasks where deleted_ms is null and not exists (select 1 from events where task = id "
            f"and events.step = tasks.step) and step in ({ends})"
        ),
        "something was told after the end": (
            f"select one.task, other.step from events as one join events as other on other.task = one.task "
            f"where one.step in ({ends}) and other.sequence > one.sequence"
        ),
        "an event is later than its task": (
            "select tasks.id from tasks join events on events.task = tasks.id where events.sequence > tasks.sequence"
        ),
        "a task has no end of its money": (
            f"select id from tasks where settlement <> 'closed' and not ({ended})"
        ),
        "money was not moved once": (
            "select task, kind, count(*) from ledger where kind <> 'adjust' and seq = 0 "
            "group by task, kind having count(*) <> 1"
        ),
        "a result is named twice": (
            "select task, role from task_assets where purpose = 'result' group by task, role having count(*) > 1"
        ),
        "an ended task has a result and no video": (
            "select id from tasks where step = 'succeeded' and not exists (select 1 from task_assets "
            "where task = tasks.id and purpose = 'result' and role = 'video') and operation <> 'upload'"
        ),
        "two tries of one part were bought": (
            "select task, segment, count(*) from jobs where state = 'succeeded' and provider <> 'longtake' "
            "group by task, segment having count(*) > 1"
        ),
    }.items():  # fmt: skip
        yield words, connection.execute(question).fetchall()


def wrong_at_upstreams(path: Path, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Jobs that nobody asked for, or that were asked for twice. `jobs` are of all upstreams of this home."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute("select task, segment, caller_key from jobs where provider <> 'longtake'").fetchall()
        prompts = connection.execute("select json_extract(submission, '$.prompt'), id from tasks").fetchall()
    connection.close()
    part_of = {key: (task, segment) for task, segment, key in rows if key}
    # fal is told no key: its jobs are known by their prompts.
    part_of |= {prompt: (task, 0) for prompt, task in prompts if prompt}
    jobs = [
        {**job, "caller_key": job["caller_key"] or job["asked"]["prompt"]}
        for job in jobs
        if job["asked"].get("prompt") != ORDERED_THERE
    ]
    part_of |= {_prompt_id(job_of(caller_key=key)): part for key, part in part_of.items()}  # as ComfyUI is told
    found: list[str] = []
    living: Counter[tuple[str, int]] = Counter()
    for job in jobs:
        part = part_of.get(job["caller_key"])
        if part is None:
            found.append(f"job {job['caller_key']} at the upstream is on no record")
            continue
        if job["submits"] > 1 and job["wire"] in _NEVER_TWICE:
            found.append(f"job {job['caller_key']} was sent {job['submits']} times to one that makes two of that")
        living[part] += job["state"] != "failed"
    found += [f"{count} jobs were bought for {part}" for part, count in living.items() if count > 1]
    counts = Counter((job["wire"], job["caller_key"]) for job in jobs)
    return found + [f"{count} jobs came of one call: {key}" for key, count in counts.items() if count > 1]


def ends_in(path: Path) -> dict[str, tuple[str, str, int]]:
    """Of each task that is no upload, by its prompt: its id, how it ended, and how many tries here were lost."""
    question = (
        "select json_extract(submission, '$.prompt'), id, step, json_extract(fault, '$.code'), "
        "(select count(*) from jobs where task = tasks.id and state = 'lost' and provider = 'longtake') "
        "from tasks where operation <> 'upload' and deleted_ms is null"
    )
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute(question).fetchall()
    connection.close()
    found: dict[str, tuple[str, str, int]] = {}
    for prompt, task_id, step, code, lost in rows:
        assert prompt not in found, f"one request made two tasks: {prompt}"
        found[prompt] = (task_id, f"{step}:{code}" if step == "failed" else step, lost)
    return found


def wrong_in_files(home: Path) -> list[str]:
    """Files of a stopped server that do not fit its rows."""
    storage = LocalStorage(home / "storage")
    with sqlite3.connect(f"file:{home / 'longtake.sqlite'}?mode=ro", uri=True) as connection:
        named = {row[0] for row in connection.execute("select id from assets where deleted_ms is null")}
    connection.close()
    parts = [path.name for path in home.rglob("*.part")]
    blobs = set(storage.keys())
    found = [f"blob {key} has no row" for key in sorted(blobs - named)]
    found += [f"row {key} has no blob" for key in sorted(named - blobs)]
    found += [f"work folder {prefix} is left" for prefix in storage.work_prefixes()]
    return found + [f"half-written file {name}" for name in parts]


def wrong_at_longtake(front: Path, behind: Path) -> list[str]:
    """Tasks of a longtake behind a longtake that nobody asked for, or that were made twice."""
    with sqlite3.connect(f"file:{front}?mode=ro", uri=True) as connection:
        rows = connection.execute("select task, segment, caller_key from jobs where provider <> 'longtake'").fetchall()
    connection.close()
    part_of = {key: (task, segment) for task, segment, key in rows}
    with sqlite3.connect(f"file:{behind}?mode=ro", uri=True) as connection:
        asked = connection.execute(
            "select tasks.id, tasks.step, idempotency.key from tasks left join idempotency on "
            "idempotency.task = tasks.uuid where tasks.operation <> 'upload'"
        ).fetchall()
    connection.close()
    found = [f"task {task_id} behind is on no record in front" for task_id, _, key in asked if key not in part_of]
    made = Counter(part_of[key] for _, step, key in asked if key in part_of and step != "failed")
    found += [f"{count} tasks were made behind for {part}" for part, count in made.items() if count > 1]
    keys = Counter(key for _, _, key in asked)
    return found + [f"{count} tasks were made behind of one call: {key}" for key, count in keys.items() if count > 1]
