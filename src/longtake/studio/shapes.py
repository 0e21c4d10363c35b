# SPDX-License-Identifier: Apache-2.0
"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from longtake.types import SECOND_US


def clock(time_us: int) -> str:
    """A length or a place in a video: `3.00 s`, from a minute on `1:03.0`."""
    if time_us < 60 * SECOND_US:
        return f"{time_us / SECOND_US:.2f} s"
    minutes, rest_us = divmod(time_us, 60 * SECOND_US)
    return f"{minutes}:{rest_us / SECOND_US:04.1f}"


def seconds(time_us: int) -> str:
    """A place in a video as a field of a form or of a link holds it: `3`, `1.041667`."""
    return f"{time_us / SECOND_US:.6f}".rstrip("0").rstrip(".")


def dollars(microusd: int) -> str:
    """An amount: cents, and more places where it is less."""
    amount = microusd / 1_000_000
    return f"${amount:.2f}" if microusd % 10_000 == 0 else f"${amount:.6f}".rstrip("0")


def moment(at_ms: int | None) -> str:
    """A moment in UTC, as the `datetime` of a `<time>` has it; scripts show it in the reader's own time."""
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
