# SPDX-License-Identifier: Apache-2.0
"""What a prompt asks for: its wishes in order, what it does not want, and what was not understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, assert_never

from longtake.engines.classic.steering.effects import GROUPS, Effect, Group
from longtake.engines.classic.steering.tokens import Found, Meaning, Phrases, normalised, tokens_of
from longtake.engines.classic.steering.words import table

_SECONDS = frozenset({"s", "sec", "secs", "second", "seconds", "秒"})
_LONGEST_PROMPT = 4000
"""Characters that are read; what follows counts as not understood."""
Small = Literal["negation", "sequence", "first", "together", "contrast"]


@dataclass(frozen=True, slots=True)
class Wish:
    """An effect that the prompt asks for."""

    effect: Effect
    speed: float = 1.0
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """Wishes that are to happen together, and for how long if the prompt says so."""

    wishes: tuple[Wish, ...]
    length_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt means to this engine."""

    segments: tuple[Segment, ...]
    """In the order in which they are to happen; none is empty."""
    refused: tuple[Effect, ...]
    """What the prompt does not want: "no zoom"."""
    unknown: tuple[str, ...]
    """Stretches of the prompt that say something which was not understood."""


@dataclass(slots=True)
class _Clause:
    """A stretch of tokens between commas and joining words."""

    first: int
    end: int
    segment: int
    negated: bool = False
    """Whether what stands in it is not wanted; denial begins with its word and ends with the clause."""


@dataclass(slots=True)
class _Heard:
    """A wish while the text is read: where it stands decides on its words of degree."""

    effect: Effect
    first: int
    end: int
    clause: int
    negated: bool
    factors: tuple[float, float] = (1.0, 1.0)


def read_prompt(prompt: str) -> Reading:
    """Find the wishes of any text, in English, Chinese or both."""
    text = normalised(prompt)[:_LONGEST_PROMPT]
    return _Reader(text).read()


