# SPDX-License-Identifier: Apache-2.0
"""One visit of a page: who comes, in which language, and what a page may answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from longtake.errors import LongtakeError
from longtake.http.context import Context
from longtake.http.errors import MESSAGES_ZH
from longtake.http.messages import Answer, Call, HeaderList
from longtake.http.page.language import Language
from longtake.types import Asset, Fault, Principal, Role, Task, Value


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page works with. `context.service` is the only door to tasks."""

    context: Context
    call: Call
    language: Language

    @property
    def owner(self) -> Principal:
        """Who visits, on a page that needs a session."""
        return self.call.owner

    @property
    def base(self) -> str:
        """This server's address as the visitor knows it."""
        return self.context.links.asked_base(self.call)

    def link(self, task: Task, role: Role) -> str:
        """A signed path of a task's file on this very origin; empty if it has none."""
        asset: Asset | None = task.assets.get(role)
        return "" if asset is None else self.context.links.asset_url("", task, role, asset)


def told(trouble: LongtakeError | Fault, language: Language) -> str:
    """What went wrong, in a visitor's language as far as there are words of it."""
    chinese = trouble.message_zh or MESSAGES_ZH.get(trouble.code, "")
    return chinese if language == "zh" and chinese else trouble.message


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: its template, and the facts that it shows. The same facts are the page's `.json`."""

    template: str
    facts: Value
    status: int = 200
    headers: HeaderList = field(default_factory=HeaderList)


@dataclass(frozen=True, slots=True)
class Moved:
    """The visitor goes on to another page of ours; `to` is a path."""

    to: str
    headers: HeaderList = field(default_factory=HeaderList)


PageAnswer: TypeAlias = Shown | Moved | Answer
"""What a page gives: an Answer goes out as it is, such as a stream of events."""

Page: TypeAlias = Callable[[Visit], Awaitable[PageAnswer]]
