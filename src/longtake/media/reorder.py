# SPDX-License-Identifier: Apache-2.0
"""Decode times of encoded packets: as far ahead of their display as those of the packets before them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class DecodeClock:
    """Gives the k-th packet in decode order the time of the k-th frame in display order, less a fixed delay.

    A track's duration in MP4 is the sum of its decode steps (ISO/IEC 14496-12 8.6.1.2) and the delay of its last packet
    must be that of its first for the sum to be the time that is shown. Without a B-pyramid a packet is decoded at most
    one frame before its display, so no time is later than the display of the frame before. All times in ticks.
    """

    delay: int
    """How long before their display frames are decoded."""
    reorders: bool
    """Whether frames are decoded in another order than shown."""
    decoded: int | None = None
    """The last decode time given out; at the beginning that of the copied packet before, if there is one."""
    shown: int | None = None
    """When the frame before is shown."""
    _waiting: deque[int] = field(default_factory=deque, init=False)

    def show(self, pts: int) -> None:
        """Take the next frame's time of display; later than all before."""
        latest = self.shown if self.reorders and self.shown is not None else pts
        dts = min(pts - self.delay, latest)
        if self.decoded is not None:
            # A delay that was shorter so far grows by half a frame's duration at a time, so that no step is tiny.
            step = pts - self.shown if self.shown is not None else 0
            dts = max(dts, min(self.decoded + max(1, step // 2), latest))
        self.decoded, self.shown = dts, pts
        self._waiting.append(dts)

    def next(self) -> int:
        """The decode time of the next packet in decode order. Raises IndexError if no frame waits."""
        return self._waiting.popleft()


def delay_after(first: tuple[int, int], last: tuple[int, int], settled: int) -> int:
    """The delay to go on with after copied packets, in ticks.

    `first` is (decode time, display time) of the first frame, `last` that of the last copied packet and last copied
    frame; `settled` is the display time of the frame by which the delay must be reached. It is the first packet's, or
    as near to it as half a frame's duration at a time leads until then.
    """
    delay, now = first[1] - first[0], last[1] - last[0]
    return max(0, min(delay, now + max(0, settled - last[1]) // 2))
