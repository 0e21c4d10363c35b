# SPDX-License-Identifier: Apache-2.0
"""The one table of routes: what the application dispatches by, what its guard test walks, what OpenAPI is made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from longtake.http import about, events, keys, money, openai_videos, providers, tasks, timelines, uploads, videos
from longtake.http.context import Context
from longtake.http.messages import Answer, Call
from longtake.http.page import docs

Handler: TypeAlias = Callable[[Context, Call], Awaitable[Answer]]


class Access(Enum):
    """What lets a caller in."""

    KEY = "key"
    """A tenant's API key."""
    SIGNED = "signed"
    """The signature in the URL; the handler checks it before anything else."""
    SESSION = "session"
    """The studio's cookie; the studio checks it before its handlers run."""
    OPEN = "open"
    """Nothing: the answer tells nothing of any tenant."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. GET routes answer HEAD too."""

    method: str
    path: str
    handler: Handler
    access: Access
    summary: str
    submits: bool = False
    """An unknown task is the caller's mistake here: 400 instead of 404 (wire.md R9)."""


ANY_OTHER_PATH = "*"
"""The path of a route for people who ask for what is at no path: programs are answered an error."""


def reads_pages(call: Call) -> bool:
    """Whether a browser asks for a page to show."""
    return call.method in {"GET", "HEAD"} and "text/html" in (call.header(b"accept") or "")


ROUTES: tuple[Route, ...] = (
    Route("POST", "/v1/video/create", videos.create, Access.KEY, "Create a video", submits=True),
    Route("POST", "/v1/video/extend", videos.extend, Access.KEY, "Extend a video from any second", submits=True),
    Route("POST", "/v1/video/remix", videos.remix, Access.KEY, "Make a video anew after a prompt", submits=True),
    Route("GET", "/v1/video/query", videos.query, Access.KEY, "How a task stands"),
    Route("POST", "/v1/files", uploads.upload, Access.KEY, "Upload a video or picture", submits=True),
    Route("GET", "/v1/models", about.list_models, Access.KEY, "The models that work here"),
    Route("POST", "/v1/videos", openai_videos.create_video, Access.KEY, "Create or extend (OpenAI)", submits=True),
    Route("GET", "/v1/videos", openai_videos.list_videos, Access.KEY, "List videos (OpenAI)"),
    Route(
        "POST", "/v1/videos/extensions", openai_videos.extend_video, Access.KEY, "Extend a video (OpenAI)", submits=True
    ),
    Route("POST", "/v1/videos/edits", openai_videos.edit_video, Access.KEY, "Edit a video (OpenAI)", submits=True),
    Route("POST", "/v1/videos/characters", openai_videos.refuse_characters, Access.KEY, "Refused: no characters here"),
    Route(
        "GET", "/v1/videos/characters/{id}", openai_videos.refuse_characters, Access.KEY, "Refused: no characters here"
    ),
    Route("GET", "/v1/videos/{id}", openai_videos.read_video, Access.KEY, "Read a video (OpenAI)"),
    Route("DELETE", "/v1/videos/{id}", tasks.delete_task, Access.KEY, "Delete a finished video and its files"),
    Route("GET", "/v1/videos/{id}/content", openai_videos.content, Access.KEY, "A finished video's bytes"),
    Route(
        "POST",
        "/v1/videos/{id}/extend",
        openai_videos.extend_video_by_id,
        Access.KEY,
        "Extend this video",
        submits=True,
    ),
    Route("POST", "/v1/videos/{id}/remix", openai_videos.remix_video, Access.KEY, "Remix this video", submits=True),
    Route("GET", "/v1/assets/{asset_id}/{name}", uploads.signed_asset, Access.SIGNED, "A file by its signed URL"),
    Route(
        "GET",
        "/v1/inputs/{job}/{signature}/{name}",
        uploads.job_input,
        Access.SIGNED,
        "A provider's job's input by its link",
    ),
    Route("GET", "/v1/tasks", tasks.list_tasks, Access.KEY, "List tasks"),
    Route("GET", "/v1/tasks/{id}", tasks.read_task, Access.KEY, "Read a task"),
    Route("DELETE", "/v1/tasks/{id}", tasks.delete_task, Access.KEY, "Delete a finished task and its files"),
    Route("POST", "/v1/tasks/{id}/cancel", tasks.cancel_task, Access.KEY, "Cancel a task"),
    Route("GET", "/v1/tasks/{id}/events", events.task_events, Access.KEY, "A task's changes as server-sent events"),
    Route("GET", "/v1/tasks/{id}/timeline", timelines.read_timeline, Access.KEY, "A video's stretches as a timeline"),
    Route("GET", "/v1/tasks/{id}/provenance", timelines.read_provenance, Access.KEY, "Who made each second"),
    Route("GET", "/api/usage/token", money.token_usage, Access.KEY, "What this key may spend (new-api)"),
    Route("POST", "/v1/quote", money.quote, Access.KEY, "What a request would cost", submits=True),
    Route("GET", "/v1/balance", money.read_balance, Access.KEY, "What one's own tenant has"),
    Route("POST", "/v1/balance", money.add_credit, Access.KEY, "Give a tenant credit (admin)"),
    Route("GET", "/v1/ledger/check", money.check_ledger, Access.KEY, "Whether the ledger adds up (admin)"),
    Route("GET", "/v1/keys", keys.list_keys, Access.KEY, "List API keys (admin)"),
    Route("POST", "/v1/keys", keys.create_key, Access.KEY, "Make an API key (admin)"),
    Route("DELETE", "/v1/keys/{id}", keys.revoke_key, Access.KEY, "Revoke an API key (admin)"),
    Route("GET", "/v1/providers", providers.list_providers, Access.KEY, "List providers (admin)"),
    Route("POST", "/v1/providers/{name}/test", providers.test_provider, Access.KEY, "Test a provider (admin)"),
    Route(
        "POST", "/v1/providers/{name}/disable", providers.disable_provider, Access.KEY, "Switch a provider off (admin)"
    ),
    Route("POST", "/v1/providers/{name}/enable", providers.enable_provider, Access.KEY, "Switch a provider on (admin)"),
    Route("GET", "/v1/route", providers.explain_route, Access.KEY, "Who would make a model's video (admin)"),
    Route("GET", "/healthz", about.health, Access.OPEN, "Whether the process answers"),
    Route("GET", "/readyz", about.readiness, Access.OPEN, "Whether work can be taken"),
    Route("GET", "/openapi.json", about.openapi, Access.OPEN, "This contract as OpenAPI 3.1"),
    Route("GET", "/docs", docs.docs, Access.OPEN, "The API's page, with forms"),
    Route("GET", "/docs/static/{version}/{name}", docs.docs_file, Access.OPEN, "A file of the page"),
    Route("GET", "/llms.txt", docs.llms, Access.OPEN, "The API in short, for programs that read"),
    Route("GET", "/", about.index, Access.OPEN, "What this is"),
)
