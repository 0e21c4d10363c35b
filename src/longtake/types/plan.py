# SPDX-License-Identifier: Apache-2.0
"""Who makes it, what will be made, and by which prices."""

from __future__ import annotations

from typing import Literal

from longtake.types.media import Rate
from longtake.types.request import ImageInput
from longtake.types.value import Value
from longtake.types.words import Fit, Mode, Operation, Role


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
    """A video at a provider of ours that nobody ordered here, to be copied and owned from then on."""

    id: str
    """As the caller named it: the id of the task that it becomes."""
    account: str
    handle: str
    """By which the account is asked for it."""
    is_awaited: bool = False
    """It was still being made there when it was asked for, and the request waits for that."""


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
