# SPDX-License-Identifier: Apache-2.0
"""A real server for the tests of this folder: uvicorn in a thread over a real store, storage and probe children."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import httpx2
import msgspec
import numpy as np
import pytest
import uvicorn
from starlette.types import ASGIApp

from longtake.accounts import AccountSettings
from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import shipped_catalog
from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.http.app import create_app
from longtake.http.auth import digest
from longtake.http.connection import GuardedConnection
from longtake.http.links import Links
from longtake.http.proxies import Proxies
from longtake.providers.base import Account
from longtake.providers.registry import find_provider
from longtake.render.local import LocalFleet
from longtake.render.messages import ProvenanceSetup
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.makers import Makers
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.store.base import Installation, Key, NewTask
from longtake.store.sqlite import SqliteStore
from longtake.studio.site import studio
from longtake.tasks.provider_desk import ProviderDesk
from longtake.tasks.remote import Remote
from longtake.tasks.sample import seed_sample
from longtake.tasks.service import TaskService
from longtake.types import Principal

SAMPLE_ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
KEY = "lt-test-key-of-the-first-tenant-0123"
OTHER_KEY = "lt-test-key-of-another-tenant-0123"
OWNER = Principal(tenant_id="first", key_id="key-first", admin=True)
WAIT_S = 30

Result = TypeVar("Result")


@dataclass
class World:
    """A running server and what stands behind it."""

    url: str
    port: int
    home: Path
    settings: Settings
    installation: Installation
    store: SqliteStore
    storage: LocalStorage
    service: TaskService
    loop: asyncio.AbstractEventLoop
    trouble: list[Exception]
    """What the readiness check raises, if anything."""

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the server's loop."""
        done: Future[Result] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return done.result(WAIT_S)

    def client(self, key: str | None = KEY) -> httpx2.Client:
        """A client with a key."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=WAIT_S)

    @property
    def links(self) -> Links:
        """Makes the links that this server takes."""
        return Links(self.installation.url_secret, public_url=self.url, lifetime_s=600, proxies=Proxies(()))


def clip_bytes(frames: int = 48, *, width: int = 160, height: int = 96) -> bytes:
    """A small MP4 of moving stripes, 24 frames a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            picture = np.roll(np.tile(np.arange(width, dtype=np.uint8), (height, 1)), number * 3, axis=1)
            frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, axis=2), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def picture_bytes(width: int = 64, height: int = 96) -> bytes:
    """A small PNG."""
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "rgb24", Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])


@pytest.fixture(scope="session")
def clip() -> bytes:
    return clip_bytes()


@pytest.fixture(scope="session")
def picture() -> bytes:
    return picture_bytes()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, clip: bytes) -> Iterator[World]:
    with served_world(tmp_path_factory.mktemp("http"), clip) as world:
        yield world


@contextmanager
def served_world(home: Path, clip: bytes | None) -> Generator[World]:
    """A server while the block lasts. Its sample is the clip, or the one that longtake ships."""
    started: Future[World] = Future()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(home, clip, started, stop)), daemon=True)
    thread.start()
    try:
        yield started.result(WAIT_S)
    finally:
        stop.set()
        thread.join(WAIT_S)


@pytest.fixture
def client(world: World) -> Iterator[httpx2.Client]:
    with world.client() as client:
        yield client


@pytest.fixture
def other(world: World) -> Iterator[httpx2.Client]:
    """A client of another tenant."""
    with world.client(OTHER_KEY) as client:
        yield client


async def _serve(home: Path, clip: bytes | None, started: Future[World], stop: threading.Event) -> None:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await _serve_on(listener, home, clip, started, stop)
    except BaseException as error:
        if not started.done():
            started.set_exception(error)
        raise


def relay_a() -> LiveAccount:
    """An account at which nobody listens."""
    url = "http://127.0.0.1:9"
    settings = AccountSettings(name="relay-a", kind="unified", base_url=url, models=["grok-video-3"])
    adapter, account = find_provider("unified"), Account(name="relay-a", base_url=url)
    return LiveAccount(
        settings=settings,
        adapter=adapter,
        account=account,
        access=Access.to(url),
        abilities={"grok-video-3": adapter.abilities(account, "grok-video-3")},
    )


async def _serve_on(
    listener: socket.socket, home: Path, clip: bytes | None, started: Future[World], stop: threading.Event
) -> None:
    port: int = listener.getsockname()[1]
    settings = Settings(home=home, port=port, max_body_bytes=1 << 20, max_upload_bytes=2 << 20)
    store = SqliteStore(home / "longtake.sqlite")
    storage = LocalStorage(home / "storage")
    installation = await store.open()
    storage.check(installation.storage_marker, create=True)
    fleet = LocalFleet(
        storage=f"{LocalStorage.__module__}:{LocalStorage.__qualname__}",
        root=home / "storage",
        render_slots=1,
        provenance=ProvenanceSetup(folder=str(home / "provenance")),
    )
    egress = Egress()
    try:
        for tenant, secret, admin in (("first", KEY, True), ("second", OTHER_KEY, False)):
            await store.add_key(
                Key(
                    id=f"key-{tenant}",
                    tenant_id=tenant,
                    digest=digest(secret),
                    name="",
                    hint="",
                    created_ms=0,
                    admin=admin,
                )
            )
        catalog, accounts = shipped_catalog(), LiveAccounts([relay_a()])
        # Its model is a stand-in's work here, since nobody listens at the account.
        makers = Makers(catalog, stand_in=True)
        remote = Remote(accounts=accounts, egress=egress, names=makers.names)
        tariffs = Tariffs(shipped_catalog())
        service = TaskService(
            store=store,
            storage=storage,
            fleet=fleet,
            makers=makers,
            settings=settings,
            tariffs=tariffs,
            egress=egress,
        )
        if clip is None:
            await seed_sample(store=store, service=service, tenant_id=OWNER.tenant_id)
        else:
            await add_sample(service, store, clip)
        trouble: list[Exception] = []

        async def ready() -> None:
            await store.check()
            if trouble:
                raise trouble[0]

        app = create_app(
            service=service,
            store=store,
            settings=settings,
            installation=installation,
            ready=ready,
            providers=ProviderDesk(remote, makers, store, service.planner),
            pages=studio(installation.url_secret),
        )
        async with listening(app, listener):
            world = World(
                url=f"http://127.0.0.1:{port}",
                port=port,
                home=home,
                settings=settings,
                installation=installation,
                store=store,
                storage=storage,
                service=service,
                loop=asyncio.get_running_loop(),
                trouble=trouble,
            )
            started.set_result(world)
            await asyncio.to_thread(stop.wait)
    finally:
        await egress.close()
        await fleet.close()
        await store.close()


@asynccontextmanager
async def listening(app: ASGIApp, listener: socket.socket, *, force: bool = True) -> AsyncGenerator[None]:
    """Answer requests on the socket while the block lasts. `force`: do not wait for requests at work."""
    config = uvicorn.Config(app, http=GuardedConnection, log_config=None, access_log=False, proxy_headers=False)
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # noqa: ASYNC110  (uvicorn offers nothing to wait for)
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit, server.force_exit = True, force
        await serving


async def add_sample(service: TaskService, store: SqliteStore, clip: bytes) -> None:
    """A finished task under the documented id, made of an upload."""

    async def chunks() -> AsyncIterator[bytes]:
        yield clip

    uploaded = await service.upload(OWNER, chunks(), filename="sample.mp4")
    asset = next(iter(uploaded.assets.values()))
    assert asset.facts is not None
    await store.submit(NewTask(task=msgspec.structs.replace(uploaded, id=SAMPLE_ID, listed=True)))
