# SPDX-License-Identifier: Apache-2.0
"""The port of remote makers: pure functions from a job to a request, and from an answer to an update.

An adapter opens no socket, keeps no state and decides nothing about retries: the walk (tasks/steps) sends what it
builds through `egress`, stores what it reads, and follows two rules that these types cannot say. A `failed` update
means that the provider says the *job* failed; a poll that failed (429, 5xx, no answer) is no update at all. And a
submit is sent at most once unless the job's caller key makes it count once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, TypeVar, runtime_checkable

from longtake.egress.messages import Request, Response
from longtake.types import Aspect, Operation, Rate, SizeWish, Value


class Trouble(StrEnum):
    """What kind of fault it is, in one vocabulary for all providers; the walk decides what each means for a task."""

    INVALID = "invalid"
    """The provider does not take this request as it is; another may."""
    AUTH = "auth"
    """The account's key is refused: the operator's matter."""
    FUNDS = "funds"
    """The account has no money left: the operator's matter."""
    MODERATION = "moderation"
    """The content is refused: nobody else is asked, and it is the caller's to change."""
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    NOT_FOUND = "not_found"
    """The provider does not know the id."""
    UPSTREAM = "upstream"
    """The provider broke."""
    UNKNOWN = "unknown"


class ProviderFault(Value, frozen=True):
    """Why a provider refused or failed, in its own words."""

    trouble: Trouble
    message: str
    code: str = ""
    retry_after_s: float | None = None
    billed: bool | None = None
    """Whether the provider says that it was paid for; None = it does not say."""


class InputKind(StrEnum):
    """How a source video reaches a provider."""

    ID = "id"
    """The provider made it, and still has it under an id of its own."""
    URL = "url"
    """A link of ours whose path ends in .mp4: only where the provider can reach this server (routing/reach.py)."""
    INLINE = "inline"
    """A data: URI inside the JSON body."""
    UPLOAD = "upload"
    """A file sent to the provider first (adapters that are `Uploads`), or a file part of the submit's form."""


PictureRole = Literal["first_frame", "last_frame", "reference"]


class VideoInput(Value, frozen=True):
    """The source as the provider is given it.

    It ends where the new part begins, unless the model takes a start time of its own (Abilities.any_start).
    """

    kind: InputKind
    value: str = ""
    """The id, URL or data URI; what the upload gave back."""
    path: Path | None = None
    """The staged file, where the kind is UPLOAD and nothing was sent yet."""
    native: Mapping[str, str] = {}
    """What the provider's own answer about this video said (`Update.native`), where the kind is ID."""
    duration_us: int = 0
    width: int = 0
    height: int = 0
    fps: Rate = Rate(24)


class PictureInput(Value, frozen=True):
    """A picture: first frame, last frame or reference."""

    role: PictureRole
    value: str
    """A data: URI or https URL; what the upload gave back."""
    path: Path | None = None
    """The staged file, for forms and uploads."""


Staged = TypeVar("Staged", VideoInput, PictureInput)


class ProviderJob(Value, frozen=True):
    """One paid piece of work: a whole `create`, or one segment of an extension."""

    operation: Operation
    model: str
    """The provider's own name of the model."""
    prompt: str
    caller_key: str
    """Names this try for ever; sent wherever the provider takes such a key."""
    new_us: int
    """Wished length of what is new; the adapter rounds up to what the model makes."""
    start_us: int | None = None
    """Where in the source the new part begins; None = at its end, as where Abilities.any_start is false."""
    source: VideoInput | None = None
    pictures: tuple[PictureInput, ...] = ()
    size: SizeWish | None = None
    aspect: Aspect | None = None
    seed: int | None = None
    upscale: bool = False
    extra: Mapping[str, object] = {}
    """The account's own additions from longtake.toml, such as a workflow's slots; never a caller's field."""


class Account(Value, frozen=True):
    """What an adapter knows of the account it works for: no key, that is egress's to attach."""

    name: str
    base_url: str
    """Without a slash at its end."""
    options: Mapping[str, object] = {}
    """The account's own settings from longtake.toml that only this kind of adapter reads."""


class MadeVideo(Value, frozen=True):
    """Where a result can be fetched."""

    url: str = ""
    inline: bytes = b""
    """The file itself, where the provider answers with bytes."""
    with_key: bool = False
    """Fetched with the account's credential (only ever sent to its own origin)."""
    expires_ms: int | None = None


class Update(Value, frozen=True):
    """What an answer said about the job."""

    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    handle: str = ""
    """What is needed to ask again: opaque to the walk, stored by it, given back to the adapter. Empty = as it was."""
    progress: float | None = None
    """0 to 1."""
    video: MadeVideo | None = None
    fault: ProviderFault | None = None
    """Always there when failed."""
    cost_microusd: int | None = None
    """What the provider says it cost."""
    native: Mapping[str, str] = {}
    """Ids by which the provider can go on from this video later, such as its own video id."""
    follow: Request | None = None
    """To be asked at once; its answer goes to `read_follow`."""
    poll_after_s: float | None = None
    unknown_status: str = ""
    """A status word that the adapter does not know: shown as running, and told to the operator."""


class Refused(Value, frozen=True, tag="refused"):
    """The submit was answered with a refusal: there is surely no job."""

    fault: ProviderFault


class Unclear(Value, frozen=True, tag="unclear"):
    """The answer does not tell whether there is a job (a 5xx, a page of HTML): treated like no answer."""

    why: str


class PollFault(Value, frozen=True, tag="poll_fault"):
    """The question failed, which says nothing about the job; NOT_FOUND three times in a row means that it is lost."""

    fault: ProviderFault


