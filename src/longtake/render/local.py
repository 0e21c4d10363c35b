# SPDX-License-Identifier: Apache-2.0
"""The fleet of one machine: slots in this process, one child each, in two lanes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from longtake.errors import Overloaded
from longtake.render.base import Busy, Event, Lost, ProbeRequest, RenderJob
from longtake.render.messages import RENDER_WORK, ProvenanceSetup, Setup
from longtake.render.slot import Slot

RENDER_LANE = "render"
PROBE_LANE = "probe"


class LocalFleet:
    """A Fleet of children of this process; they die with it.

    `storage` is a `module:Class` that children import and give `root`. Probes have a lane of their own, so that an
    upload never waits behind a render. No child runs before the first job. For one event loop.
    """

    name = "local"
    survives_us = False

    def __init__(
        self,
        *,
        storage: str,
        root: Path,
        render_slots: int,
        probe_slots: int = 1,
        child_idle_s: float = 120.0,
        preset: str = "veryfast",
        crf: int = 20,
        upscale_model: str = "",
        provenance: ProvenanceSetup | None = None,
        engines: Mapping[str, str] | None = None,
        work: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        setup = Setup(
            storage=storage,
            root=str(root),
            engines=dict(engines or {}),
            preset=preset,
            crf=crf,
            upscale_model=upscale_model,
            provenance=provenance,
            work=work or RENDER_WORK,
        )
        environ = os.environ if environ is None else environ
        self._lanes = {
            lane: tuple(Slot(f"{lane}-{number}", setup, child_idle_s, environ) for number in range(count))
            for lane, count in ((RENDER_LANE, render_slots), (PROBE_LANE, probe_slots))
        }
        self._slots = {slot.name: slot for lane in self._lanes.values() for slot in lane}
        self._starting = threading.Lock()
        self._closed = False

    async def capacity(self) -> Mapping[str, int]:
        """Free slots by lane: a hint."""
        return {lane: sum(slot.free for slot in slots) for lane, slots in self._lanes.items()}

    async def start(self, job: RenderJob) -> str:
        """Start an attempt once, in whichever slot of its lane is free; its handle.

        Raises Busy, and Overloaded once the fleet is closed.
        """
        if self._closed:  # Busy would have the caller come again for ever
            raise Overloaded("the server is shutting down: try again in a moment")
        lane = PROBE_LANE if isinstance(job.request, ProbeRequest) else RENDER_LANE
        with self._starting:  # held for no longer than a look at each slot
            slots = sorted(self._lanes[lane], key=lambda slot: (not slot.knows(job.key), slot.child_pid is None))
            for slot in slots:  # the slot that knows the attempt first, then those with a warm child
                with contextlib.suppress(Busy):
                    return f"{self.name}/{slot.name}/{slot.start(job)}/{job.key}"
        raise Busy(f"all {len(slots)} {lane} slots are at work")

    def warm(self) -> None:
        """Have a child for renders ready soon, unless one is there or all are at work."""
        slots = self._lanes[RENDER_LANE]
        if not self._closed and not any(slot.free and slot.child_pid is not None for slot in slots):
            cold = next((slot for slot in slots if slot.free), None)
            if cold is not None:
                cold.warm()

    async def events(self, handle: str, after: int, wait_s: float) -> Sequence[Event]:
        """The events past the first `after`, waiting up to wait_s for one; [Lost] for an unknown handle."""
        slot, key = self._find(handle)
        if slot is None:
            return [Lost(why="the server was restarted")]
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(changed.set)

        slot.listen(wake)  # before the first look, so that no event falls between
        try:
            async with asyncio.timeout(wait_s):
                while not (events := slot.events(key, after, 0)):
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            events = slot.events(key, after, 0)
        finally:
            slot.unlisten(wake)
        return events

    async def cancel(self, handle: str, grace_s: float) -> None:
        """Ask politely, and have the child killed after grace_s; returns at once, a final event follows."""
        slot, key = self._find(handle)
        if slot is not None:
            slot.cancel(key, grace_s)

    async def release(self, handle: str) -> None:
        """Forget a finished attempt."""
        slot, key = self._find(handle)
        if slot is not None:
            slot.release(key)

    async def close(self) -> None:
        """Kill the children and wait for them. Attempts at work end as Lost."""
        self._closed = True
        for slot in self._slots.values():
            slot.begin_close()
        await asyncio.gather(*(asyncio.to_thread(slot.close) for slot in self._slots.values()))

    def child_pids(self) -> dict[str, int]:
        """The warm children's process ids by slot, for `doctor` and tests."""
        return {name: pid for name, slot in self._slots.items() if (pid := slot.child_pid) is not None}

    def _find(self, handle: str) -> tuple[Slot | None, str]:
        fleet, slot_name, born, key = (*handle.split("/", 3), "", "", "")[:4]
        slot = self._slots.get(slot_name)
        return (slot if slot is not None and fleet == self.name and slot.born == born else None), key
