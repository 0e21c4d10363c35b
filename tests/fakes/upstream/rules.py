# SPDX-License-Identifier: Apache-2.0
"""Scripted trouble on the wire: a rule waits for calls that fit it, and spoils as many of them as it says."""

from __future__ import annotations

import re
from typing import Literal

import msgspec


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /control/rules` takes a list of these; the first that fits is used."""

    path: str
    """A regular expression that the path has to hold."""
    method: str = ""
    times: int = 1
    """How many calls it spoils; -1 = all."""
    latency_s: float = 0.0
    """Before the call is looked at."""
    answer_after_s: float = 0.0
    """Between what was done and its answer."""
    drop: Literal["", "before", "after", "amid"] = ""
    """Close the connection without an answer: before the call is handled, after it was, or amid its answer."""
    status: int = 0
    """Answer this instead; 0 = the true answer, if nothing else is said."""
    after: bool = False
    """Handle the call first, and answer `status` nevertheless: a 5xx after accepting."""
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")
    """JSON."""
    text: str = ""
    """Instead of `body`: a text, such as a page of HTML."""

    def fits(self, method: str, path: str) -> bool:
        """Whether it spoils such a call."""
        return self.times != 0 and self.method in {"", method} and re.search(self.path, path) is not None

    @property
    def answers(self) -> bool:
        """Whether it has an answer of its own."""
        return bool(self.status)


class Rules:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def replace(self, rules: list[Rule]) -> None:
        """Only these from now on."""
        self._rules = rules

    def take(self, method: str, path: str) -> Rule | None:
        """The rule for a call, which is then spent once."""
        for rule in self._rules:
            if rule.fits(method, path):
                rule.times -= rule.times > 0
                return rule
        return None
