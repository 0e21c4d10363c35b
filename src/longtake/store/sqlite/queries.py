# SPDX-License-Identifier: Apache-2.0
"""The statements of sql/queries.sql by name, how they are run, and the migrations in order."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import apsw

Cell = None | int | float | str | bytes
Row = tuple[Cell, ...]
Cells = Mapping[str, Cell] | Sequence[Cell]


class _Cursor(Protocol):
    def fetchall(self) -> list[Row]: ...


class _Connection(Protocol):
    """apsw.Connection without `Buffer`, a type that Python 3.11 does not know."""

    def execute(self, statements: str, bindings: Cells) -> _Cursor: ...


_FOLDER = Path(__file__).resolve().parent.parent / "sql"
_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)


@functools.cache
def _statements() -> dict[str, str]:
    parts = _NAME.split((_FOLDER / "queries.sql").read_text(encoding="utf-8"))[1:]
    texts = {name: _COMMENT.sub("", text).strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    assert len(texts) * 2 == len(parts), "a name stands twice in queries.sql"
    return {name: text.replace("{task}", texts["task"]) for name, text in texts.items()}


@functools.cache
def migrations() -> tuple[str, ...]:
    """The texts of all migrations, oldest first; the n-th brings the file to version n."""
    return tuple(path.read_text(encoding="utf-8") for path in sorted((_FOLDER / "migrations").glob("*.sql")))


def run(connection: apsw.Connection, text: str, cells: Cells = ()) -> list[Row]:
    """Run a statement to its end, since an open one would hold up its transaction; its rows."""
    return cast("_Connection", connection).execute(text, cells).fetchall()


def fetch(connection: apsw.Connection, name: str, cells: Cells = ()) -> list[Row]:
    """Run the statement of this name; its rows."""
    return run(connection, _statements()[name], cells)


def fetch_first(connection: apsw.Connection, name: str, cells: Cells = ()) -> Row | None:
    """Run the statement of this name; its first row, None without rows."""
    rows = fetch(connection, name, cells)
    return rows[0] if rows else None
