# SPDX-License-Identifier: Apache-2.0
"""How long and how large a call may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from longtake.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    connect_s: float = 10.0
    """Until name, connection and TLS stand."""
    silence_s: float = 120.0
    """Longest wait for an answer's first byte once all is sent, and for each further one."""
    call_s: float = 300.0
    """Whole call, with its repetitions and redirects."""
    answer_bytes: int = 64 << 20
    download_s: float = 1800.0
    """Whole download, with its resumptions."""
    stall_s: float = 30.0
    """Longest silence in a download before the connection is given up and the download resumed."""
    attempts: int = 3
    """How often a call that may be repeated is made in all."""
    pause_s: float = 0.25
    """Longest pause before the second attempt; it doubles with each further one."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The operator's limits."""
        return cls(
            connect_s=settings.connect_timeout_s,
            silence_s=settings.answer_timeout_s,
            call_s=settings.call_timeout_s,
            answer_bytes=settings.max_answer_bytes,
            download_s=settings.download_timeout_s,
            stall_s=settings.download_stall_s,
        )
