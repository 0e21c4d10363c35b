# SPDX-License-Identifier: Apache-2.0
"""What came of it."""

from __future__ import annotations

from typing import Literal

from longtake.seam_report import SeamReport, SeenAgain
from longtake.types.media import MediaFacts, Rate
from longtake.types.plan import Look, Maker
from longtake.types.value import Value
from longtake.types.words import Role


class HeadReport(Value, frozen=True):
    """The source's part of a result: how many frames it has and how many of them are the source's own packets."""

    frames: int
    copied: int


class JoinReport(Value, frozen=True):
    """How a remote maker's clip was joined to the head."""

    kind: Literal["whole", "overlap", "tail"]
    """What the clip was: the source's head and the new part, some of the head and the new part, or the new part."""
    begins_us: int
    """Where in the clip the new part begins."""
    repeated_frames: int
    """How many of the head's frames the clip repeats before it."""
    distance: float
    """Of the pictures that head and clip share: 0 alike, 1.4 unrelated."""
    fps: Rate
    """The clip's own."""
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """What the contrast of Y, U and V was multiplied by to match the head."""
    shifts: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How far the means of Y, U and V were moved, in 8-bit levels."""
    clip_us: int = 0
    """How long the clip is."""
    drift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How far Y, U and V were led back towards the first video of the line, at most, in 8-bit levels."""


class SegmentReport(Value, frozen=True):
    """One piece of a new part that was made in several."""

    maker: Maker
    start_us: int
    """Where in the result it begins."""
    new_us: int
    seam: SeamReport | None = None
    """Of the join before it; None where it is the first of what was created."""
    joined: JoinReport | None = None


class ProvenanceReport(Value, frozen=True):
    """What a result's file says of its making."""

    c2pa: Literal["", "installation", "operator"] = ""
    """Whose certificate its Content Credentials are signed with; empty = it has none of ours."""
    aigc: str = ""
    """Its label after GB 45438-2025, as JSON; empty = none."""
    source_type: str = ""
    """What its new pictures are, by the IPTC's digital source types."""


class StagedHead(Value, frozen=True):
    """What a remote maker is given of a source."""

    sent_us: int
    """How much of the head, counted back from the cut; 0 = no video, only a picture."""
    copied: int = 0
    """How many of the source's packets the video has as they were."""


class MadeFile(Value, frozen=True):
    """A file that a render job left under its work prefix."""

    role: Role
    key: str
    mime: str
    size_bytes: int
    sha256: str
    facts: MediaFacts | None = None


class RenderReport(Value, frozen=True):
    """What a render job did."""

    files: tuple[MadeFile, ...]
    head: HeadReport | None = None
    seam: SeamReport | None = None
    pick: str = ""
    """The engine's way: `live`, `still`, or a scene's name."""
    pick_error: float | None = None
    """How well that way foretold the source's own end: its error over that of a frozen picture, so that below 1 is
    better than standing still; None where there was nothing to try it on."""
    joined: JoinReport | None = None
    """Of a remote maker's clip."""
    staged: StagedHead | None = None
    """Of a job that prepares a remote maker's input."""
    scaler: str = ""
    """What enlarged pictures under `upscale: true`: a net's name, or `filters`; empty = it was not asked for."""
    segments: tuple[SegmentReport, ...] = ()
    """Those that are done, where the plan has several. `seam` is that of the worst join then, `head` of the first."""
    seen_again: tuple[SeenAgain, ...] = ()
    """Of the job of the last segment: the joins before its own, in order."""
    look: Look | None = None
    """Of the first video of the line: what later extensions are led back to."""
    provenance: ProvenanceReport | None = None
    """None = nothing was said."""
    warnings: tuple[str, ...] = ()


class Fault(Value, frozen=True):
    """Why a task ended badly, in words its owner can act on. Codes are public (docs/reference/errors.md)."""

    code: str
    message: str
    message_zh: str = ""
    param: str | None = None
    retryable: bool = False
