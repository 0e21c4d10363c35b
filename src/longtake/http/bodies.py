# SPDX-License-Identifier: Apache-2.0
"""Reads a POST body into named fields, whatever its form: JSON under any Content-Type, multipart, urlencoded."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import cast

import msgspec

from longtake.errors import InvalidJson, InvalidRequest, UnsupportedMediaType
from longtake.http.dialects.lenient import MOST_JSON_VALUES, JsonValue
from longtake.http.forms import PartHead, ReceiveFile, read_multipart, read_urlencoded
from longtake.http.limits import body_chunks, read_body
from longtake.http.messages import Call

LARGE_BYTES = 256 << 10
"""A body from this size on is decoded in a thread, so that others need not wait."""

SMALL_BODY_BYTES = 64 << 10
"""Of a body that holds a few words, such as a key's name."""

_BOM = b"\xef\xbb\xbf"


async def read_fields(
    call: Call, *, body_limit_bytes: int, upload_limit_bytes: int, receive_file: ReceiveFile, may_be_empty: bool = False
) -> dict[str, JsonValue]:
    """The fields of a body. File parts go through `receive_file` as they arrive.

    An empty body has none where it `may_be_empty`, and is refused elsewhere.

    Raises InvalidJson, InvalidMultipart, BodyTooLarge, UnsupportedMediaType (a compressed body), Overloaded.
    """
    encoding = (call.header(b"content-encoding") or "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMediaType(f"Content-Encoding is {encoding[:40]!r}: send the body as it is")
    content_type = call.header(b"content-type") or ""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        chunks = body_chunks(call, upload_limit_bytes + body_limit_bytes)
        return await read_multipart(chunks, content_type, receive_file, body_limit_bytes, call.keep)
    body = await read_body(call, body_limit_bytes)
    if may_be_empty and not body.strip():
        return {}
    # `curl -d '{...}'` calls its JSON a form.
    if kind == "application/x-www-form-urlencoded" and not body.lstrip(b" \t\r\n" + _BOM).startswith(b"{"):
        return read_urlencoded(body)
    if len(body) < LARGE_BYTES:
        return decode_json(body)
    return await asyncio.to_thread(decode_json, body)


async def read_plain_fields(call: Call, *, may_be_empty: bool = False) -> dict[str, JsonValue]:
    """The fields of a small body without files, in any of the forms. Raises what `read_fields` raises."""

    async def refuse_file(head: PartHead, _: AsyncIterator[bytes]) -> JsonValue:
        raise InvalidRequest(f"{head.name[:80]!r} is no field for a file here", param=head.name[:80])

    return await read_fields(
        call,
        body_limit_bytes=SMALL_BODY_BYTES,
        upload_limit_bytes=0,
        receive_file=refuse_file,
        may_be_empty=may_be_empty,
    )


def decode_json(body: bytes) -> dict[str, JsonValue]:
    """A JSON object.

    Raises InvalidJson for anything else, and for what readers disagree on: repeated names, NaN, broken UTF-8.
    """
    text = body.removeprefix(_BOM)
    if not text.strip():
        raise InvalidJson("the body is empty: send a JSON object", param="body")
    if text.count(b",") > MOST_JSON_VALUES:
        raise InvalidJson(f"the body has more than {MOST_JSON_VALUES} values: send fewer", param="body")
    try:
        value: object = _decoder.decode(text.decode("utf-8"))
        if b"\\u" in text:
            # The standard decoder lets lone surrogates pass; msgspec does not.
            msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        raise InvalidJson("the body is not UTF-8", param="body") from error
    except RecursionError as error:
        raise InvalidJson("the body is nested too deeply", param="body") from error
    except msgspec.DecodeError as error:
        raise InvalidJson(f"the body is not JSON: {error}", param="body") from error
    except ValueError as error:
        raise InvalidJson(f"the body is not JSON: {_reason(error)}", param="body") from error
    if not isinstance(value, dict):
        raise InvalidJson("the body is JSON but no object: send {...}", param="body")
    return cast("dict[str, JsonValue]", value)


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    # Python's own words for numbers of thousands of digits speak of interpreter settings.
    return "a number has too many digits"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise InvalidJson(f"{twice[:80]!r} stands twice in one object: send it once", param=twice[:80])
    return found


def _refuse_constant(name: str) -> object:
    raise InvalidJson(f"{name} is no JSON number: send a finite one", param="body")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
