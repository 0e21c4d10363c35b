# SPDX-License-Identifier: Apache-2.0
"""What a slot and its child say to each other, as msgpack on the child's pipes."""

from __future__ import annotations

import msgspec

from longtake.render.base import Event, RenderJob
from longtake.types import Value

RENDER_WORK = "longtake.render.work:RenderWork"


class ProvenanceSetup(Value, frozen=True):
    """What results say of their making."""

    folder: str
    """Where the installation's own name, key and certificates are, made there if missing."""
    c2pa: bool = True
    aigc: bool = True
    producer: str = ""
    """Who the AIGC label names as the maker; empty = this installation."""
    certificates: str = ""
    """The operator's own certificates and key as PEM files; empty = the installation's."""
    key: str = ""


class Setup(Value, frozen=True, tag="setup"):
    """To the child, once, first: where things are. References are `module:attribute`, imported by the child only."""

    storage: str
    """A class that takes the root folder and offers `path(key)` and `work_path(prefix)`."""
    root: str
    work: str = RENDER_WORK
    """A class that takes this Setup and offers `run(job, reporter)`."""
    engines: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Engines by name that come before the entry points of group `longtake.engines`."""
    preset: str = "veryfast"
    crf: int = 20
    upscale_model: str = ""
    """The net that enlarges for `upscale: true`, as in the settings; empty = filters do."""
    provenance: ProvenanceSetup | None = None
    """None = results say nothing of their making."""


class Run(Value, frozen=True, tag="run"):
    """To the child: do this job. One at a time."""

    job: RenderJob


class Load(Value, frozen=True, tag="load"):
    """To the child: a job will come soon; import what does it."""


class Cancel(Value, frozen=True, tag="cancel"):
    """To the child: stop working at this attempt soon."""

    key: str


class Ready(Value, frozen=True, tag="ready"):
    """From the child, once, first: it runs."""

    pid: int


class Trace(Value, frozen=True, tag="trace"):
    """From the child, before a Failed that nobody expected: the traceback for the log."""

    text: str


ToChild = Setup | Run | Load | Cancel
FromChild = Ready | Trace | Event

ENCODER = msgspec.msgpack.Encoder()
TO_CHILD_DECODER: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
FROM_CHILD_DECODER: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
