# SPDX-License-Identifier: Apache-2.0
"""A fake upstream that speaks five wires, each under a prefix of its own, and does as it is told under /control.

`python -m tests.fakes.upstream.app --port N` serves it; `process.py` starts it in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.fakes.upstream import comfyui, fal, openai_videos, unified, xai
from tests.fakes.upstream.clips import source_facts
from tests.fakes.upstream.jobs import Jobs, repeated
from tests.fakes.upstream.rules import Rule, Rules
from tests.fakes.upstream.wire import error, serve_video

_WIRES: dict[str, Callable[[Jobs], list[Route]]] = {
    "unified": unified.routes,
    "openai": openai_videos.routes,
    "xai": xai.routes,
    "fal": fal.routes,
    "comfyui": comfyui.routes,
}
_NOTICED_S = 0.02
"""Until uvicorn has noticed that the connection is gone, and expects no answer any more."""
_KEY_HEADERS = ("authorization", "api-key", "x-api-key")


class Upstream:
    """The application with its jobs, rules and the calls it saw."""

    def __init__(self, journal: Path | None = None) -> None:
        self.jobs = Jobs(journal)
        self.rules = Rules()
        self.leaks: list[str] = []
        """Paths of public files that were asked for with somebody's key."""
        self.calls: list[str] = []
        """`METHOD path` of every call outside /control."""
        wires: list[BaseRoute] = [
            Mount(f"/{prefix}", app=self._with_key(Starlette(routes=routes(self.jobs))))
            for prefix, routes in _WIRES.items()
        ]
        self._app = Starlette(
            routes=[
                *wires,
                *self._control(),
                Route("/files/{name}", self._file, methods=["GET"]),
                Route("/storage/{name}", self._stored, methods=["PUT"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/control"):
            await self._app(scope, receive, send)
            return
        self.calls.append(f"{scope['method']} {scope['path']}")
        rule = self.rules.take(scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(rule.latency_s)
        if rule.drop == "before":
            await _abort(send)
            return
        if rule.drop == "amid":
            await self._app(scope, receive, _broken_off(send))
            return
        if rule.drop == "after" or (rule.answers and rule.after):
            await self._app(scope, receive, _swallow)
        if rule.drop == "after":
            await _abort(send)
        elif rule.answers:
            content = rule.text.encode() if rule.text else bytes(rule.body)
            kind = "text/html" if rule.text else "application/json"
            await Response(content, rule.status, headers=rule.headers, media_type=kind)(scope, receive, send)
        else:
            await self._app(scope, receive, _late(send, rule.answer_after_s))

    def _with_key(self, app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope)
            given = next((request.headers[name] for name in _KEY_HEADERS if name in request.headers), "")
            settings, given = self.jobs.settings, given.removeprefix("Bearer ").removeprefix("Key ")
            self.jobs.last_key = given
            if (settings.key and given != settings.key) or (given and given == settings.refused_key):
                words = f"Incorrect API key provided: {repeated(given)}" if settings.echoes else "Incorrect API key"
                await error(401, words, "invalid_api_key")(scope, receive, send)
                return
            if settings.echoes:
                send = _with_header(send, b"x-request-key", given.encode("latin-1"))
            if settings.poll_after_ms:
                send = _with_header(send, b"openai-poll-after-ms", b"%d" % settings.poll_after_ms)
            await app(scope, receive, send)

        return guarded

    async def _file(self, request: Request) -> Response:
        if any(name in request.headers for name in _KEY_HEADERS):
            self.leaks.append(request.url.path)
        job = self.jobs.all.get(str(request.path_params["name"]).removesuffix(".mp4"))
        if job is None and self.jobs.settings.toy:
            return Response(self.jobs.settings.toy.encode("latin-1"), media_type="video/mp4")
        if job is None:
            return Response("no such file", 404)
        if job.key and request.query_params.get("key") != job.key:
            return Response("this link is not good", 403)
        return await serve_video(request, self.jobs, job)

    async def _stored(self, request: Request) -> Response:
        """A file for the storage, at a link that was signed for it. Only fal's own client may send a key along."""
        is_fals = request.headers.get("user-agent", "").startswith("fal-client")
        if not is_fals and any(name in request.headers for name in _KEY_HEADERS):
            self.leaks.append(request.url.path)
        name = str(request.path_params["name"])
        if not request.query_params.get("signature") or self.jobs.places.get(name) != request.headers["content-type"]:
            return Response("SignatureDoesNotMatch", 403)
        self.jobs.uploads[name.rpartition(".")[0]] = await request.body()
        return Response(status_code=200)

    def _control(self) -> list[BaseRoute]:
        async def settings(request: Request) -> Response:
            for name, value in (await request.json()).items():
                if not hasattr(self.jobs.settings, name):
                    return JSONResponse({"unknown": name}, 400)
                setattr(self.jobs.settings, name, value)
            return JSONResponse({})

        async def rules(request: Request) -> Response:
            self.rules.replace(msgspec.json.decode(await request.body(), type=list[Rule]))
            return JSONResponse({})

        async def seen(_request: Request) -> Response:
            listed = [
                {
                    "id": job.id,
                    "wire": job.wire,
                    "operation": job.operation,
                    "caller_key": job.caller_key,
                    "asked": job.asked,
                    "state": job.state,
                    "submits": job.submits,
                    "polls": job.polls,
                    "source_bytes": len(job.source or b""),
                    "source": {} if self.jobs.settings.toy else source_facts(job.source),
                    "has_picture": job.picture is not None,
                }
                for job in self.jobs.all.values()
            ]
            fetched = [dataclasses.asdict(each) for each in self.jobs.fetched]
            return JSONResponse({"jobs": listed, "leaks": self.leaks, "calls": self.calls, "fetched": fetched})

        async def hurry(_request: Request) -> Response:
            self.jobs.hurry()
            return JSONResponse({})

        async def forget(_request: Request) -> Response:
            self.jobs.forget()
            self.calls.clear()
            return JSONResponse({})

        return [
            Route("/control/settings", settings, methods=["POST"]),
            Route("/control/forget", forget, methods=["POST"]),
            Route("/control/hurry", hurry, methods=["POST"]),
            Route("/control/rules", rules, methods=["POST"]),
            Route("/control/seen", seen, methods=["GET"]),
        ]


def _with_header(send: Send, name: bytes, value: bytes) -> Send:
    """Says something more in a header of each answer."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (name, value)]
        await send(message)

    return telling


def _late(send: Send, pause_s: float) -> Send:
    """Sends an answer after a pause."""

    async def late(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(pause_s)
        await send(message)

    return late


async def _swallow(_message: Message) -> None:
    """Where the answer of a call goes that the caller is not to get."""


def _broken_off(send: Send) -> Send:
    """Sends half of the first piece of an answer's body, and breaks the connection."""
    is_broken = False

    async def broken(message: Message) -> None:
        nonlocal is_broken
        if is_broken:
            return
        if message["type"] == "http.response.start":
            await send(message)
            return
        is_broken = True
        body = message.get("body", b"")
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _abort(send)

    return broken


async def _abort(send: Send) -> None:
    """Close the connection without a word: uvicorn's `send` is a method of the request, which knows its transport."""
    cast("Any", send).__self__.transport.abort()
    await asyncio.sleep(_NOTICED_S)


def main() -> None:
    """Serve until killed, and say on which port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, help="where the jobs are kept, to be known again after a restart")
    arguments = parser.parse_args()
    config = uvicorn.Config(
        Upstream(arguments.journal), host="127.0.0.1", port=arguments.port, log_level="warning", lifespan="off"
    )
    socket = config.bind_socket()
    socket.listen()
    print(socket.getsockname()[1], flush=True)
    asyncio.run(uvicorn.Server(config).serve(sockets=[socket]))


if __name__ == "__main__":
    main()
