# SPDX-License-Identifier: Apache-2.0
"""The one table of the studio's pages, for `create_app(pages=...)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longtake.errors import RouteNotFound
from longtake.http import about
from longtake.http.context import Context
from longtake.http.messages import Answer, Call
from longtake.http.routes import ANY_OTHER_PATH, Access, Route, reads_pages
from longtake.studio import compare, create, extend, library, submitting, uploads, video
from longtake.studio.console import keys, providers, spend, tasks
from longtake.studio.door import Door
from longtake.studio.files import studio_file
from longtake.studio.sessions import Sessions
from longtake.studio.sign_in import SignInPages
from longtake.studio.templates import Templates
from longtake.studio.visit import PageAnswer, Visit


def studio(secret: bytes) -> Callable[[Context], Sequence[Route]]:
    """What makes the pages' routes for an application. `secret` is the installation's; it signs the cookies."""

    def pages(context: Context) -> Sequence[Route]:
        sessions = Sessions(context.keys, secret, secure=context.settings.public_url.startswith("https:"))
        door = Door(sessions, Templates())
        sign_in = SignInPages(sessions)
        return (
            *_with_index(door.page("/", library.show, "The library")),
            *door.page("/create", create.show, "Make a video"),
            door.action("/create", submitting.create, "Make a video"),
            *door.page("/extend", extend.show, "Choose the second and extend"),
            door.action("/extend", submitting.extend, "Extend a video"),
            door.action("/extend/forecast", extend.forecast, "What the form would come to"),
            door.action("/upload", uploads.upload, "Take in a file"),
            *door.page("/videos/{id}", video.show, "One task"),
            door.action("/videos/{id}/cancel", video.cancel, "Call a task off"),
            door.action("/videos/{id}/delete", video.delete, "Remove a task and its files"),
            door.stream("/videos/{id}/events", video.events, "A task's changes"),
            door.stream("/videos/{id}/timeline", video.timeline, "A video's stretches as a timeline"),
            door.stream("/videos/{id}/provenance", video.provenance, "Who made each second"),
            *door.page("/console/tasks", tasks.show_list, "Tasks"),
            *door.page("/console/tasks/{id}", tasks.show_one, "One task's way"),
            door.action("/console/tasks/{id}/cancel", tasks.cancel, "Call a task off"),
            door.action("/console/tasks/{id}/retry", tasks.retry, "Submit a task again"),
            *door.page("/console/providers", providers.show, "Providers"),
            door.action("/console/providers/{name}/test", providers.test, "Test a provider"),
            door.action("/console/providers/{name}/disable", providers.disable, "Switch a provider off"),
            door.action("/console/providers/{name}/enable", providers.enable, "Switch a provider on"),
            *door.page("/console/spend", spend.show, "What was spent"),
            door.stream("/console/spend.csv", spend.as_csv, "What was spent, as CSV"),
            *door.page("/console/keys", keys.show, "API keys"),
            door.action("/console/keys", keys.create, "Make a key"),
            door.action("/console/keys/{id}/revoke", keys.revoke, "Revoke a key"),
            *door.page("/compare", compare.show, "Two videos at once"),
            *door.page("/sign-in", sign_in.show, "Sign in", access=Access.OPEN),
            door.action("/sign-in", sign_in.enter, "Sign in", access=Access.OPEN),
            door.action("/sign-out", sign_in.leave, "Sign out", access=Access.OPEN),
            door.lost(ANY_OTHER_PATH, lost, "No such page"),
            Route("POST", "/v1/sign-in", sign_in.ticket, Access.KEY, "A link that opens the studio once"),
            Route("GET", "/studio/{version}/{name}", studio_file, Access.OPEN, "A file of the pages"),
        )

    return pages


async def lost(visit: Visit) -> PageAnswer:
    """For people at an address that is no page, or one that only takes forms. Raises RouteNotFound."""
    del visit
    raise RouteNotFound("there is no page at this address", message_zh="此地址没有页面")


def _with_index(pages: Sequence[Route]) -> Sequence[Route]:
    """The first page only for who reads HTML; programs are told what this server is, as they are without a studio."""
    twin, page = pages

    async def index(context: Context, call: Call) -> Answer:
        return await (page.handler if reads_pages(call) else about.index)(context, call)

    return twin, Route(page.method, page.path, index, page.access, page.summary)
