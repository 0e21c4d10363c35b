# SPDX-License-Identifier: Apache-2.0
"""The application: finds the route, lets the right callers in, and turns whatever happens into an answer.

Fixed paths are found in one dictionary look-up and go straight to their handler; a framework's routing in front of them
would cost about as much as all the rest (reference performance.md 2). Paths with parameters use Starlette's patterns.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from longtake.errors import MethodNotAllowed, Overloaded, RouteNotFound
from longtake.http.auth import KeyRing
from longtake.http.context import Context
from longtake.http.cors import ANY_ORIGIN, FOR_PAGES, preflight
from longtake.http.dialects.openai import OPENAI
from longtake.http.errors import error_answer
from longtake.http.limits import MOST_CALLS, BodyMemory, ClientGone, check_head
from longtake.http.links import Links
from longtake.http.messages import JSON_TYPE, Answer, Call, HeaderList, encode
from longtake.http.proxies import Proxies
from longtake.http.published import Published
from longtake.http.readiness import Readiness
from longtake.http.rendered import RenderedTasks
from longtake.http.request_ids import request_id
from longtake.http.routes import ANY_OTHER_PATH, ROUTES, Access, Route, reads_pages
from longtake.http.speech import named, unmounted
from longtake.http.waits import Waits
from longtake.settings import Settings
from longtake.store.base import Installation, Store
from longtake.tasks.fitting import Fitting
from longtake.tasks.input_links import InputLinks
from longtake.tasks.provider_desk import ProviderDesk
from longtake.tasks.service import TaskService
from longtake.tasks.usual_waits import UsualWaits

logger = logging.getLogger("longtake.http")

_CONTROL = re.compile(r"[^\x20-\x7e]")
_CLIENT_GONE = 499
_MOST_KNOWN_PATHS = 512

Methods = Mapping[str, Route]


def create_app(
    *,
    service: TaskService,
    store: Store,
    settings: Settings,
    installation: Installation,
    ready: Callable[[], Awaitable[None]],
    providers: ProviderDesk | None = None,
    pages: Callable[[Context], Sequence[Route]] | None = None,
    inputs: InputLinks | None = None,
) -> Application:
    """The ASGI application over a running service. `pages` are further routes, such as the studio's; they win.

    `inputs` opens the links that providers are handed. Raises ConfigurationError for unusable `trusted_proxies`.
    """
    proxies = Proxies(settings.trusted_proxies)
    links = Links(
        installation.url_secret,
        public_url=settings.public_url,
        lifetime_s=settings.signed_url_s,
        proxies=proxies,
    )
    context = Context(
        service=service,
        store=store,
        settings=settings,
        links=links,
        rendered=RenderedTasks(links),
        keys=KeyRing(store),
        readiness=Readiness(ready),
        waits=Waits(),
        providers=providers or ProviderDesk(None, service.makers, store, service.planner),
        inputs=inputs,
        fitting=Fitting(store, service.makers),
        usual_waits=UsualWaits(store),
        openapi=Published(_described, JSON_TYPE[1]),
    )
    return Application(context, proxies, routes=(*ROUTES, *(pages(context) if pages else ())))


def _described() -> bytes:
    # The words for every field take a tenth of the time of a start, and most servers are never asked for them.
    from longtake.http.describe.openapi import document  # noqa: PLC0415

    return encode(document(ROUTES))


class Application:
    """Dispatch, keys, errors, common headers and the access log, around handlers that know nothing of them."""

    def __init__(
        self, context: Context, proxies: Proxies, *, routes: Sequence[Route] = ROUTES, most_calls: int = MOST_CALLS
    ) -> None:
        self._context = context
        self._proxies = proxies
        self._most_calls = most_calls
        self._fixed: dict[str, dict[str, Route]] = {}
        self._templates: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        self._known_paths: dict[str, tuple[Methods, Mapping[str, str], str]] = {}
        self._memory = BodyMemory()
        self._calls = 0
        self._lost_page: Route | None = None
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            if route.path == ANY_OTHER_PATH:
                self._lost_page = route
                continue
            methods = by_path.setdefault(route.path, {})
            methods[route.method] = route
            if route.method == "GET":
                methods["HEAD"] = route
        for path, methods in by_path.items():
            if "{" in path:
                self._templates.append((compile_path(path)[0], methods))
            else:
                self._fixed[path] = methods

    def close(self) -> None:
        """Let streams and waiting calls end, so that a server that stops need not wait for them."""
        self._context.waits.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request. Raises ValueError for other kinds of scope, as the ASGI specification has it."""
        if scope["type"] != "http":
            raise ValueError(f"the scope is {scope['type']!r}: only http is served here")
        began_s = time.perf_counter()
        call = Call(scope, receive)
        call.request_id = request_id(call.header(b"x-request-id"))
        call.hold, call.release = self._memory.hold, self._memory.release
        started = False
        first_send = send
        if call.exchange is None:

            async def send_once_started(message: Message) -> None:
                nonlocal started
                started = True
                await send(message)

            first_send = send_once_started

        self._calls += 1
        status = _CLIENT_GONE
        try:
            answer = await self._answer(call)
            status = await self._send(call, answer, first_send)
        except ClientGone:
            pass
        except Exception as error:
            # The outermost boundary: whatever happens, the caller gets an answer.
            if started or (call.exchange is not None and call.exchange.has_begun):
                # The head is out; ending without the last byte makes the server break the connection.
                logger.error("request %s broke off", call.request_id, exc_info=error)  # noqa: TRY400
            else:
                status = await self._send(call, error_answer(error, call.request_id), send)
        finally:
            self._calls -= 1
            call.let_go()
            if logger.isEnabledFor(logging.INFO):
                self._log(call, status, began_s)

    async def _answer(self, call: Call) -> Answer:
        route: Route | None = None
        try:
            if self._calls > self._most_calls:
                raise Overloaded("this server is at its limit: come again in a moment")  # noqa: TRY301
            check_head(call)
            if call.method == "OPTIONS":
                return preflight(call, self._methods(call))
            route = self._route(call)
            if route.access is Access.KEY:
                call.principal = await self._context.keys.principal(call)
            return await route.handler(self._context, call)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001  (every failure has an answer; errors.py logs what nobody expected)
            answer = error_answer(
                error,
                call.request_id,
                submits=route is not None and route.submits,
                quota_is_429=named(call) is OPENAI,
            )
            if isinstance(error, MethodNotAllowed):
                answer.headers.append((b"allow", ", ".join(self._methods(call)).encode()))
            return answer

    async def _send(self, call: Call, answer: Answer, send: Send) -> int:
        echoed = call.request_id.encode()
        cors = () if call.same_origin else ANY_ORIGIN if call.header(b"origin") is None else FOR_PAGES
        common: HeaderList = [(b"x-request-id", echoed), (b"x-oneapi-request-id", echoed), *cors]
        await answer.send(call, send, common)
        return answer.status

    def _methods(self, call: Call) -> Methods:
        """What the path can do; empty for an unknown path. Sets the call's path parameters."""
        known = self._known_paths.get(call.path)
        if known is not None:
            methods, call.params, call.mount = known
            return methods
        methods = self._find_methods(call)
        if call.params:
            if len(self._known_paths) >= _MOST_KNOWN_PATHS:
                self._known_paths.clear()
            self._known_paths[call.path] = methods, call.params, call.mount
        return methods

    def _find_methods(self, call: Call) -> Methods:
        path = call.path
        if path.endswith("/") and not path.endswith("//") and path != "/":
            # One slash too many is a habit of some clients; an empty name between two of them is another path.
            path = path[:-1]
        methods = self._fixed.get(path)
        if methods is None and not call.mount:
            call.mount, path = unmounted(path)
            methods = self._fixed.get(path)
        if methods is not None:
            return methods
        for template, templated in self._templates:
            found = template.match(path)
            if found is not None:
                call.params = found.groupdict()
                return templated
        return {}

    def _route(self, call: Call) -> Route:
        methods = self._methods(call)
        route = methods.get(call.method)
        if route is not None:
            return route
        if self._lost_page is not None and reads_pages(call) and not call.path.startswith("/v1/"):
            return self._lost_page
        if methods:
            raise MethodNotAllowed(f"{call.method[:20]} is not possible here: use {', '.join(methods)}")
        raise RouteNotFound("there is nothing at this path: the routes begin with /v1/video, /v1/files and /v1/tasks")

    def _log(self, call: Call, status: int, began_s: float) -> None:
        # Without the query: it may hold a signature.
        signature = call.params.get("signature")
        path = _CONTROL.sub("?", call.path.replace(signature, "…") if signature else call.path)[:300]
        logger.info(
            "%s %s %d %.1f ms",
            call.method,
            path,
            status,
            (time.perf_counter() - began_s) * 1000,
            extra={
                "request_id": call.request_id,
                "client": self._proxies.client_address(call),
                "tenant_id": call.principal.tenant_id if call.principal else None,
                "key_id": call.principal.key_id if call.principal else None,
            },
        )
