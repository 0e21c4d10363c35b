# SPDX-License-Identifier: Apache-2.0
"""What the shell offers behind a command: ids of tasks, names of models. Whatever goes wrong, it offers less."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from longtake_client import Client

_MOST_TASKS = 50
_PATIENCE_S = 2.0
"""Nobody waits longer for a Tab."""


def task_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The latest tasks by their bare uuids, which every command takes: bash takes a colon for the end of a word."""
    del context, parameter
    found: list[CompletionItem] = []
    with contextlib.suppress(Exception), _server_in_reach() as client:
        for task in client.page(limit=_MOST_TASKS).tasks:
            uuid = task.id.rpartition(":")[2]
            if uuid.startswith(incomplete):
                found.append(CompletionItem(uuid, help=f"{task.state.value} {task.model}"))
    return found


def files_and_task_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell knows best, and tasks."""
    return [CompletionItem(incomplete, type="file"), *task_ids(context, parameter, incomplete)]


def model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The models of the server in reach; without one, those that are known here."""
    from longtake.catalog.catalog import shipped_catalog  # noqa: PLC0415  (help does without)

    del context, parameter
    names = [model.name for model in shipped_catalog()]
    with contextlib.suppress(Exception), _server_in_reach() as client:
        names = [model.id for model in client.models()]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@contextmanager
def _server_in_reach() -> Generator[Client]:
    """A client of the server that commands would use; none is started for it. Raises LookupError."""
    from longtake.cli.connect import running_server  # noqa: PLC0415  (help does without)
    from longtake.settings import read_client_settings, read_settings  # noqa: PLC0415
    from longtake_client import Client  # noqa: PLC0415

    given = read_client_settings()
    url, key = given.url, given.api_key
    if not url:
        run = running_server(read_settings({}).home)
        if run is None:
            raise LookupError("no server runs for this home")
        url, key = run.url, key or run.token
    with Client(url=url, api_key=key, timeout_s=_PATIENCE_S, max_retries=0) as client:
        yield client
