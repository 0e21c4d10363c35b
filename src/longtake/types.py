# SPDX-License-Identifier: Apache-2.0
"""The vocabulary: what every layer says to every other, without I/O.

Times inside a video are integer microseconds on the display clock: 0 is the first displayed frame, the duration is the
end of the last one. Moments in the world are integer milliseconds since the Unix epoch. Money is integer micro-USD.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Literal

import msgspec

from longtake.seam_report import SeamReport

SECOND_US = 1_000_000


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """Base of all values: immutable, compared by content, encoded to JSON without their defaults."""


class Operation(StrEnum):
    """What a task does. An upload is a finished task, so that its id works wherever a source is due."""

    CREATE = "create"
    EXTEND = "extend"
    REMIX = "remix"
    UPLOAD = "upload"


class Fit(StrEnum):
    """How a picture meets a frame of another aspect: fill and crop, bars, or bars of its own blurred picture."""

    COVER = "cover"
    CONTAIN = "contain"
    BLUR = "blur"


class Mode(StrEnum):
    """How the new part was made (DESIGN promise 4)."""

    NATIVE = "native"
    NATIVE_TRIMMED = "native_trimmed"
    BRIDGED = "bridged"
    LOCAL = "local"
    STAND_IN = "stand_in"


class Role(StrEnum):
    """What an asset is to its task."""

    VIDEO = "video"
    NEW_PART = "new_part"
    THUMBNAIL = "thumbnail"
    SPRITE = "sprite"
    SEAM = "seam"
    """The frames around the join, and how they differ."""
    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"
    FETCHED = "fetched"
    """The file as a remote maker gave it, from which the result is assembled."""
    SO_FAR = "so_far"
    """While a remote maker makes the new part in segments: the video up to the last one that is done."""
    HANDED = "handed"
    """What a remote maker fetches by a link while it works; gone once it has ended."""


class Step(StrEnum):
    """Where a task stands in its walk; lifecycle.py has the table of moves."""

    WAITING = "waiting"
    QUEUED = "queued"
    PREPARING = "preparing"
    SUBMITTING = "submitting"
    POLLING = "polling"
    FETCHING = "fetching"
    GENERATING = "generating"
    ASSEMBLING = "assembling"
    STORING = "storing"
    UNCONFIRMED = "unconfirmed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class State(StrEnum):
    """What a task's step means to its owner."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Rate(Value, frozen=True):
    """Frames a second as an exact fraction."""

    num: int
    den: int = 1

    @property
    def fraction(self) -> Fraction:
        """The rate as a Fraction, frames a second."""
        return Fraction(self.num, self.den)

    @classmethod
    def of(cls, rate: Fraction) -> Rate:
        """The Rate of a Fraction."""
        return cls(num=rate.numerator, den=rate.denominator)


class ColorTags(Value, frozen=True):
    """H.273 code points (ITU-T H.273, tables 2 to 4); 2 means unspecified."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False


class VideoFacts(Value, frozen=True):
    """What a probe found in the picture. Width and height are as displayed: rotation and sample aspect applied."""

    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    frames: int
    fps: Rate
    """1 / median frame duration of the whole clip."""
    variable_rate: bool = False
    rotation_deg: int = 0
    pixel_format: str = "yuv420p"
    bit_depth: int = 8
    interlaced: bool = False
    color: ColorTags = ColorTags()


class AudioFacts(Value, frozen=True):
    """What a probe found in the sound."""

    codec: str
    rate_hz: int
    channels: int
    layout: str


class MediaFacts(Value, frozen=True):
    """What a probe found in a file. An image has video facts with one frame and duration 0."""

    container: str
    duration_us: int
    video: VideoFacts
    audio: AudioFacts | None = None

    @property
    def is_image(self) -> bool:
        """Whether this is a still picture."""
        return self.duration_us == 0


class Asset(Value, frozen=True):
    """One stored file. Its id is also its blob key and is never shared between tenants."""

    id: str
    tenant_id: str
    mime: str
    size_bytes: int
    sha256: str
    created_ms: int
    filename: str = ""
    facts: MediaFacts | None = None


class Principal(Value, frozen=True):
    """Who asks: the tenant behind an API key."""

    tenant_id: str
    key_id: str
    admin: bool = False
    adopt: bool = False
    """Whether it may take over videos that were ordered at a provider of this server, and not here."""


# ---- what is asked for -----------------------------------------------------------------------------------------------


class TaskSource(Value, frozen=True, tag="task"):
    """The source is the result of another task."""

    task_id: str


class AssetSource(Value, frozen=True, tag="asset"):
    """The source is a stored file, such as one uploaded with this very request."""

    asset_id: str


class UrlSource(Value, frozen=True, tag="url"):
    """The source is a file elsewhere, which is fetched when its task is prepared."""

    url: str


Source = TaskSource | AssetSource | UrlSource


class ImageInput(Value, frozen=True):
    """A picture that comes with a request: a stored one, or one elsewhere that is fetched first."""

    role: Role
    asset_id: str = ""
    url: str = ""


class ShortSide(Value, frozen=True, tag="short_side"):
    """A size by its short side, such as 720p."""

    pixels: int


class ExactSize(Value, frozen=True, tag="exact"):
    """A size in pixels, width by height."""

    width: int
    height: int


SizeWish = ShortSide | ExactSize


class Aspect(Value, frozen=True):
    """A wished ratio of width to height."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}:{self.height}"


