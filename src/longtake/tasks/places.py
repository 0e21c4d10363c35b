# SPDX-License-Identifier: Apache-2.0
"""How many tasks a node works on at once, by the kind of slot that each takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from longtake.lifecycle import Slot


class Places:
    """Of one node. Each has a place for what is made in it, and one more for the storing of what was made last.

    So a renderer goes on while the result before is synced and checked; where storing takes longer than making, as on a
    disk that is full or slow, it waits.
    """

    def __init__(self, most: Mapping[Slot, int], freed: Callable[[], None]) -> None:
        """`freed` is told whenever another task may be taken."""
        self._most = most
        self._freed = freed
        self._made_in: Counter[Slot] = Counter()
        self._stored_from: Counter[Slot] = Counter()

    def free(self) -> dict[str, int]:
        """How many more tasks may be taken of each kind."""
        return {slot.value: max(0, most - self._taken(slot)) for slot, most in self._most.items()}

    def in_use(self) -> dict[str, int]:
        """How many tasks there are of each kind that has any, those that are only stored among them."""
        return {slot.value: count for slot, count in (self._made_in + self._stored_from).items()}

    def take(self, slot: Slot) -> Place:
        """A place for one task."""
        self._made_in[slot] += 1
        return Place(self, slot)

    def leave(self, slot: Slot) -> None:
        """What a task of it was to make is made."""
        self._made_in[slot] -= 1
        self._stored_from[slot] += 1
        self._freed()

    def end(self, slot: Slot, *, stored: bool) -> None:
        """Nothing is left to do for a task of it."""
        (self._stored_from if stored else self._made_in)[slot] -= 1
        self._freed()

    def _taken(self, slot: Slot) -> int:
        return self._made_in[slot] + max(0, self._stored_from[slot] - self._most.get(slot, 0))


class Place:
    """Where one task is worked on."""

    def __init__(self, places: Places, slot: Slot) -> None:
        self._places = places
        self._slot = slot
        self._is_left = self._is_over = False

    def leave(self) -> None:
        """Only storing is left. Told again, it does nothing."""
        if not self._is_left and not self._is_over:
            self._is_left = True
            self._places.leave(self._slot)

    def end(self) -> None:
        """The task is not worked on any more."""
        if not self._is_over:
            self._is_over = True
            self._places.end(self._slot, stored=self._is_left)
