# SPDX-License-Identifier: Apache-2.0
"""Bodies in every form, and hostile ones: a refusal, never a crash."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longtake.errors import (
    BodyTooLarge,
    InvalidJson,
    InvalidMultipart,
    InvalidRequest,
    LongtakeError,
    Overloaded,
    UnsupportedMediaType,
)
from longtake.http.bodies import decode_json, read_fields
from longtake.http.dialects.fields import Fields
from longtake.http.limits import BodyMemory, ClientGone, check_head
from longtake.http.messages import Call
from longtake.types import Principal


def call_with(parts, content_type=None, **headers: str):
    """A call whose body arrives in these parts; None is a hang-up."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if content_type is not None:
        sent.append((b"content-type", content_type.encode()))
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts if part is not None]
    if None in parts:
        messages.append({"type": "http.disconnect"})
    else:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": sent}
    return Call(scope, receive)


def read(parts, content_type=None, *, limit=1 << 20, files=None, **headers: str):
    async def receive_file(head, chunks):
        data = b"".join([chunk async for chunk in chunks])
        if files is not None:
            files.append((head.name, head.filename, data))
        return f"<{head.name}>"

    async def main():
        call = call_with(parts, content_type, **headers)
        return await read_fields(call, body_limit_bytes=limit, upload_limit_bytes=limit, receive_file=receive_file)

    return asyncio.run(main())


@pytest.mark.parametrize(
    "kind", [None, "application/json", "text/plain", "application/x-www-form-urlencoded", "*/*", ";"]
)
def test_json_is_read_under_any_content_type(kind):
    assert read([b' {"a"', b": 1}"], kind) == {"a": 1}
    assert read([b'\xef\xbb\xbf{"a": 1}'], kind) == {"a": 1}


def test_urlencoded_fields():
    assert read([b"a=1&b=%C3%A9&i%5B%5D=x&i%5B%5D=y&video%5Bid%5D=grok:1"], "application/x-www-form-urlencoded") == {
        "a": "1",
        "b": "é",
        "i": ["x", "y"],
        "video": {"id": "grok:1"},
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"[]",
        b'"text"',
        b"1",
        b"{",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"o": {"b": 1, "b": 1}}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
        b'{"a": 1} trailing',
        b"{'a': 1}",
        b'{"a": "line\nbreak"}',
        '{"a": 1}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_json_that_readers_disagree_on_is_refused(body):
    with pytest.raises(InvalidJson) as refused:
        decode_json(body)
    assert refused.value.param
    assert len(refused.value.message) < 300


def test_a_hostile_body_costs_no_more_than_its_length():
    """One name twice among many was looked for pair by pair; empty lists took twenty times their text's size."""
    many = b"{" + b",".join(b'"%d":1' % number for number in range(90_000))
    began_s = time.process_time()
    with pytest.raises(InvalidJson, match="twice") as refused:
        decode_json(many + b',"89999":2}')
    assert refused.value.param == "89999"
    for body in (b'{"a":[' + b"[]," * 200_000 + b"[]]}", many + b"," + many[1:] + b"}"):
        with pytest.raises(InvalidJson, match="more than 100000 values"):
            decode_json(body)
    with pytest.raises(InvalidRequest, match="more than 100000 values"):
        Fields({"metadata": '{"a":[' + "[]," * 200_000 + "[]]}"}).merge_nested("metadata")
    assert time.process_time() - began_s < 3


