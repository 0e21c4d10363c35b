# SPDX-License-Identifier: Apache-2.0
"""Who asks, and for what."""

from __future__ import annotations

import msgspec

from longtake.types.value import Value
from longtake.types.words import Fit, Operation, Role


class Principal(Value, frozen=True):
    """Who asks: the tenant behind an API key."""

    tenant_id: str
    key_id: str
    admin: bool = False
    adopt: bool = False
    """Whether it may take over videos that were ordered at a provider of this server, and not here."""


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
    extra: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    """Fields that no part of longtake knows, as they came."""
    warnings: tuple[str, ...] = ()
    """What reading the request already had to say, such as a size that overrules an aspect."""
    written: dict[str, str] = msgspec.field(default_factory=dict)
    """What the caller calls a parameter, by our name of it, where the two differ: `task_id` may be `video`."""