class _Reader:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._known = [False] * len(self._tokens)
        """Tokens that are understood or too small to matter."""
        self._heard: list[_Heard] = []
        self._degrees: list[tuple[int, int, tuple[float, float]]] = []
        """(token, clause, factors) of words of degree."""
        self._clauses: list[_Clause] = []
        self._clause = _Clause(0, 0, 0)
        self._lengths_s: dict[int, float] = {}

    def read(self) -> Reading:
        self._walk()
        self._read_what_stands_alone()
        self._apply_degrees()
        segments: dict[int, list[Wish]] = {}
        refused: list[Effect] = []
        for heard in sorted(self._heard, key=lambda item: item.first):
            if heard.negated:
                refused.append(heard.effect)
            else:
                wish = Wish(heard.effect, *heard.factors)
                segments.setdefault(self._clauses[heard.clause].segment, []).append(wish)
        return Reading(
            segments=tuple(
                Segment(_once(wishes), self._lengths_s.get(number)) for number, wishes in sorted(segments.items())
            ),
            refused=tuple(dict.fromkeys(refused)),
            unknown=tuple(self._unknown()),
        )

    def _walk(self) -> None:
        """From left to right: effects, words of degree, and the small words that order and deny."""
        place = self._clause.first = 0
        while place < len(self._tokens):
            place = self._take_effect(place) or self._take_degree(place) or self._take_small(place)
        self._end_clause(place)

    def _take_effect(self, place: int) -> int | None:
        """Read an effect at a token: the place after it, None if there is none."""
        found = _effects().at(self._tokens, place, _gaps())
        last = _last().at(self._tokens, place)
        if last is not None and (found is None or last.size > found.size) and self._nothing_follows(last.end):
            return self._hear(last.meaning, last)
        if found is None:
            return None
        for start in range(place + 1, found.end):
            # "the camera pans from left to right": what begins inside and is longer says more.
            inner = _effects().at(self._tokens, start, _gaps())
            if inner is not None and inner.size > found.size:
                return None
        if found.meaning is None:  # means something else: its words count as not understood
            return found.end
        return self._hear(found.meaning, found)

    def _take_degree(self, place: int) -> int | None:
        """Read a length or a word of degree at a token: the place after it, None if there is none."""
        length = self._length_at(place)
        if length is not None:
            self._lengths_s[self._clause.segment] = length[0]
            return length[1]
        degree = _degrees().at(self._tokens, place)
        if degree is None:
            degree = _degrees_before().at(self._tokens, place)
            if degree is None or not self._effect_follows(degree.end):
                return None
        self._degrees.append((place, len(self._clauses), degree.meaning))
        return self._understand(degree)

    def _take_small(self, place: int) -> int:
        """Read a word that orders or denies, or pass over any other: the place after it."""
        token = self._tokens[place]
        word, filler = _small_words().at(self._tokens, place), _gaps().at(self._tokens, place)
        if filler is not None and (word is None or filler.size > word.size):
            return filler.end
        if word is None:
            self._known[place] = token.is_mark
            if token.is_mark:
                negated = self._clause.negated and not token.is_boundary
                self._end_clause(place, after=place + 1, negated=negated)
            return place + 1
        match word.meaning:
            case "negation":
                self._clause.negated = True
            case "first":
                pass
            case "sequence":
                self._end_clause(place, after=word.end)
                self._clause.segment += 1
            case "together":
                self._end_clause(place, after=word.end, negated=self._clause.negated)
            case "contrast":
                self._end_clause(place, after=word.end)
            case _:
                assert_never(word.meaning)
        return self._understand(word)

    def _end_clause(self, end: int, *, after: int = 0, negated: bool = False) -> None:
        """Keep the clause that ends at a token; the next one begins at `after`."""
        self._clause.end = end
        self._clauses.append(self._clause)
        self._clause = _Clause(after, after, self._clause.segment, negated=negated)

    def _hear(self, effect: Effect, found: Found[Meaning]) -> int:
        """Keep an effect; the place after it."""
        clause = len(self._clauses)
        self._heard.append(_Heard(effect, found.first, found.end, clause, negated=self._clause.negated))
        for place in found.inside:
            degree = _degrees().at(self._tokens, place)
            if degree is not None:
                self._degrees.append((place, clause, degree.meaning))
        return self._understand(found)

    def _nothing_follows(self, place: int) -> bool:
        """Whether no word of meaning stands at a token."""
        if place >= len(self._tokens) or self._tokens[place].is_mark:
            return True
        small = (_small_words().at(self._tokens, place), _gaps().at(self._tokens, place))
        return any(word is not None for word in small)

    def _understand(self, found: Found[Meaning]) -> int:
        """Mark a phrase's tokens as known; the place after it."""
        for place in range(found.first, found.end):
            self._known[place] = True
        return found.end

    def _effect_follows(self, place: int) -> bool:
        found = _effects().at(self._tokens, place, _gaps()) if place < len(self._tokens) else None
        return found is not None and found.meaning is not None

    def _length_at(self, place: int) -> tuple[float, int] | None:
        """A length such as "2 seconds" or "3秒" at a token, and the place after it."""
        number = re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?", self._tokens[place].word, re.ASCII)
        if number is None or place + 1 >= len(self._tokens) or self._tokens[place + 1].word not in _SECONDS:
            return None
        self._known[place] = self._known[place + 1] = True
        return float(number.group()), place + 2

    def _read_what_stands_alone(self) -> None:
        """Weak words: an effect only where a clause says nothing else."""
        for number, clause in enumerate(self._clauses):
            heard = [item for item in self._heard if item.clause == number]
            left = self._left(clause)
            if heard:
                ending = _endings().at(self._tokens, left[0]) if left else None
                if ending is not None and ending.end > left[-1] and left[0] >= heard[-1].end:
                    heard[-1].negated = True
                    self._understand(ending)
                continue
            found = self._weak_effect(clause, left)
            if found is not None:
                # "stop" and 不动 deny nothing: the denial is the wish itself.
                small = [_small_words().at(self._tokens, place) for place in range(found.first, found.end)]
                negated = clause.negated and not any(word is not None and word.meaning == "negation" for word in small)
                self._heard.append(_Heard(found.meaning, found.first, found.end, number, negated=negated))
                self._understand(found)
                # The word was the wish and says nothing about its degree.
                self._degrees = [entry for entry in self._degrees if not found.first <= entry[0] < found.end]

    def _weak_effect(self, clause: _Clause, left: list[int]) -> Found[Effect] | None:
        """The longest weak phrase of a clause, if it holds all that is left of it."""
        found = [_alone().at(self._tokens, place, _gaps()) for place in range(clause.first, clause.end)]
        fit = [
            phrase
            for phrase in found
            if phrase is not None
            and phrase.end <= clause.end
            and (not left or (phrase.first <= left[0] and left[-1] < phrase.end))
        ]
        return max(fit, key=lambda phrase: phrase.size, default=None)

    def _left(self, clause: _Clause) -> list[int]:
        """Tokens of a clause that are neither known nor small."""
        left: list[int] = []
        place = clause.first
        while place < clause.end:
            filler = _gaps().at(self._tokens, place)
            if self._known[place]:
                place += 1
            elif filler is not None and _alone().at(self._tokens, place) is None:
                place = filler.end
            else:
                left.append(place)
                place += 1
        return left

    def _apply_degrees(self) -> None:
        """Every word of degree goes to the nearest effect of its clause, or, if it stands alone, of the next one."""
        for place, clause, factors in self._degrees:
            own = [heard for heard in self._heard if heard.clause == clause]
            if not own and not self._left(self._clauses[clause]):
                own = [heard for heard in self._heard if heard.clause == clause + 1][:1]
            if own:
                nearest = min(own, key=lambda heard: min(abs(heard.first - place), abs(heard.end - 1 - place)))
                nearest.factors = (nearest.factors[0] * factors[0], nearest.factors[1] * factors[1])

    def _unknown(self) -> list[str]:
        """Stretches of unknown tokens that are more than small words, without small words at their ends."""
        found: list[str] = []
        place = 0
        while place < len(self._tokens):
            said: list[int] = []
            while place < len(self._tokens) and not self._known[place]:
                filler = _gaps().at(self._tokens, place)
                if filler is None:
                    said.append(place)
                place = filler.end if filler is not None else place + 1
            if said:
                found.append(self._text[self._tokens[said[0]].start : self._tokens[said[-1]].end])
            place += 1
        return found


