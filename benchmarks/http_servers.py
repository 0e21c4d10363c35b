# SPDX-License-Identifier: Apache-2.0
"""The two servers that benchmarks/http.py compares: longtake's application, and a bare loop over the same store.

longtake has the connection that `longtake serve` gives it, the bare loop uvicorn's own. Neither logs its requests.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from longtake.billing.tariffs import Tariffs
from longtake.catalog.catalog import shipped_catalog
from longtake.cli.heap import collect_what_requests_leave
from longtake.egress.client import Egress
from longtake.http.app import create_app
from longtake.http.auth import digest
from longtake.http.connection import GuardedConnection
from longtake.render.local import LocalFleet
from longtake.routing.makers import Makers
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.store.base import Key, NewTask, Store
from longtake.store.sqlite import SqliteStore
from longtake.tasks.ids import new_task_id
from longtake.tasks.intake import Received
from longtake.tasks.service import TaskService
from longtake.tasks.uploads import uploaded_task
from longtake.types import (
    Asset,
    MediaFacts,
    Operation,
    Principal,
    Rate,
    ShortSide,
    Submission,
    Task,
    TaskSource,
    VideoFacts,
)

KEY = "lt-benchmark-key-0123456789abcdef"
PARENT = "grok:018f0000-0000-7000-8000-000000000001"
EXTEND: dict[str, Any] = {
    "model": "grok-video-3",
    "prompt": "play with another white cat",
    "task_id": PARENT,
    "size": "1080p",
    "start_time": 3,
    "upscale": False,
}
OWNER = Principal(tenant_id="t", key_id="k")


def finished_parent() -> Task:
    """A finished upload, as far as the record is concerned: no file is ever opened here."""
    video = VideoFacts(
        codec="h264", width=1920, height=1080, coded_width=1920, coded_height=1080, frames=192, fps=Rate(num=24)
    )
    asset = Asset(
        id="018f0000-0000-7000-8000-00000000000a",
        tenant_id=OWNER.tenant_id,
        mime="video/mp4",
        size_bytes=1,
        sha256="0" * 64,
        created_ms=0,
        facts=MediaFacts(container="mp4", duration_us=8_000_000, video=video),
    )
    task = uploaded_task(OWNER, Received(asset=asset), now_ms=1, retention_s=0)
    return msgspec.structs.replace(task, id=PARENT)


async def bare_app(service: TaskService, store: Store) -> ASGIApp:
    """A loop that parses, checks and renders nothing: it inserts a ready task, or reads one by its id."""
    submission = Submission(
        operation=Operation.EXTEND,
        dialect="unified",
        prompt=EXTEND["prompt"],
        model=EXTEND["model"],
        source=TaskSource(task_id=PARENT),
        start_us=3_000_000,
        size=ShortSide(pixels=1080),
    )
    template = (await service.submit(OWNER, submission)).task
    answer = json.dumps({"id": template.id}).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
            task = msgspec.structs.replace(template, id=new_task_id("grok"))
            await store.submit(NewTask(task=task))
        else:
            assert await store.task(OWNER.tenant_id, template.id) is not None
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer})

    return app


async def serve(kind: str, home: Path) -> None:
    """Serve until a signal; says the port on standard output. Nothing works on the tasks: only the wire is measured."""
    settings = Settings(home=home, max_active_tasks=0)
    store = SqliteStore(home / "longtake.sqlite")
    storage = LocalStorage(home / "storage")
    installation = await store.open()
    storage.check(installation.storage_marker, create=True)
    await store.add_key(
        Key(id=OWNER.key_id, tenant_id=OWNER.tenant_id, digest=digest(KEY), name="", hint="", created_ms=0)
    )
    await store.submit(NewTask(task=finished_parent()))
    fleet = LocalFleet(
        storage=f"{LocalStorage.__module__}:{LocalStorage.__qualname__}", root=home / "storage", render_slots=1
    )
    makers = Makers(shipped_catalog(), stand_in=True)
    tariffs = Tariffs(shipped_catalog())
    service = TaskService(
        store=store,
        storage=storage,
        fleet=fleet,
        makers=makers,
        settings=settings,
        tariffs=tariffs,
        egress=Egress.of(settings),
    )
    if kind == "longtake":
        app = create_app(service=service, store=store, settings=settings, installation=installation, ready=store.check)
    else:
        app = await bare_app(service, store)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        port = listener.getsockname()[1]
        print(json.dumps({"port": port, "key": KEY, "body": json.dumps(EXTEND)}), flush=True)
        config = uvicorn.Config(
            app,
            http=GuardedConnection if kind == "longtake" else "httptools",
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        collect_what_requests_leave()  # as `longtake serve`
        await uvicorn.Server(config).serve(sockets=[listener])
    await fleet.close()
    await store.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1], Path(sys.argv[2])))