@runtime_checkable
class Provider(Protocol):
    """An adapter: one wire. All methods are pure and may raise BadUpstreamAnswer, InvalidRequest."""

    kind: str
    """As `kind` in longtake.toml."""

    def abilities(self, account: Account, model: str) -> Abilities:
        """What the account's provider can do with its model of that name. Raises ConfigurationError for bad options."""
        ...

    def credential(self, account: Account, key: str) -> Mapping[str, str]:
        """The headers that carry the account's key; they are sent to the provider's own origin only."""
        ...

    def counts_once(self, account: Account) -> bool:
        """Whether a submit with the same caller key makes one job only, so that it may be repeated."""
        ...

    def submit(self, account: Account, job: ProviderJob) -> Request:
        """The call that starts the job."""
        ...

    def read_submit(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """What the answer to `submit` means."""
        ...

    def poll(self, account: Account, handle: str) -> Request:
        """The question how the job is."""
        ...

    def read_poll(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """What the answer to `poll` means."""
        ...


@runtime_checkable
class Follows(Protocol):
    """An adapter whose result takes another call (`Update.follow`)."""

    def read_follow(self, account: Account, handle: str, answer: Response) -> Update | PollFault:
        """What the answer to the followed request means."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """An adapter whose provider can call a job off."""

    def cancel(self, account: Account, handle: str) -> tuple[Request, ...]:
        """The calls that cancel, to be made in this order; their answers are not read, the next poll tells.

        Empty where this account's provider cannot.
        """
        ...


@runtime_checkable
class Adopts(Protocol):
    """An adapter whose provider tells of any video that the account has, by the id that people were given."""

    def handles(self, public_id: str) -> tuple[str, ...]:
        """What `poll` may be asked for such an id, likeliest first. It has letters, digits and `-`, `_`, `.`, `:`."""
        ...


@runtime_checkable
class Recovers(Protocol):
    """An adapter that can find a job by its caller key after a submit without an answer."""

    def recover(self, account: Account, job: ProviderJob) -> Request:
        """The question whether there is such a job."""
        ...

    def read_recover(self, account: Account, job: ProviderJob, answer: Response) -> Update | Refused | Unclear:
        """The job; Refused = surely none, it may be submitted; Unclear = ask again later.

        Where the Update has a follow, NOT_FOUND in what `read_follow` makes of its answer means: surely none.
        """
        ...


@runtime_checkable
class Uploads(Protocol):
    """An adapter whose provider takes files before the submit. Uploads may be repeated: they cost nothing."""

    def upload(self, account: Account, staged: VideoInput | PictureInput) -> Request:
        """The call that sends `staged.path`."""
        ...

    def read_upload(self, account: Account, staged: Staged, answer: Response) -> Staged:
        """The same with the value that the submit needs. Raises BadUpstreamAnswer, UpstreamError."""
        ...


@runtime_checkable
class UploadsByLink(Protocol):
    """An adapter whose provider, asked for a place, names the link that a file is to be sent to."""

    def ask_for_link(self, account: Account, staged: VideoInput | PictureInput) -> Request:
        """The call that asks; it may be repeated."""
        ...

    def read_link(self, account: Account, staged: Staged, answer: Response) -> tuple[Request, Staged]:
        """The call that sends `staged.path`, and the same with the value that the submit needs.

        Raises BadUpstreamAnswer, UpstreamError.
        """
        ...


@runtime_checkable
class HasOptions(Protocol):
    """An adapter that knows all of its options, so that a slip of the pen in one stops the start."""

    options: frozenset[str]
    """The names that a `[[providers]]` table of this kind may have under `options`."""


@runtime_checkable
class HasOrigins(Protocol):
    """An adapter whose provider answers at more than the account's base URL."""

    def origins(self, account: Account) -> tuple[str, ...]:
        """The URLs of those other places of its own: they get the account's key, too. Raises ConfigurationError."""
        ...


class InputLimits(Value, frozen=True):
    """What a model takes as the source of an extension."""

    min_us: int = 0
    max_us: int | None = None
    max_bytes: int | None = None
    max_short_side: int | None = None
    max_fps: int | None = None
    """A source of more frames a second is given at this rate."""


class Abilities(Value, frozen=True):
    """Facts about one model at one kind of provider (catalog/providers/*.toml), overridable in longtake.toml."""

    operations: frozenset[Operation] = frozenset({Operation.CREATE})
    """What it does natively. An extension without EXTEND here is bridged: image to video from the last frame."""
    pictures: frozenset[PictureRole] = frozenset()
    pictures_by: tuple[InputKind, ...] = (InputKind.INLINE,)
    """Best first. INLINE: data: URIs, or files of a form. UPLOAD: each is sent first (adapters that are `Uploads`).
    URL: a link of ours."""
    source_by: tuple[InputKind, ...] = ()
    """How an extension takes its source, best first; ID means of its own making only."""
    remix_by: tuple[InputKind, ...] = (InputKind.ID,)
    """The same of a remix."""
    any_start: bool = False
    """Whether it takes a start time; else it goes on from the end, and the source is trimmed first."""
    start_step_us: int = 0
    """Start times are whole multiples of this; 0 = any."""
    source: InputLimits = InputLimits()
    lengths_us: tuple[int, ...] = ()
    """The only lengths of the new part, ascending; empty = any between min and max."""
    min_new_us: int = 0
    max_new_us: int | None = None
    default_new_us: int = 6_000_000
    duration_means: Literal["added", "total"] = "added"
    returns: Literal["whole", "new_part", "unknown"] = "unknown"
    """A hint only: what came back is always looked at."""
    sizes: tuple[int, ...] = ()
    """Short sides it makes; empty = any."""
    aspects: tuple[str, ...] = ()
    upscales: bool = False
    price_microusd_per_second: int | None = None
    retires: str = ""
    """ISO date after which it is said to be gone."""
