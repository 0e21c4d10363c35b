# SPDX-License-Identifier: Apache-2.0
"""Which of the page's two languages a reader wants."""

from __future__ import annotations

import re
from typing import Literal

from longtake.http.describe.terms import Words
from longtake.http.messages import Call

Language = Literal["en", "zh"]

_MOST_RANGES = 20
_WEIGHT = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


def language_of(call: Call) -> Language:
    """`?lang=` if it is one of the two, else what Accept-Language likes better (RFC 9110, 12.5.4), else English."""
    match call.query().get("lang", "").lower().partition("-")[0]:
        case "zh":
            return "zh"
        case "en":
            return "en"
        case _:
            liking = _liking(call.header(b"accept-language") or "")
            return "zh" if liking["zh"] > liking["en"] else "en"


def _liking(header: str) -> dict[str, float]:
    liking = {"en": 0.0, "zh": 0.0}
    for place, part in enumerate(header.split(",")[:_MOST_RANGES]):
        name, _, weight = part.strip().lower().partition(";q=")
        language = name.partition("-")[0]
        if language not in liking or (weight and not _WEIGHT.fullmatch(weight)):
            continue
        # Of two equal wishes the first one counts.
        liking[language] = max(liking[language], float(weight or 1) - place / 10_000)
    return liking


def say(words: Words, language: Language) -> str:
    """The words in one language."""
    return words.zh if language == "zh" else words.en
