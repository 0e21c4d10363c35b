# SPDX-License-Identifier: Apache-2.0
"""A prompt cut into tokens, and phrases found among them: words in Latin letters whole, Chinese by the character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

_TOKEN = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff]|\d+(?:\.\d+)?|[^\W\d_](?:[^\W_\u3400-\u9fff\uf900-\ufaff]|['’&](?=[^\W_]))*|[.,;:!?。，；：！？、\n]"
)
_BOUNDARY = frozenset(".,;:!?。，；：！？\n")
_LONGEST_GAP = 4
_SHORTEST_INFLECTED = 3
Meaning = TypeVar("Meaning")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a Chinese character or a mark of punctuation, and where it stands in the text."""

    word: str
    start: int
    end: int

    @property
    def is_boundary(self) -> bool:
        """Whether it ends a clause."""
        return self.word in _BOUNDARY

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation of any kind."""
        return self.is_boundary or self.word == "、"


def normalised(prompt: str) -> str:
    """The prompt with full-width letters as ordinary ones."""
    return unicodedata.normalize("NFKC", prompt)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a normalised text. Hyphens, quotes and other signs count as space."""
    return [
        Token(match.group().casefold().replace("’", "'"), match.start(), match.end()) for match in _TOKEN.finditer(text)
    ]


def phrases_of(listed: str) -> list[tuple[str, ...]]:
    """A table's comma-separated phrases as words."""
    return [tuple(token.word for token in tokens_of(phrase.strip())) for phrase in listed.split(",") if phrase.strip()]


def forms(word: str) -> frozenset[str]:
    """What an English word of the table may look like in a text: plain, third person, participle, plural."""
    if not word.isascii() or not word.isalpha() or len(word) < _SHORTEST_INFLECTED:
        return frozenset({word})
    found = {word, word + "s", word + "es", word + "ed", word + "ing", word + word[-1] + "ing", word + word[-1] + "ed"}
    if word.endswith("e"):
        found |= {word + "d", word[:-1] + "ing"}
    if word.endswith("y"):
        found |= {word[:-1] + "ies", word[:-1] + "ied"}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Found(Generic[Meaning]):
    """A phrase found at tokens `first` to `end` (excluded)."""

    meaning: Meaning
    first: int
    end: int
    inside: tuple[int, ...] = ()
    """Tokens between the phrase's own."""

    @property
    def size(self) -> int:
        """How many words the phrase has."""
        return self.end - self.first - len(self.inside)


class Phrases(Generic[Meaning]):
    """Phrases with a meaning each, found at a place of a text, the longest first."""

    def __init__(self, table: Iterable[tuple[str, Meaning]], *, inflected: bool = False) -> None:
        self._by_first: dict[str, list[tuple[tuple[frozenset[str], ...], Meaning]]] = {}
        for listed, meaning in table:
            for words in phrases_of(listed):
                each = tuple(forms(word) if inflected else frozenset({word}) for word in words)
                for word in each[0]:
                    self._by_first.setdefault(word, []).append((each, meaning))
        for known in self._by_first.values():
            known.sort(key=lambda entry: -len(entry[0]))

    def at(self, tokens: list[Token], first: int, gaps: Phrases[None] | None = None) -> Found[Meaning] | None:
        """The longest phrase that begins at a token; between its words may stand what `gaps` knows."""
        for words, meaning in self._by_first.get(tokens[first].word, ()):
            place, inside = first + 1, list[int]()
            for wanted in words[1:]:
                while place < len(tokens) and tokens[place].word not in wanted:
                    gap = gaps.at(tokens, place) if gaps else None
                    if gap is None or len(inside) >= _LONGEST_GAP:
                        place = len(tokens)
                        break
                    inside.extend(range(gap.first, gap.end))
                    place = gap.end
                if place >= len(tokens):
                    break
                place += 1
            else:
                return Found(meaning, first, place, tuple(inside))
        return None
