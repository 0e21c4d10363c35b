# SPDX-License-Identifier: Apache-2.0
"""Where a fact was read and when: no row of the catalogue is taken without."""

from __future__ import annotations

import re
from datetime import date

_ADDRESS = re.compile(r"https://[a-z0-9.-]+\.[a-z]{2,}/?\S*|(docs|src)/\S+")
"""A page, or of what is made here a path in this project."""


def check_source(row: str, source: str, as_of: str) -> None:
    """Refuse a row of the shipped catalogue that does not say where it was read, or when. Raises ValueError."""
    if not _ADDRESS.fullmatch(source):
        raise ValueError(f"{row}: source is {source!r}: give the address of the page where its facts were read")
    try:
        date.fromisoformat(as_of)
    except ValueError as error:
        raise ValueError(f"{row}: as_of is {as_of!r}: give the day when its facts were read, as 2026-11-27") from error
