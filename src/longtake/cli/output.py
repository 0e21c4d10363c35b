# SPDX-License-Identifier: Apache-2.0
"""What a command says: data on standard output, talk and progress on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


class Bar(Protocol):
    """Something that shows how far work has come."""

    def show(self, percent: int, note: str) -> None:
        """Show progress, 0 to 100, and what is going on."""
        ...


@dataclass(frozen=True)
class Output:
    """How a command speaks: for people, as JSON (`--json`), or only the essential word (`-q`)."""

    as_json: bool = False
    quiet: bool = False

    def data(self, value: Mapping[str, object] | list[object], human: str, essential: str = "") -> None:
        """Print a result: JSON, the essential word, or the text for people."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False))
        elif self.quiet:
            if essential:
                click.echo(essential)
        else:
            click.echo(human)

    def talk(self, text: str) -> None:
        """Say something beside the result."""
        if not self.quiet and not self.as_json:
            click.echo(text, err=True)

    @contextmanager
    def progress(self, title: str) -> Generator[Bar]:
        """A bar on a terminal, a line at each tenth elsewhere, nothing when quiet."""
        if self.quiet or self.as_json:
            yield _Silence()
        elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            with _rich_bar(title) as bar:
                yield bar
        else:
            yield _Lines(title)


class _Silence:
    """Shows nothing."""

    def show(self, percent: int, note: str) -> None:
        """Nothing."""


class _Lines:
    """A line whenever the note changes, another tenth is done and a second has passed, or all is done."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._tenth, self._note = -1, ""
        self._percent, self._next_s = -1, 0.0

    def show(self, percent: int, note: str) -> None:
        """Print a line if there is news."""
        is_due = percent // 10 != self._tenth and time.monotonic() >= self._next_s
        is_end = percent >= 100 > self._percent  # noqa: PLR2004  (percent)
        if is_end or note != self._note or is_due:
            self._tenth, self._note, self._percent = percent // 10, note, percent
            self._next_s = time.monotonic() + 1
            click.echo(f"{self._title}: {percent} % {note}".rstrip(), err=True)


@contextmanager
def _rich_bar(title: str) -> Generator[Bar]:
    from rich.console import Console  # noqa: PLC0415  (only a terminal needs it)
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[note]}"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        row = progress.add_task(title, total=100, note="")

        class RichBar:
            """Moves the row of this display."""

            def show(self, percent: int, note: str) -> None:
                progress.update(row, completed=percent, note=note)

        yield RichBar()


def output_options(command: Command) -> Command:
    """Give a command `--json` and `-q`."""
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
    return click.option("-q", "--quiet", is_flag=True, help="Print only the essential word.")(command)


def table_of(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Rows below a head, in columns."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)
