# SPDX-License-Identifier: Apache-2.0
"""Sound read along a path through time: slower, faster or backwards at its own pitch.

Waveform similarity overlap-add (Verhelst and Roelands, ICASSP 1993): short grains from where the path is, each moved by
at most 10 ms to where it fits the end of the one before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longtake.engines.classic.sound import Samples

_HOP_S = 0.02
_SEARCH_S = 0.01
_COARSE = 4
"""Every fourth sample is compared first."""


def read_along(tape: Samples, places: NDArray[np.float64], start: int, rate_hz: int) -> Samples:
    """(channels, places.size) samples of `tape`; `places` says for each new sample where in the tape it stands.

    `start` is the sample right after the sound that the result follows, which `tape` holds before it.
    """
    hop = max(16, round(_HOP_S * rate_hz))
    search = max(8, round(_SEARCH_S * rate_hz))
    edge = 2 * hop + search
    padded = np.pad(tape, ((0, 0), (edge, edge)))
    mono = padded.mean(axis=0)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop))).astype(np.float32)
    count = places.size
    grains = -(-count // hop) + 1
    made = np.zeros((tape.shape[0], (grains + 1) * hop), np.float32)
    # The first grain lies across the join: what came before it and the material's own beginning.
    grain = padded[:, edge + start - hop : edge + start + hop]
    wave = mono[edge + start - hop : edge + start + hop]
    made[:, : 2 * hop] += grain * window
    for number in range(1, grains):
        middle = min(count - 1, number * hop)
        place = float(places[middle]) + edge
        before, after = float(places[max(0, middle - hop // 2)]), float(places[min(count - 1, middle + hop // 2)])
        backwards = after < before and before - after < 2 * hop
        wanted = int(np.clip(round(place - hop), search, padded.shape[1] - 2 * hop - search))
        first = _fitting(mono, wave[hop:], wanted, search, backwards=backwards)
        grain, wave = padded[:, first : first + 2 * hop], mono[first : first + 2 * hop]
        if backwards:
            grain, wave = grain[:, ::-1], wave[::-1]
        made[:, number * hop : (number + 2) * hop] += grain * window
    return made[:, hop : hop + count]


def _fitting(
    mono: NDArray[np.float32], ending: NDArray[np.float32], wanted: int, search: int, *, backwards: bool
) -> int:
    """The start near `wanted` of the grain whose first half, as it is read, resembles `ending` most."""
    hop = ending.size
    # Read backwards, a grain's first half is its last one, turned around.
    offset, pattern = (hop, ending[::-1]) if backwards else (0, ending)

    def best(low: int, high: int, step: int) -> int:
        stretch = mono[low + offset : high + offset + hop]
        scores = np.correlate(stretch[::step], pattern[::step], "valid")
        power = np.convolve(np.square(stretch[::step]), np.ones(pattern[::step].size, np.float32), "valid")
        return low + step * int(np.argmax(scores / np.sqrt(power + 1e-9)))

    near = best(wanted - search, wanted + search, _COARSE)
    low, high = max(wanted - search, near - _COARSE), min(wanted + search, near + _COARSE)
    return best(low, high, 1)
