# SPDX-License-Identifier: Apache-2.0
"""A small HTTP client of longtake's own routes, made of the standard library only."""

from __future__ import annotations

import http.client
import json
import math
import secrets
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote, urlencode, urlsplit

from longtake.cli.exits import CommandFailed, Exit

CHUNK_BYTES = 1 << 18
TIMEOUT_S = 60.0
MOST_ANSWER_BYTES = 64 << 20
"""Of JSON. A page of a hundred tasks has less than one."""


_OTHER_SERVER = "Is LONGTAKE_URL the address of a longtake server?"


def printable(text: str) -> str:
    """A text without what a terminal takes for a command: whoever answers may write there, but not steer it."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)


class Reply:
    """A JSON object from the server, read by path."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self.raw = raw

    def at(self, *path: str) -> object:
        """The value at a path; None if there is none."""
        value: object = self.raw
        for name in path:
            if not isinstance(value, dict):
                return None
            value = cast("Mapping[str, object]", value).get(name)
        return value

    def text(self, *path: str) -> str:
        """The text at a path, safe to print; empty if there is none."""
        value = self.at(*path)
        return printable(value) if isinstance(value, str) else ""

    def number(self, *path: str) -> float | None:
        """The finite number at a path, also when it came as text."""
        value = self.at(*path)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def texts(self, *path: str) -> list[str]:
        """The texts of a list at a path, safe to print."""
        value = self.at(*path)
        return [printable(str(item)) for item in cast("list[object]", value)] if isinstance(value, list) else []

    def items(self, *path: str) -> list[Reply]:
        """The objects of a list at a path."""
        value = self.at(*path)
        found = cast("list[object]", value) if isinstance(value, list) else []
        return [Reply(cast("dict[str, object]", item)) for item in found if isinstance(item, dict)]


class Client:
    """Talks to one server with one key. Failures are CommandFailed with the exit status that fits."""

    def __init__(self, url: str, key: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CommandFailed(
                f"LONGTAKE_URL is {url!r}, which is no http(s) address",
                exit_status=Exit.USAGE,
                hint="Set it to the server's address, such as http://127.0.0.1:8420",
            )
        if not key.isascii() or not key.isprintable():
            raise CommandFailed(
                "LONGTAKE_API_KEY holds characters that no key has: copy it again", exit_status=Exit.AUTH
            )
        self.url = url.rstrip("/")
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, port
        self._base = parts.path.rstrip("/")
        self._key = key

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """GET a JSON object."""
        return self._json("GET", path + ("?" + urlencode(query) if query else ""))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Reply:
        """POST a JSON object and read one back."""
        return self._json("POST", path, body or {})

    def delete(self, path: str) -> Reply:
        """DELETE and read a JSON object back."""
        return self._json("DELETE", path)

    def task(self, task_id: str) -> Reply:
        """A task with its step."""
        return self.get(f"/v1/tasks/{quote(task_id, safe=':')}")

    def upload(self, path: Path, show: Callable[[int], None] | None = None) -> Reply:
        """Upload a file, streamed; show is told how many bytes have gone."""
        boundary = secrets.token_hex(16)
        name = path.name.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode(errors="replace")  # a name on disk need not be UTF-8
        tail = f"\r\n--{boundary}--\r\n".encode()
        size_bytes = path.stat().st_size

        def chunks(file: BinaryIO) -> Iterator[bytes]:
            yield head
            sent = 0
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                sent += len(chunk)
                if show:
                    show(sent)
            yield tail

        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + size_bytes + len(tail)),
        }
        with path.open("rb") as file:
            response = self._send("POST", "/v1/files", headers, chunks(file))
            return _decoded(response)

    def download(self, path: str, file: BinaryIO, show: Callable[[int, int], None] | None = None) -> int:
        """Write a file's bytes; their number. show is told how many have come and how many there are."""
        response = self._send("GET", path, {}, None)
        announced = response.headers.get("Content-Length") or ""
        expected = int(announced) if announced.isascii() and announced.isdigit() and len(announced) < 20 else 0  # noqa: PLR2004
        received = 0
        while chunk := self._read_chunk(response):
            file.write(chunk)  # outside of what is said of the server: a reader that has gone breaks this pipe
            received += len(chunk)
            if show:
                show(received, expected)
        if expected and received != expected:
            raise CommandFailed(
                f"the download broke off after {received} of {expected} bytes",
                exit_status=Exit.UNREACHABLE,
                hint="Run the command again; the task keeps its video.",
            )
        return received

    def _read_chunk(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read(CHUNK_BYTES)
        except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise self._unreachable(error) from error

    def _json(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers |= {"Content-Type": "application/json"}
        return _decoded(self._send(method, path, headers, data))

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | Iterator[bytes] | None
    ) -> http.client.HTTPResponse:
        if self._scheme == "https":
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        sent = {"Authorization": f"Bearer {self._key}", "Connection": "close", **headers}
        try:
            try:
                connection.request(method, self._base + path, body=body, headers=sent)
            except (BrokenPipeError, ConnectionResetError):
                # The server may have refused an upload before its end: its answer says why.
                if not isinstance(body, Iterator):
                    raise
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._unreachable(error) from error
        if response.status >= http.client.BAD_REQUEST:
            raise _failure(response)
        return response

    def _unreachable(self, error: Exception) -> CommandFailed:
        return CommandFailed(
            f"the server at {self.url} cannot be reached: {error or type(error).__name__}",
            exit_status=Exit.UNREACHABLE,
            hint="Is it running? Start one with: longtake serve. LONGTAKE_URL names another.",
        )


def _decoded(response: http.client.HTTPResponse) -> Reply:
    try:
        value: object = json.loads(response.read(MOST_ANSWER_BYTES))
    except (ValueError, RecursionError, OSError, http.client.HTTPException) as error:
        raise CommandFailed(f"the server's answer is not JSON ({error})", hint=_OTHER_SERVER) from error
    if not isinstance(value, dict):
        raise CommandFailed("the server's answer is JSON but no object", hint=_OTHER_SERVER)
    return Reply(cast("dict[str, object]", value))


def _failure(response: http.client.HTTPResponse) -> CommandFailed:
    try:
        value: object = json.loads(response.read(1 << 20) or b"{}")
    except (ValueError, RecursionError, OSError, http.client.HTTPException):
        value = {}
    reply = Reply(cast("dict[str, object]", value) if isinstance(value, dict) else {})
    code = reply.text("error", "code") or reply.text("code")
    message = reply.text("error", "message") or f"the server answered {response.status} {printable(response.reason)}"
    parameter = reply.text("error", "param")
    if parameter and parameter not in message:
        message = f"{parameter}: {message}"
    return CommandFailed(message, exit_status=_exit_status(response.status, code), hint=_hint(response.status, code))


def _exit_status(status: int, code: str) -> Exit:
    if status == http.client.TOO_MANY_REQUESTS or "quota" in code:
        return Exit.QUOTA
    if status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        return Exit.AUTH
    if status in {400, 405, 413, 415, 422}:
        return Exit.USAGE
    return Exit.FAILED


def _hint(status: int, code: str) -> str:
    if status == http.client.UNAUTHORIZED:
        return (
            "Set LONGTAKE_API_KEY to a key of this server; its operator makes one with: longtake keys create\n"
            "  On the machine of the server, unset it to work as the first tenant."
        )
    if code == "task_not_exist":
        return "Those there are: longtake list"
    return ""
