# SPDX-License-Identifier: Apache-2.0
"""The words of requests, tasks and files."""

from __future__ import annotations

from enum import StrEnum


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
