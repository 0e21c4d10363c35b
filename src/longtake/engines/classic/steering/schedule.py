# SPDX-License-Identifier: Apache-2.0
"""When each wish of a prompt happens: what is said in order gets its turn, what lasts stays."""

from __future__ import annotations

from dataclasses import dataclass, replace

from longtake.engines.classic.steering.effects import CAMERA, GROUPS, LASTING, Effect, Group, Move
from longtake.engines.classic.steering.reading import Reading, Segment, Wish, read_prompt

_FADE_S = 1.5
_FADE_SHARE = 0.4
"""A fade takes at most this share of the length there is."""
_SHORTEST_TURN_S = 0.04
_SHORTEST_PAST_S = 0.5
_OF_THE_PAST = frozenset({Effect.REVERSE, Effect.LOOP})


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that is done over `length_s` seconds from the cut, in the order in which it begins."""

    moves: tuple[Move, ...]
    length_s: float
    refused: tuple[Effect, ...] = ()
    unknown: tuple[str, ...] = ()
    unmade: tuple[Effect, ...] = ()
    """What was understood but cannot be done: nothing is there yet to be played backwards."""

    def of(self, *groups: Group) -> tuple[Move, ...]:
        """The moves of some groups, in order."""
        return tuple(move for move in self.moves if move.group in groups)

    @property
    def moves_camera(self) -> bool:
        """Whether the prompt says what the camera does, be it to stand still."""
        return any(move.group in CAMERA for move in self.moves)


def script_for(prompt: str, length_s: float, past_s: float = 0.0) -> Script:
    """What a prompt asks of the next `length_s` seconds.

    `past_s` is how much there is before them to play backwards or again; with less than half a second these are unmade.
    """
    script = schedule(read_prompt(prompt), length_s)
    if past_s >= _SHORTEST_PAST_S:
        return script
    unmade = tuple(dict.fromkeys(move.effect for move in script.moves if move.effect in _OF_THE_PAST))
    kept = tuple(move for move in script.moves if move.effect not in _OF_THE_PAST)
    return replace(script, moves=kept, unmade=unmade)


def schedule(reading: Reading, length_s: float) -> Script:
    """Give every wish its time.

    Turns follow each other over the whole length: those with a length of their own get it, scaled down if all together
    are too long, fades get 1.5 s, the others share the rest. Light and weather last to the end or to the next of their
    group; a move of the camera goes on under a fade.
    """
    turns = [turn for segment in reading.segments for turn in _turns(segment)]
    lengths = _lengths([_wanted_s(turn, length_s) for turn in turns], length_s)
    moves: list[Move] = []
    start_s = 0.0
    for number, (turn, turn_s) in enumerate(zip(turns, lengths, strict=True)):
        stretches = number == len(turns) - 1 and turn.length_s is None
        end_s = length_s if stretches else start_s + turn_s
        for wish in turn.wishes:
            group = GROUPS[wish.effect]
            first_s, last_s = start_s, end_s
            if group in LASTING:
                last_s = length_s
            elif group is Group.FADE and wish.effect is not Effect.FADE_IN:
                first_s = max(start_s, end_s - min(_FADE_S / min(1.0, wish.speed), _FADE_SHARE * length_s))
            elif group in CAMERA and all(_is_fade(later) for later in turns[number + 1 :]):
                last_s = length_s
            moves.append(Move(wish.effect, first_s, last_s, wish.speed, wish.amount))
        start_s = end_s
    moves = _until_the_next(moves)
    return Script(tuple(moves), length_s, refused=reading.refused, unknown=reading.unknown)


def _turns(segment: Segment) -> list[Segment]:
    """A segment cut where one of its wishes excludes an earlier one: "zoom in, zoom out" are two turns."""
    turns: list[list[Wish]] = [[]]
    for wish in segment.wishes:
        group = GROUPS[wish.effect]
        if group is not Group.WEATHER and any(GROUPS[other.effect] is group for other in turns[-1]):
            turns.append([])
        turns[-1].append(wish)
    length_s = None if segment.length_s is None else segment.length_s / len(turns)
    return [Segment(tuple(wishes), length_s) for wishes in turns if wishes]


def _is_fade(turn: Segment) -> bool:
    return all(GROUPS[wish.effect] is Group.FADE for wish in turn.wishes)


def _wanted_s(turn: Segment, length_s: float) -> float | None:
    """The length a turn asks for, None if it takes its share."""
    if turn.length_s is not None:
        return max(_SHORTEST_TURN_S, turn.length_s)
    return min(_FADE_S, _FADE_SHARE * length_s) if _is_fade(turn) else None


def _lengths(wanted_s: list[float | None], length_s: float) -> list[float]:
    """Lengths that add up to at most the whole, and to the whole if any of them may stretch."""
    fixed_s = sum(wanted for wanted in wanted_s if wanted is not None)
    free = wanted_s.count(None)
    if free:
        # Those that stretch keep at least a third of an even share each.
        most_s = length_s * (1 - free / len(wanted_s) / 3)
        scale = min(1.0, most_s / fixed_s) if fixed_s else 1.0
        share_s = (length_s - scale * fixed_s) / free
        return [share_s if wanted is None else wanted * scale for wanted in wanted_s]
    scale = min(1.0, length_s / fixed_s) if fixed_s else 1.0
    return [wanted * scale for wanted in wanted_s if wanted is not None]


def _until_the_next(moves: list[Move]) -> list[Move]:
    """Lasting moves end where the next of their group begins; weather does not: rain and fog go together."""
    ended: list[Move] = []
    for number, move in enumerate(moves):
        end_s = move.end_s
        if move.group in LASTING and move.group is not Group.WEATHER:
            later = [other.start_s for other in moves[number + 1 :] if other.group is move.group]
            end_s = min([end_s, *later])
        ended.append(Move(move.effect, move.start_s, end_s, move.speed, move.amount))
    return ended
