# SPDX-License-Identifier: Apache-2.0
"""Where `-o` writes: an ordinary file, whole or not at all, or a pipe. Never a terminal, a folder or a device."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from longtake.cli.exits import CommandFailed, Exit

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Destination:
    """A checked place for a file; None = standard output."""

    path: Path | None
    mode: int = 0o600
    """The permissions that a new file gets, by the user's umask: a server in this process narrows that meanwhile."""


def check_destination(given: str, *, overwrite: bool, as_json: bool = False) -> Destination:
    """The place that `-o` names, refused before any work is done for it.

    An existing ordinary file is overwritten with `--yes`, or after asking on a terminal. A link is followed.
    """
    if given == STANDARD_OUTPUT and as_json:
        raise CommandFailed("--json and -o - both want standard output", exit_status=Exit.USAGE)
    if given == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise CommandFailed(
                "standard output is a terminal: a video is not printed there",
                exit_status=Exit.USAGE,
                hint="Name a file (-o longer.mp4), or use a pipe (-o - | player -).",
            )
        return Destination(None)
    path = Path(os.path.realpath(given))
    if not path.parent.is_dir():
        raise CommandFailed(
            f"the folder {str(path.parent)!r} does not exist", exit_status=Exit.USAGE, hint=f"mkdir -p {path.parent}"
        )
    try:
        exists = path.exists()
    except OSError as error:  # such as a name that is too long
        raise CommandFailed(f"{given!r} cannot be written: {error.strerror}", exit_status=Exit.USAGE) from error
    _refuse_unless_ordinary(path)
    if exists and not overwrite:
        is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
        if not is_terminal or not click.confirm(f"{given} exists. Overwrite it?", err=True):
            raise CommandFailed(f"{given!r} exists", exit_status=Exit.USAGE, hint="--yes overwrites it.")
    if not os.access(path.parent, os.W_OK):
        raise CommandFailed(f"the folder {str(path.parent)!r} cannot be written to", exit_status=Exit.USAGE)
    umask = os.umask(0o077)
    os.umask(umask)
    return Destination(path, 0o666 & ~umask)


def _refuse_unless_ordinary(path: Path) -> None:
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or pipe, not an ordinary file"
        raise CommandFailed(
            f"{str(path)!r} is {kind}", exit_status=Exit.USAGE, hint="Name a file, or write to a pipe with -o -"
        )
