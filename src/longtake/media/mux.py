# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# PyAV's stubs leave open which stream an encoded packet belongs to.
"""Writing MP4: files that are complete at the end of the block or do not exist."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import av
import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from longtake.errors import MediaError
from longtake.media.contract import CancelCheck
from longtake.media.open import explained

Pending: TypeAlias = "tuple[float, Packet[Stream], Callable[[Packet[Stream]], None]]"
"""When a packet is decoded, in seconds; the packet; what writes it."""

_TURN_S = 0.5


@contextmanager
def kept_if_complete(*paths: Path) -> Generator[None]:
    """Delete the files if the block fails: a half-written result never stays."""
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


@contextmanager
def write_mp4(path: Path, tags: Mapping[str, str] | None = None) -> Generator[OutputContainer]:
    """Open an MP4 whose index is put in front when the block ends, with metadata of these names.

    Raises MediaError if it cannot be written.
    """
    # Without the second flag MP4 has room for a fixed list of names only.
    flags = "+faststart+use_metadata_tags" if tags else "+faststart"
    with explained("the result cannot be written", "look for free disk space"):
        container = av.open(f"file:{path}", "w", format="mp4", options={"movflags": flags})
        container.metadata.update(tags or {})
        try:
            yield container
        except BaseException:
            with suppress(av.error.FFmpegError):
                container.close()
            raise
        container.close()


def put(container: OutputContainer, stream: Stream, packet: Packet[Stream]) -> None:
    """Write a packet to a stream; its times are in its own time base."""
    packet.stream = stream
    container.mux_one(packet)


def copied(packet: Packet[Stream], data: bytes | None = None, shift: int = 0) -> Packet[Stream]:
    """A packet of its own with the same times, moved by `shift` ticks, and other bytes if given."""
    result: Packet[Stream] = Packet(bytes(packet) if data is None else data)
    if packet.pts is None or packet.dts is None:
        raise MediaError("a packet without a time cannot be written")
    result.time_base = packet.time_base
    result.pts, result.dts, result.duration = packet.pts + shift, packet.dts + shift, packet.duration
    result.is_keyframe = packet.is_keyframe
    return result


def write_in_order(*tracks: Iterator[Pending], check: CancelCheck) -> None:
    """Write packets of several tracks, each in turn as far as half a second beyond the one that is furthest behind.

    The muxer puts them in the order in which they are decoded. Raises WorkCancelled when `check` does.
    """
    reached: dict[Iterator[Pending], float] = dict.fromkeys(tracks, float("-inf"))
    until = float("-inf")
    while reached:
        for track in [one for one, at in reached.items() if at <= until]:
            for at, packet, write in track:
                check()
                write(packet)
                if at > until:
                    reached[track] = at
                    break
            else:
                del reached[track]
        until = min(reached.values(), default=until) + _TURN_S
