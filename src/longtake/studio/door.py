# SPDX-License-Identifier: Apache-2.0
"""Between the wire and the pages: lets visitors in, keeps strangers' forms out, and turns what a page says into bytes.

A page that fails becomes a page that says so; its `.json` twin answers the API's error body.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from longtake.errors import AccessDenied, InvalidApiKey, LongtakeError, TaskNotFound
from longtake.http.context import Context
from longtake.http.errors import error_answer
from longtake.http.limits import ClientGone
from longtake.http.messages import NO_STORE, Answer, BytesAnswer, Call, HeaderList, json_answer
from longtake.http.page.docs import wants_gzip
from longtake.http.page.language import Language, language_of
from longtake.http.routes import Access, Handler, Route
from longtake.studio.sessions import Sessions, cookies, set_cookie
from longtake.studio.templates import Templates
from longtake.studio.visit import Moved, Page, PageAnswer, Shown, Visit, told
from longtake.studio.words import words
from longtake.types import Value

LANGUAGE_COOKIE = "longtake_language"
_YEAR_S = 365 * 86_400
_LEAST_PACKED_BYTES = 1000
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
GUARDS: HeaderList = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_SAFE_METHODS = ("GET", "HEAD")
_INTERNAL = 500
_TAGS: dict[Language, bytes] = {"en": b"en", "zh": b"zh-CN"}


class Refusal(Value, frozen=True):
    """What the error page shows."""

    status: int
    code: str
    message: str
    param: str | None
    request_id: str
    signed_in: bool
    sent_form: bool
    """Whether a form was sent, which the browser still holds as it was filled in."""


@dataclass(frozen=True, slots=True)
class Door:
    """Makes routes of pages."""

    sessions: Sessions
    templates: Templates

    def page(self, path: str, page: Page, summary: str, *, access: Access = Access.SESSION) -> tuple[Route, ...]:
        """The routes of a page that is read: the page itself, and its facts at the same path with `.json` behind it."""
        # The twin first: a template such as /videos/{id} would match its path too.
        twin = "/library.json" if path == "/" else f"{path}.json"
        return (
            Route("GET", twin, self._handler(page, access, as_json=True), access, f"{summary}, as JSON"),
            Route("GET", path, self._handler(page, access), access, summary),
        )

    def action(self, path: str, page: Page, summary: str, *, access: Access = Access.SESSION) -> Route:
        """The route of a form."""
        return Route("POST", path, self._handler(page, access), access, summary)

    def lost(self, path: str, page: Page, summary: str) -> Route:
        """The route of whatever is no page, open to everybody."""
        return Route("GET", path, self._handler(page, Access.OPEN), Access.OPEN, summary)

    def stream(self, path: str, page: Page, summary: str) -> Route:
        """The route of something that is neither a page nor a form, such as a task's events."""
        return Route("GET", path, self._handler(page, Access.SESSION, as_json=True), Access.SESSION, summary)

    def _handler(self, page: Page, access: Access, *, as_json: bool = False) -> Handler:
        async def handle(context: Context, call: Call) -> Answer:
            visit = Visit(context=context, call=call, language=chosen_language(call))
            call.same_origin = True
            wants_json = as_json or "application/json" in (call.header(b"accept") or "")
            try:
                if call.method not in _SAFE_METHODS:
                    check_origin(context, call)
                call.principal = await self.sessions.principal(call)
                if access is Access.SESSION and call.principal is None:
                    if wants_json or call.method not in _SAFE_METHODS:
                        raise InvalidApiKey("you are not signed in here (any more): sign in with your API key")  # noqa: TRY301
                    return await self._sent(visit, Moved(f"/sign-in?next={quote(_here(call), safe='')}"))
                answer = await page(visit)
                if wants_json and isinstance(answer, Shown):
                    return json_answer(answer.facts, answer.status, answer.headers)
                if wants_json and isinstance(answer, Moved):
                    return json_answer({"location": answer.to}, headers=answer.headers)
                return await self._sent(visit, answer)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001  (the boundary: every failure has a page)
                plain = error_answer(error, call.request_id)
                return plain if wants_json else await self._sent(visit, _refusal(visit, error, plain.status))

        return handle

    async def _sent(self, visit: Visit, answer: PageAnswer) -> Answer:
        match answer:
            case Shown():
                return await self._rendered(visit, answer)
            case Moved():
                return BytesAnswer(303, b"", [(b"location", answer.to.encode("ascii")), NO_STORE, *answer.headers])
            case _:
                return answer

    async def _rendered(self, visit: Visit, shown: Shown) -> Answer:
        part = visit.call.query().get("part", "")
        # In a thread: a long list takes milliseconds, in which the loop serves others.
        body = await asyncio.to_thread(self.templates.render, shown, visit, part)
        headers: HeaderList = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-language", _TAGS[visit.language]),
            (b"vary", b"accept-language, accept-encoding, cookie"),
            NO_STORE,
            *GUARDS,
            *shown.headers,
        ]
        if visit.call.query().get("lang"):
            headers.append(set_cookie(LANGUAGE_COOKIE, visit.language, _YEAR_S, secure=False, hidden=False))
        if len(body) >= _LEAST_PACKED_BYTES and wants_gzip(visit.call):
            body = await asyncio.to_thread(gzip.compress, body, 5, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        return BytesAnswer(shown.status, body, headers)


def chosen_language(call: Call) -> Language:
    """`?lang=`, else what was chosen before, else what the browser likes better."""
    chosen = cookies(call).get(LANGUAGE_COOKIE)
    if not call.query().get("lang"):
        if chosen == "zh":
            return "zh"
        if chosen == "en":
            return "en"
    return language_of(call)


def check_origin(context: Context, call: Call) -> None:
    """Refuse a form that another site sent with this visitor's cookie (OWASP: verifying origin with standard headers).

    Browsers name the origin of every POST. Raises AccessDenied.
    """
    origin = call.header(b"origin")
    fetched_from = call.header(b"sec-fetch-site")
    ours = {(call.header(b"host") or "").lower(), urlsplit(context.settings.public_url).netloc.lower()} - {""}
    is_ours = origin is not None and urlsplit(origin).netloc.lower() in ours
    if (origin is None and fetched_from == "same-origin") or (is_ours and fetched_from in {None, "same-origin"}):
        return
    raise AccessDenied("this form did not come from a page of this server: open the page here and send it again")


def _here(call: Call) -> str:
    query: bytes = call.scope["query_string"]
    return call.path + ("?" + query.decode("latin-1") if query else "")


def _refusal(visit: Visit, error: Exception, status: int) -> Shown:
    code, message, param = "internal_error", "", None
    if isinstance(error, LongtakeError) and status != _INTERNAL:
        code, param = error.code, error.param
        # The API's words name its routes, which say nothing to people.
        is_lost = isinstance(error, TaskNotFound)
        message = words(visit.language)["refused.no_task"] if is_lost else told(error, visit.language)
    return Shown(
        "refused.html",
        Refusal(
            status=status,
            code=code,
            message=message,
            param=param,
            request_id=visit.call.request_id,
            signed_in=visit.call.principal is not None,
            sent_form=visit.call.method not in _SAFE_METHODS,
        ),
        status=status,
    )