class Submission(Value, frozen=True):
    """One request, freed of its dialect. Fields mean what DESIGN section 2 says; only tasks/plan.py interprets them."""

    operation: Operation
    dialect: str
    prompt: str
    model: str | None = None
    source: Source | None = None
    images: tuple[ImageInput, ...] = ()
    start_us: int | None = None
    """Where the new part begins; None = at the end of the source."""
    new_us: int | None = None
    """Wished length of the new part (of the whole, on create); None = the model's own."""
    size: SizeWish | None = None
    aspect: Aspect | None = None
    upscale: bool = False
    fit: Fit = Fit.COVER
    seed: int | None = None
    wait_for_source: bool = False
    callback_url: str | None = None
    extra: dict[str, msgspec.Raw] = {}
    """Fields that no part of longtake knows, as they came."""
    warnings: tuple[str, ...] = ()
    """What reading the request already had to say, such as a size that overrules an aspect."""
    written: dict[str, str] = {}
    """What the caller calls a parameter, by our name of it, where the two differ: `task_id` may be `video`."""


class Maker(Value, frozen=True):
    """Who makes a task's new part, decided at submission and stored."""

    provider: str
    """`longtake` for the built-in engine, else the name of a configured account."""
    model: str
    """The model that really works, such as `longtake-cpu`."""
    engine: str
    """The engine's name; empty where a provider makes it."""
    mode: Mode
    name: str = ""
    """Our own name of the model: what an alias came to; empty = as it was asked for."""

    @property
    def is_remote(self) -> bool:
        """Whether a provider makes it."""
        return not self.engine


class Capability(Value, frozen=True):
    """What a maker can do, for providers and engines alike. Lengths are of the new part."""

    operations: frozenset[Operation]
    default_new_us: int
    max_new_us: int
    short_sides: tuple[int, int] = (480, 2160)
    """Least and greatest short side in pixels."""
    lengths_us: tuple[int, ...] = ()
    """The only lengths it makes, ascending; empty = any up to max_new_us."""
    max_images: int = 2
    extend_image_roles: frozenset[Role] = frozenset()
    """What the pictures of an extension may be to it; others are refused by name."""
    prompt_support: Literal["full", "camera", "scene"] = "full"
    most_segments: int = 1
    """How many pieces of at most max_new_us, each going on from the one before, may make up one new part."""


class SizePrice(Value, frozen=True):
    """What a new second costs whose short side is at most this long, in micro-USD."""

    short_side: int
    microusd: int


class Tariff(Value, frozen=True):
    """The prices by which a plan is paid, in micro-USD. It stays with the plan: later changes do not touch the task."""

    rule: str
    """The name of this version of these prices."""
    seconds: tuple[SizePrice, ...] = ()
    """Of new seconds by size, smallest first; empty = they cost nothing."""
    request_microusd: int = 0
    input_second_microusd: int = 0
    """Of each second of the source before the start, up to `most_input_us`."""
    most_input_us: int = 0
    image_microusd: int = 0
    known: bool = True
    """False where nobody knows what the maker takes: such work is not for those who pay in advance."""


class PlaneRange(Value, frozen=True):
    """What the pictures of a video have in one plane, in 8-bit levels, from the least to the greatest."""

    means: tuple[float, float]
    spreads: tuple[float, float]
    """Standard deviations."""


