# SPDX-License-Identifier: Apache-2.0
"""A server whose tasks are really worked on, by a toy fleet whose jobs the test steers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec
from tests.fakes.house import House, opened_house
from tests.http.conftest import KEY, OTHER_KEY, SAMPLE_ID, WAIT_S, World, add_sample, listening

from longtake.catalog.catalog import PriceFacts
from longtake.http.app import Application, create_app
from longtake.http.auth import digest
from longtake.render.base import Progress
from longtake.store.base import Key

ADMIN_KEY = "lt-test-key-of-the-admin-0123456789"
TOY_SAMPLE = b"toy 320 180 6.0 24\n"
"""What stands under the documented id of the sample."""


@dataclass
class Workshop(World):
    """A running server and its house."""

    house: House
    app: Application

    def hold_jobs(self) -> None:
        """Let jobs wait before they make anything."""
        self.house.fleet.gate = asyncio.Event()

    def let_jobs_go(self) -> None:
        """Let them make it."""
        gate = self.house.fleet.gate
        assert gate is not None
        self.loop.call_soon_threadsafe(gate.set)

    def advance(self, done: float) -> None:
        """Let the one job at work say how far it is."""
        (attempt,) = [one for one in self.house.fleet._attempts.values() if not one.ended]
        self.loop.call_soon_threadsafe(attempt.add, Progress(done=done))

    def upload(self, client: httpx2.Client) -> str:
        """A toy video; its id."""
        answer = client.post("/v1/files", files={"file": ("cat.mp4", b"toy 320 180 4.0 24\n")})
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def extend(self, client: httpx2.Client, prompt: str = "go on") -> str:
        """A task that extends a toy video; its id."""
        body = {"model": "grok-video-3", "prompt": prompt, "task_id": self.upload(client), "start_time": 3}
        answer = client.post("/v1/video/extend", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    @property
    def held_bytes(self) -> int:
        """How much of requests' bodies this server counts as in memory."""
        return self.app._memory._total_bytes

    @property
    def waiting(self) -> int:
        """How many calls wait in this server."""
        return self.app._context.waits.taken


@contextmanager
def opened_workshop(
    home: Path, *, works: bool = True, force: bool = True, prices: Mapping[str, PriceFacts] | None = None
) -> Generator[Workshop]:
    """A workshop while the block lasts. Without `force` it stops as `longtake serve` does: its waiting calls end."""
    started: Future[Workshop] = Future()
    stop = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(home, started, stop, works=works, force=force, prices=prices)), daemon=True
    )
    thread.start()
    try:
        yield started.result(WAIT_S)
    finally:
        stop.set()
        thread.join(WAIT_S)
    assert not thread.is_alive()


async def _serve(
    home: Path,
    started: Future[Workshop],
    stop: threading.Event,
    *,
    works: bool,
    force: bool,
    prices: Mapping[str, PriceFacts] | None,
) -> None:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with opened_house(home, works=works, prices=prices) as house:
                await _serve_house(house, listener, started, stop, force=force)
    except BaseException as error:
        if not started.done():
            started.set_exception(error)
        raise


async def _serve_house(
    house: House, listener: socket.socket, started: Future[Workshop], stop: threading.Event, *, force: bool
) -> None:
    for tenant, secret in (("first", KEY), ("second", OTHER_KEY), ("admin", ADMIN_KEY)):
        key = Key(id=f"key-{tenant}", tenant_id=tenant, digest=digest(secret), name="", hint="", created_ms=0)
        await house.store.add_key(msgspec.structs.replace(key, admin=tenant == "admin"))
    if not await house.store.knows(SAMPLE_ID):
        await add_sample(house.service, house.store, TOY_SAMPLE)
    installation = house.installation
    assert installation is not None

    async def ready() -> None:
        await house.store.check()

    app = create_app(
        service=house.service, store=house.store, settings=house.settings, installation=installation, ready=ready
    )
    port: int = listener.getsockname()[1]
    async with listening(app, listener, force=force):
        started.set_result(
            Workshop(
                url=f"http://127.0.0.1:{port}",
                port=port,
                home=house.settings.home,
                settings=house.settings,
                installation=installation,
                store=house.store,
                storage=house.storage,
                service=house.service,
                loop=asyncio.get_running_loop(),
                trouble=[],
                house=house,
                app=app,
            )
        )
        await asyncio.to_thread(stop.wait)
        app.close()