@settings(deadline=None, database=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_break_the_json_reader(body):
    with suppress(InvalidJson):
        assert isinstance(decode_json(body), dict)


def form(*parts: tuple[str, bytes], boundary="xyz", end=True):
    lines = b""
    for headers, data in parts:
        lines += b"--" + boundary.encode() + b"\r\n" + headers.encode() + b"\r\n\r\n" + data + b"\r\n"
    return lines + (b"--" + boundary.encode() + b"--\r\n" if end else b"")


def field(name, data):
    return (f'Content-Disposition: form-data; name="{name}"', data)


def file(name, data, filename="cat.mp4"):
    return (f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: video/mp4', data)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_a_form_is_read_however_it_is_cut(step):
    body = form(field("a", b"1"), file("file", b"\r\n--xy\r\n" * 50), field("images[]", b"x"), field("images[]", b"y"))
    files = []
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    values = read(parts, "multipart/form-data; boundary=xyz", files=files)
    assert values == {"a": "1", "file": "<file>", "images": ["x", "y"]}
    assert files == [("file", "cat.mp4", b"\r\n--xy\r\n" * 50)]


def test_a_file_input_left_empty_is_no_file():
    assert read([form(file("image", b"", filename=""), field("a", b"1"))], "multipart/form-data; boundary=xyz") == {
        "a": "1"
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (form(field("a", b"1")), "multipart/form-data"),
        (form(field("a", b"1"), end=False), "multipart/form-data; boundary=xyz"),
        (form(file("file", b"1" * 99), end=False)[:-40], "multipart/form-data; boundary=xyz"),
        (form(field("a", b"\xff\xfe")), "multipart/form-data; boundary=xyz"),
        (form(("Content-Disposition: form-data", b"1")), "multipart/form-data; boundary=xyz"),
        (form(("X: " + "y" * 9000, b"1")), "multipart/form-data; boundary=xyz"),
        (form(*[field("a", b"1")] * 201), "multipart/form-data; boundary=xyz"),
        (b"nothing of a form", "multipart/form-data; boundary=xyz"),
        (b"", "multipart/form-data; boundary=xyz"),
        (form(field("a", b"1")), "multipart/form-data; boundary=" + "z" * 300),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(500)), "application/x-www-form-urlencoded"),
    ],
    ids=range(12),
)
def test_a_broken_form_is_refused(body, kind):
    with pytest.raises(InvalidMultipart):
        read([body], kind)


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            [b"--xyz", b"--", b"\r\n", b"\r\n\r\n", b"Content-Disposition: form-data; name=a", b"x", b"\xff", b":"]
        ),
        max_size=20,
    )
)
def test_no_pieces_of_a_form_break_the_reader(pieces):
    try:
        read([b"".join(pieces)], "multipart/form-data; boundary=xyz")
    except LongtakeError as error:
        assert error.status == 400  # noqa: PT017


def test_too_much_is_refused_before_it_is_parsed():
    with pytest.raises(BodyTooLarge):
        read([b"x" * 60] * 3, "application/json", limit=100)
    with pytest.raises(BodyTooLarge):
        read([], "application/json", limit=100, content_length="101")
    with pytest.raises(BodyTooLarge):
        read([form(field("a", b"x" * 150))], "multipart/form-data; boundary=xyz", limit=100)
    with pytest.raises(BodyTooLarge):
        read([form(file("file", b"x" * 900))], "multipart/form-data; boundary=xyz", limit=100)


def test_a_compressed_body_is_refused():
    with pytest.raises(UnsupportedMediaType):
        read([b"\x1f\x8b"], "application/json", content_encoding="gzip")


def test_a_hang_up_is_no_request():
    with pytest.raises(ClientGone):
        read([b'{"a"', None], "application/json")


def test_a_large_body_is_read_too():
    values = {"a": "x" * 400_000}
    assert read([json.dumps(values).encode()], "application/json") == values


def test_bodies_in_memory_are_bounded_for_each_tenant_and_together():
    memory = BodyMemory(most_bytes=300, most_bytes_of_tenant=200)

    def call_of(tenant: str, parts, kind=None):
        call = call_with(parts, kind)
        call.principal, call.hold = Principal(tenant_id=tenant, key_id="k", admin=False), memory.hold
        return call

    async def nothing(_head, _chunks):
        return None

    def take(call):
        work = read_fields(call, body_limit_bytes=1000, upload_limit_bytes=1000, receive_file=nothing)
        with suppress(InvalidJson, InvalidMultipart):
            asyncio.run(work)

    slow, second, other = call_of("a", [b"x" * 100, b"y" * 60]), call_of("a", [b"z" * 60]), call_of("b", [b"x" * 60])
    take(slow)
    with pytest.raises(Overloaded):
        take(second)
    take(other)
    text = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n' + b"p" * 100 + b"\r\n--b--\r\n"
    with pytest.raises(Overloaded):
        take(call_of("c", [text], "multipart/form-data; boundary=b"))
    memory.release(second)
    memory.release(slow)
    take(call_of("a", [b"x" * 150]))
    assert slow.held_bytes == 0


def test_a_head_out_of_proportion_is_refused():
    for headers in ([(b"x", b"y" * 40_000)], [(b"x", b"y")] * 101):
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
        with pytest.raises(InvalidRequest):
            check_head(Call(scope, lambda: None))  # pyright: ignore[reportArgumentType]
