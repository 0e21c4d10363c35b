# SPDX-License-Identifier: Apache-2.0
"""Form bodies: multipart read as a stream, so that a file goes to storage without ever being whole in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from longtake.errors import BodyTooLarge, InvalidMultipart
from longtake.http.dialects.lenient import JsonValue

MOST_PARTS = 200
_MOST_NAME_CHARS = 200
_BRACKETS = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class PartHead:
    """What stands above a part: the field's name and, for a file, what its owner calls it."""

    name: str
    filename: str | None


ReceiveFile: TypeAlias = Callable[[PartHead, AsyncIterator[bytes]], Awaitable[JsonValue]]
"""Takes a file part as it arrives; its answer becomes the field's value."""


class _End:
    """The end of a part."""


_Event: TypeAlias = "PartHead | bytes | _End"


class _Events:
    """Collects what python-multipart calls back, in order."""

    def __init__(self) -> None:
        self.found: list[_Event] = []
        self.complete = False
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def on_part_begin(self) -> None:
        self._headers = {}

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name or len(name) > _MOST_NAME_CHARS:
            raise InvalidMultipart(
                "a part of the form has no usable name: send Content-Disposition: form-data; name=..."
            )
        filename = options.get(b"filename")
        self.found.append(PartHead(name, None if filename is None else filename.decode("utf-8", "replace")))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.found.append(data[start:end])

    def on_part_end(self) -> None:
        self.found.append(_End())

    def on_end(self) -> None:
        self.complete = True


async def read_multipart(
    chunks: AsyncIterator[bytes],
    content_type: str,
    receive_file: ReceiveFile,
    text_limit_bytes: int,
    hold: Callable[[int], None] = lambda _: None,
) -> dict[str, JsonValue]:
    """The fields of a multipart body (RFC 7578). `hold` is told of the bytes of text fields before they are kept.

    Raises InvalidMultipart, BodyTooLarge, and whatever `receive_file` and `hold` raise.
    """
    events = _events(chunks, content_type)
    pairs: list[tuple[str, JsonValue]] = []
    left_bytes = text_limit_bytes
    async for head in events:
        assert isinstance(head, PartHead)
        if len(pairs) >= MOST_PARTS:
            raise InvalidMultipart(f"the form has more than {MOST_PARTS} parts: send fewer")
        part = _part(events)
        if head.filename:
            pairs.append((head.name, await receive_file(head, part)))
            async for _ in part:
                pass
            continue
        text = bytearray()
        async for data in part:
            left_bytes -= len(data)
            if left_bytes < 0:
                raise BodyTooLarge(f"the form's text fields have more than {text_limit_bytes} bytes: send less")
            hold(len(data))
            text += data
        # A file input that was left empty sends an empty name and nothing else.
        if head.filename is None:
            pairs.append((head.name, _decode(bytes(text), head.name)))
    return _nest(pairs)


async def _events(chunks: AsyncIterator[bytes], content_type: str) -> AsyncGenerator[_Event]:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise InvalidMultipart("Content-Type names no boundary: let your HTTP library build the form")
    collected = _Events()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": collected.on_part_begin,
                "on_header_field": collected.on_header_field,
                "on_header_value": collected.on_header_value,
                "on_header_end": collected.on_header_end,
                "on_headers_finished": collected.on_headers_finished,
                "on_part_data": collected.on_part_data,
                "on_part_end": collected.on_part_end,
                "on_end": collected.on_end,
            },
        )
        async for chunk in chunks:
            parser.write(chunk)
            found, collected.found = collected.found, []
            for event in found:
                yield event
    except FormParserError as error:
        raise InvalidMultipart(f"the form cannot be read: {error}") from error
    if not collected.complete:
        raise InvalidMultipart("the form ends in the middle: send it whole")


async def _part(events: AsyncGenerator[_Event]) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, _End):
            return
        assert isinstance(event, bytes)
        yield event


def read_urlencoded(body: bytes) -> dict[str, JsonValue]:
    """The fields of an urlencoded body. Raises InvalidMultipart."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_PARTS, errors="strict")
    except ValueError as error:
        raise InvalidMultipart("the form cannot be read: send UTF-8, percent-encoded") from error
    return _nest([(name[:_MOST_NAME_CHARS], value) for name, value in pairs])


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidMultipart(f"field {name[:80]!r} is not UTF-8", param=name[:80]) from error


def _nest(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Repeated names and `name[]` become arrays, `video[id]` an object, as browsers and SDKs mean them."""
    fields: dict[str, JsonValue] = {}
    for name, value in pairs:
        match = _BRACKETS.fullmatch(name)
        base = match[1] if match else name
        if match and match[2] and not match[2].isdigit():
            inner = fields.get(base)
            fields[base] = {**(inner if isinstance(inner, dict) else {}), match[2]: value}
        elif base in fields or match:
            known = fields.get(base)
            before = known if isinstance(known, list) else [] if known is None else [known]
            fields[base] = [*before, value]
        else:
            fields[base] = value
    return fields
