# SPDX-License-Identifier: Apache-2.0
"""What this server is, whether it works, and which models it has."""

from __future__ import annotations

from longtake import __version__
from longtake.http.context import Context
from longtake.http.messages import Answer, BytesAnswer, Call, json_answer

_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>longtake</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>longtake</h1><p>This server extends videos: give it a finished video task, a second to start from and a prompt.</p>
<pre>POST /v1/video/create    POST /v1/video/extend    GET /v1/video/query?id=
POST /v1/files           GET /v1/models           GET /v1/tasks</pre>
<p><a href="/docs">All operations, with samples and forms</a></p>
<p>Every request under <code>/v1</code> needs <code>Authorization: Bearer &lt;key&gt;</code>.</p></html>
"""


async def index(_context: Context, call: Call) -> Answer:
    """What this is."""
    if "text/html" in (call.header(b"accept") or ""):
        policy = b"default-src 'none'; style-src 'unsafe-inline'"
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy)]
        return BytesAnswer(200, _PAGE, headers)
    return json_answer(
        {"name": "longtake", "version": __version__, "routes": "/v1", "docs": "/docs", "health": "/healthz"}
    )


async def health(_context: Context, _call: Call) -> Answer:
    """The process answers."""
    return json_answer({"status": "ok", "version": __version__})


async def readiness(context: Context, _call: Call) -> Answer:
    """Whether work can be taken: the store and the storage can be written."""
    await context.readiness.check()
    return json_answer({"status": "ready"})


async def openapi(context: Context, call: Call) -> Answer:
    """The OpenAPI document of this server."""
    return context.openapi.answer(call)


async def list_models(context: Context, _call: Call) -> Answer:
    """The models that can be made here now, as OpenAI lists them, with what each can do."""
    data = [
        {
            "id": listed.model.name,
            "object": "model",
            "created": 0,
            "owned_by": listed.provider,
            "mode": listed.mode.value,
            "operations": sorted(listed.model.operations),
            "default_seconds": listed.model.default_s,
            "max_seconds": listed.model.max_s,
            "aliases": list(listed.model.aliases),
        }
        for listed in context.service.models()
    ]
    return json_answer({"object": "list", "data": data})
