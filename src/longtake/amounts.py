# SPDX-License-Identifier: Apache-2.0
"""Amounts of money as people write them: decimal US dollars, read and written exactly, never through a float."""

from __future__ import annotations

import re
from functools import lru_cache

MICROUSD_PER_USD = 1_000_000
MOST_MICROUSD = 10**15
"""The largest single amount, a billion US dollars: sums of them stay inside 64 bits, and exact in JSON numbers."""

_DECIMAL = re.compile(r"([+-]?)([0-9]{1,12})(?:\.([0-9]{1,12}))?", re.ASCII)
_PLACES = 6


def read_usd(text: str) -> int:
    """Micro-USD of a decimal text such as `12.5`. Raises ValueError that says what to write instead."""
    found = _DECIMAL.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no amount: write US dollars as a decimal number, such as 12.50")
    sign, whole, fraction = found[1], found[2], (found[3] or "").rstrip("0")
    if len(fraction) > _PLACES:
        raise ValueError(f"{text[:40]!r} is finer than a millionth of a dollar: write at most {_PLACES} decimals")
    amount = int(whole) * MICROUSD_PER_USD + int(fraction.ljust(_PLACES, "0"))
    if amount > MOST_MICROUSD:
        raise ValueError(f"{text[:40]!r} is too much: write at most {MOST_MICROUSD // MICROUSD_PER_USD}")
    return -amount if sign == "-" else amount


@lru_cache(maxsize=1024)
def usd_text(microusd: int) -> str:
    """An amount in US dollars, exact, with two decimals or as many as it has: `0.42`, `12.50`, `-0.000001`."""
    whole, fraction = divmod(abs(microusd), MICROUSD_PER_USD)
    digits = f"{fraction:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if microusd < 0 else ''}{whole}.{digits}"
