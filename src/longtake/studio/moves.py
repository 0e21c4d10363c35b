# SPDX-License-Identifier: Apache-2.0
"""What was moved in a request so that its model can make it, in a visitor's words."""

from __future__ import annotations

from longtake.http.page.language import Language
from longtake.studio.shapes import clock
from longtake.studio.words import words
from longtake.tasks.fitting import Fitted


def moved_words(language: Language, fitted: Fitted, model: str) -> tuple[str, ...]:
    """A sentence for each change, and one where the maker is asked for more than is kept."""
    said = words(language)
    sentences: list[str] = []
    for move in fitted.moves:
        holes = {"wished": clock(move.wished_us), "at": clock(move.us), "model": model}
        told = [said[f"snap.{move.reason}"], *([] if move.is_needed else [said["snap.worse"]])]
        sentences.append(" ".join(told).format(**holes))
    if fitted.asked_us and fitted.submission.new_us is not None:
        kept = clock(fitted.submission.new_us)
        sentences.append(said["snap.cut_off"].format(asked=clock(fitted.asked_us), kept=kept, model=model))
    return tuple(sentences)


def too_short(language: Language, fitted: Fitted) -> str:
    """Why a model can do nothing with a source."""
    least, length = clock(fitted.least_source_us), clock(fitted.source_us)
    return words(language)["snap.too_short"].format(least=least, length=length)
