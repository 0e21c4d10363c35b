# SPDX-License-Identifier: Apache-2.0
"""The port of heavy work: a pure job, its events, and the fleet that runs it (reference fleet.md 4).

A job names blobs, never user URLs or secrets. Its output stays under `output`, a prefix of its own attempt; only the
fenced transaction of the task promotes one attempt's files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from longtake.types import MediaFacts, Plan, RenderReport, Role, Value


class RenderLimits(Value, frozen=True):
    """What a job may use; all of it is the operator's to set."""

    source_bytes: int = 1 << 30
    pixels: int = 4096 * 2304
    source_s: int = 600
    source_frames: int = 36_000
    result_s: int = 900
    memory_bytes: int = 2 << 30
    stall_s: float = 120.0
    hard_s: float = 3600.0


class ProbeRequest(Value, frozen=True, tag="probe"):
    """Look at a received file, and make its thumbnail if it is a video."""

    key: str
    sheet: bool = False
    """Also a sheet of small pictures, to choose a second by."""


class ClipInput(Value, frozen=True):
    """A clip that a remote maker returned, fetched into a blob: the source of new frames in an engine's place."""

    key: str
    asked_us: int = 0
    """How much new video the maker was asked for, which may be more than the plan's; 0 = as much."""
    sent_us: int | None = None
    """How much of the head the maker was given, counted back from the cut (`StagedHead.sent_us`); 0 = a picture at
    most; None = all of it."""


class ExtendRequest(Value, frozen=True, tag="extend"):
    """Make source[0, start) + new part as the plan says."""

    plan: Plan
    source_key: str
    source: MediaFacts
    images: tuple[tuple[Role, str], ...] = ()
    clip: ClipInput | None = None
    """Take the new part from here; None = have the plan's engine make it."""
    interim: bool = False
    """A further segment follows: only the video is wanted."""
    part_from: int | None = None
    """The result's frame with which the whole new part begins, of which earlier segments are in the source already; 0 =
    there is none, since all of it was created. None = the frame at the plan's start."""
    joints_us: tuple[int, ...] = ()
    """Where in the result earlier segments were joined, ascending: they are looked at again in the finished video."""


class CreateRequest(Value, frozen=True, tag="create"):
    """Make a clip from the plan's prompt and pictures."""

    plan: Plan
    images: tuple[tuple[Role, str], ...] = ()
    clip: ClipInput | None = None
    """Deliver this one; None = have the plan's engine make it."""
    interim: bool = False
    """A segment follows: only the video is wanted."""


class StageRequest(Value, frozen=True, tag="stage"):
    """Make of source[0, start) what a remote maker takes; nothing is encoded that can be copied.

    Answered by Produced: Role.VIDEO is the head as MP4 (its last frame is the one at the cut), Role.LAST_FRAME the
    picture at the cut, RenderReport.staged says how much of the head the video has. Nothing of it is promoted: a step
    sends the files from the work folder and deletes them. It runs before the task's render job, under the same task and
    attempt, with a `part` of its own in the RenderJob and an `output` beside the job's.
    """

    source_key: str
    start_us: int
    video: bool = True
    """Whether the head is wanted as a file."""
    picture: Literal["", "png", "jpeg"] = ""
    """Whether the last picture is wanted, and as what."""
    length_us: int | None = None
    """At most so much of the head, counted back from the cut; None = all of it. What is shortened is encoded anew."""
    max_bytes: int | None = None
    """Of each file: it is made coarser, then smaller, until it fits. None = as large as it is."""
    short_side: int | None = None
    """At most so many pixels across the shorter side."""
    max_fps: int | None = None
    """At most so many frames a second; what has more is encoded anew."""


class RemixRequest(Value, frozen=True, tag="remix"):
    """Make the source anew after the plan's prompt."""

    plan: Plan
    source_key: str


RenderRequest = ProbeRequest | ExtendRequest | CreateRequest | RemixRequest | StageRequest


class RenderJob(Value, frozen=True):
    """One attempt. `attempt` is its fence; a repeated start of the same (task, attempt, part) is one start."""

    task: str
    attempt: int
    request: RenderRequest
    output: str
    limits: RenderLimits = RenderLimits()
    part: str = ""
    """Which of an attempt's jobs, where it has more than one: `stage` before the one that makes the result."""

    @property
    def key(self) -> str:
        """The attempt's name."""
        return f"{self.task}.{self.attempt}{'.' if self.part else ''}{self.part}"


class Started(Value, frozen=True, tag="started"):
    """A child took the job."""

    place: str
    pid: int
    warm: bool


class Progress(Value, frozen=True, tag="progress"):
    """The share done, 0 to 1. Also a sign of life."""

    done: float
    note: str = ""


class Probed(Value, frozen=True, tag="probed"):
    """Final: what a received file is, and the files made of it."""

    facts: MediaFacts
    report: RenderReport


class Produced(Value, frozen=True, tag="produced"):
    """Final: the outputs are complete and synced."""

    report: RenderReport


class Failed(Value, frozen=True, tag="failed"):
    """Final: it cannot be done; `retryable` if another try may."""

    code: str
    message: str
    retryable: bool = False


class Stopped(Value, frozen=True, tag="stopped"):
    """Final: ended because it was cancelled; `hard` if the child had to be killed."""

    hard: bool = False


class Lost(Value, frozen=True, tag="lost"):
    """Final: the place died or does not know the job."""

    why: str


Final = Probed | Produced | Failed | Stopped | Lost
Event = Started | Progress | Final
FINALS = (Probed, Produced, Failed, Stopped, Lost)


class Busy(Exception):
    """No free slot; nothing started."""


class Fleet(Protocol):
    """Where jobs run. Slots are named by lane: `render` and `probe`."""

    name: str
    survives_us: bool
    """Whether a restarted server may find a running job again."""

    async def capacity(self) -> Mapping[str, int]:
        """Free slots by lane: a hint."""
        ...

    async def start(self, job: RenderJob) -> str:
        """Start an attempt once; its handle. Raises Busy, and Overloaded once the fleet is closed."""
        ...

    def warm(self) -> None:
        """A render job will come in a moment: have a place ready for it. A hint that returns at once."""
        ...

    async def events(self, handle: str, after: int, wait_s: float) -> Sequence[Event]:
        """The events past the first `after`, waiting up to wait_s for one. Never raises for a dead place: [Lost]."""
        ...

    async def cancel(self, handle: str, grace_s: float) -> None:
        """Ask politely, then kill; always ends in a final event."""
        ...

    async def release(self, handle: str) -> None:
        """Forget a finished attempt."""
        ...

    async def close(self) -> None:
        """Kill the children and wait for them."""
        ...
