# SPDX-License-Identifier: Apache-2.0
"""Bodies that were sent before, for readers that ask again.

The record gives the same object for a task that has not changed, so a body is good for as long as that object lives:
whatever is written to a task makes a new one, and nothing of a deleted task stays here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias
from weakref import ref

from longtake.http.dialects.superset import Body, UrlOf
from longtake.http.links import Links
from longtake.http.messages import Call, encode
from longtake.types import Asset, Role, Task

Render: TypeAlias = Callable[[Task, UrlOf], Body]


class _Rendered(NamedTuple):
    task: ref[Task]
    place: tuple[str, int] | None
    """Of its links (links.Links.place); None where it has none."""
    body: bytes


class RenderedTasks:
    """The bodies of the tasks that the record remembers. For one event loop."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._known: dict[tuple[int, Render], _Rendered] = {}

    def body(self, call: Call, task: Task, render: Render) -> bytes:
        """A task's JSON as `render` has it, with links for this caller."""
        key = (id(task), render)
        known = self._known.get(key)
        if known is not None and known.task() is task and self._is_good(known, call):
            return known.body
        place: tuple[str, int] | None = None
        make_url = self._links.url_maker(call)

        def url_of(task: Task, role: Role, asset: Asset) -> str:
            nonlocal place
            # Before the first link: if time goes on meanwhile, the next reader gets new ones.
            place = place or self._links.place(call)
            return make_url(task, role, asset)

        body = encode(render(task, url_of))
        self._known[key] = _Rendered(ref(task, lambda _: self._known.pop(key, None)), place, body)
        return body

    def _is_good(self, known: _Rendered, call: Call) -> bool:
        return known.place is None or known.place == self._links.place(call)
