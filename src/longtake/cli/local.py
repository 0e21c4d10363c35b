# SPDX-License-Identifier: Apache-2.0
"""The server behind `longtake_client.Client.local()`, which finds this module by its name."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from longtake.cli.inprocess import Inside, served_here
from longtake.cli.temporary import temporary_home


@contextmanager
def served_inside(home: Path | None, key: str) -> Generator[Inside]:
    """A server of this home, or of one that vanishes with it, with the sample in it; `key` is its admin's.

    The process's umask stays as it is, since other threads make files too: a home that is new is closed to others.
    Raises ConfigurationError where the settings or the home do not fit, or another process has the home.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_home()) if home is None else home
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield stack.enter_context(served_here(folder, sample=True, key=key, narrow_umask=False))