def _once(wishes: list[Wish]) -> tuple[Wish, ...]:
    """The wishes, each named once where a turn of its group says the same again; the later degree counts."""
    kept: list[Wish] = []
    for wish in wishes:
        turns = [number for number, other in enumerate(kept) if GROUPS[other.effect] is GROUPS[wish.effect]]
        if GROUPS[wish.effect] is Group.WEATHER:
            turns = [number for number in turns if kept[number].effect is wish.effect]
        if turns and kept[turns[-1]].effect is wish.effect:
            if (wish.speed, wish.amount) != (1.0, 1.0):
                kept[turns[-1]] = wish
        else:
            kept.append(wish)
    return tuple(kept)


@cache
def _effects() -> Phrases[Effect | None]:
    """Phrases that ask for an effect, and those that only look like it (None)."""
    listed: list[tuple[str, Effect | None]] = [(table().small.other_meanings, None)]
    listed += [(f"{entry.english}, {entry.chinese}", effect) for effect, entry in table().effects.items()]
    return Phrases(listed, inflected=True)


@cache
def _alone() -> Phrases[Effect]:
    return Phrases(((entry.alone, effect) for effect, entry in table().effects.items()), inflected=True)


@cache
def _last() -> Phrases[Effect]:
    return Phrases(((entry.last, effect) for effect, entry in table().effects.items()), inflected=True)


@cache
def _endings() -> Phrases[None]:
    return Phrases([(table().small.endings, None)])


@cache
def _degrees() -> Phrases[tuple[float, float]]:
    """Words to (speed, amount)."""
    small = table().small
    return Phrases(
        [(small.slow, (0.5, 1.0)), (small.fast, (2.0, 1.0)), (small.slight, (1.0, 0.5)), (small.strong, (1.0, 1.6))]
    )


@cache
def _degrees_before() -> Phrases[tuple[float, float]]:
    """Words to (speed, amount) that count only right before an effect."""
    small = table().small
    return Phrases([(small.slight_before, (1.0, 0.5)), (small.strong_before, (1.0, 1.6))])


@cache
def _small_words() -> Phrases[Small]:
    small = table().small
    listed: list[tuple[str, Small]] = [
        (small.negations, "negation"),
        (small.sequence, "sequence"),
        (small.first, "first"),
        (small.together, "together"),
        (small.contrast, "contrast"),
    ]
    return Phrases(listed)


@cache
def _gaps() -> Phrases[None]:
    """What may stand between the words of a phrase, and says nothing where it is left over."""
    small = table().small
    listed = (small.fillers, small.slow, small.fast, small.slight, small.strong)
    return Phrases(((words, None) for words in listed), inflected=True)