class Look(Value, frozen=True):
    """The colours of a video, by which those of what is made after it are kept from drifting away."""

    y: PlaneRange
    u: PlaneRange
    v: PlaneRange
    sharpness: tuple[float, float] | None = None
    """Mean absolute Laplacians of luma, from the least to the greatest; None = not measured."""


class Adoption(Value, frozen=True):
    """A finished video at a provider of ours that nobody ordered here, to be copied and owned from then on."""

    id: str
    """As the caller named it: the id of the task that it becomes."""
    account: str
    handle: str
    """By which the account is asked for it."""


class Plan(Value, frozen=True):
    """What will be made, decided once by tasks/plan.py, stored on the task, and what quote, hold and settlement mean.

    The result is source[0, start) followed by the new part. When the geometry is kept the head is copied; otherwise the
    whole is scaled to width x height with `fit` and encoded once.
    """

    operation: Operation
    maker: Maker
    prompt: str
    new_us: int
    width: int
    height: int
    fps: Rate
    """Of the new part on create; on extend a forecast, since a variable-rate head decides by its last two seconds."""
    start_us: int = 0
    geometry_kept: bool = True
    maker_decides: Literal["", "size", "picture"] = ""
    """On create at a provider: width and height are a forecast, since nobody asked for a size; `picture`: nor for an
    aspect."""
    fit: Fit = Fit.COVER
    enhance: bool = False
    """Whether pixels that grow are made by the enhancing scaler (`upscale: true`)."""
    seed: int = 0
    source_asset_id: str | None = None
    images: tuple[ImageInput, ...] = ()
    provisional: bool = False
    """What decides its picture or length is not known yet; made final on leaving `waiting`, or once all is fetched."""
    fetches: bool = False
    """Some of its inputs are elsewhere and have to be fetched before it is final."""
    adopts: Adoption | None = None
    """Its source, where that is at a provider and becomes a task here before this one is final."""
    most_new_us: int | None = None
    """While provisional: how long the new part may become, where that is more than `new_us`."""
    segments: tuple[int, ...] = ()
    """Lengths in microseconds of the pieces that make up the new part, each made from the end of the one before; empty
    = it is made at once."""
    look: Look | None = None
    """Of the first video of the source's line, where a maker's clip was joined in it before."""
    tariff: Tariff | None = None
    """What it is paid by; None = it is free."""
    warnings: tuple[str, ...] = ()


# ---- what came of it -------------------------------------------------------------------------------------------------


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


# ---- the task --------------------------------------------------------------------------------------------------------


class Task(Value, frozen=True, weakref=True):
    """One task as stored, with its assets. `step` moves by lifecycle.py only."""

    id: str
    tenant_id: str
    key_id: str
    submission: Submission
    plan: Plan
    step: Step
    created_ms: int
    updated_ms: int
    deadline_ms: int
    sequence: int = 0
    """Grows with every stored change; the id of the task's events."""
    progress: int = 0
    """0 to 100, never falling while the task runs."""
    parent_id: str | None = None
    group_id: str | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    expires_ms: int | None = None
    """When the task and its files are removed; None = never."""
    next_ms: int = 0
    """Not to be claimed before this moment."""
    owner: str | None = None
    fence: int = 0
    """Grows with every claim; a write under an older fence is refused."""
    attempt: int = 0
    cancel_requested_ms: int | None = None
    fault: Fault | None = None
    report: RenderReport | None = None
    assets: dict[Role, Asset] = {}
    hold_microusd: int = 0
    cost_microusd: int = 0
    price_rule: str = ""
    """The name of the rule by which it was priced (billing/prices.py)."""
    listed: bool = True
    """Uploads are not listed."""

    @property
    def dialect(self) -> str:
        """The dialect it was submitted in."""
        return self.submission.dialect

    @property
    def operation(self) -> Operation:
        """What it does."""
        return self.submission.operation

    @property
    def model_requested(self) -> str:
        """The model as the caller named it, else the one that was chosen."""
        return self.submission.model or self.plan.maker.model

    @property
    def model_made(self) -> str:
        """Our own name of the model that makes it: one of those that an alias stands for."""
        return self.plan.maker.name or self.model_requested

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that the answer must say: of reading, planning and making, in this order, each once."""
        made = self.report.warnings if self.report else ()
        return tuple(dict.fromkeys((*self.submission.warnings, *self.plan.warnings, *made)))
