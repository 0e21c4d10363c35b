# SPDX-License-Identifier: Apache-2.0
"""What this server is, whether it works, and which models it has."""

from __future__ import annotations

from longtake import __version__
from longtake.http.context import Context
from longtake.http.messages import Answer, Call, json_answer


async def index(_context: Context, _call: Call) -> Answer:
    """What this is, for programs; who reads HTML gets the studio."""
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
            "stands_for": list(listed.stands_for),
        }
        for listed in context.service.models()
    ]
    return json_answer({"object": "list", "data": data})
