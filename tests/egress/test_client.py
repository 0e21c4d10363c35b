# SPDX-License-Identifier: Apache-2.0
"""Calls: what is sent, how often, to whom the key goes, and what is known when it fails."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

import msgspec
import pytest
from tests.egress.conftest import QUICK, Door, until
from tests.egress.names import Names
from tests.egress.other_server import Call, Reply, other_server, reply

from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.egress.connections import BRIEFLY_S, SETTLED_S
from longtake.egress.messages import FilePart, Request, TextPart
from longtake.errors import BadUpstreamAnswer, LongtakeError, MaybeSent, NotSent, UrlRefused

pytestmark = pytest.mark.anyio

KEY = {"Authorization": "Bearer canary-key"}
IMPATIENT = replace(QUICK, connect_s=0.5, silence_s=0.3)
"""Where nothing is to come."""


async def test_json_goes_and_comes(door: Door) -> None:
    async with other_server(reply(201, b'{"id": 1}', X_Request_Id="r1")) as server:
        access = Access.to(f"{server.url}/v1", headers=KEY)
        request = Request("POST", f"{server.url}/v1/videos?a=%2B", {"X-Own": "ü"}, json={"prompt": "a cat", "n": [1]})
        answer = await door().send(request, access)
    assert (answer.status, answer.json(), answer.headers["x-request-id"]) == (201, {"id": 1}, "r1")
    (call,) = server.calls
    assert (call.method, call.path) == ("POST", "/v1/videos?a=%2B")
    assert msgspec.json.decode(call.body) == {"prompt": "a cat", "n": [1]}
    sent = {name: call.headers[name] for name in ("authorization", "content-type", "accept-encoding", "host")}
    assert sent == {
        "authorization": "Bearer canary-key",
        "content-type": "application/json",
        "accept-encoding": "identity",
        "host": f"127.0.0.1:{server.port}",
    }
    assert call.headers["user-agent"].startswith("longtake/")


async def test_forms_and_files_are_read_from_disk(door: Door, tmp_path: Path) -> None:
    video = tmp_path / "in.mp4"
    video.write_bytes(b"\x00video" * 50_000)
    async with other_server(reply()) as server:
        access = Access.to(server.url)
        parts = (TextPart("prompt", "ein Kätzchen"), FilePart("video", video, 'a "b".mp4', "video/mp4"))
        await door().send(Request("POST", server.url, parts=parts), access)
        await door().send(Request("PUT", server.url, {"Content-Type": "video/mp4"}, file=video), access)
    form, raw = server.calls
    message = BytesParser().parsebytes(
        b"Content-Type: " + form.headers["content-type"].encode() + b"\r\n\r\n" + form.body
    )
    prompt, file = (part for part in message.walk() if not part.is_multipart())
    assert prompt.get_payload(decode=True) == "ein Kätzchen".encode()
    assert (file.get_content_type(), file.get_payload(decode=True)) == ("video/mp4", video.read_bytes())
    assert (raw.body, raw.headers["content-type"]) == (video.read_bytes(), "video/mp4")
    assert raw.headers["content-length"] == str(video.stat().st_size)


async def test_a_pause_that_is_named_without_a_date_is_dated_on_arrival(door: Door) -> None:
    """Retry-After as a date is nothing without one (RFC 9110, 6.6.1); the server's own stays."""
    own, until = "Fri, 27 Nov 2026 12:00:00 GMT", "Fri, 27 Nov 2026 12:00:09 GMT"
    silent_reply, telling_reply = reply(Retry_After=until), reply(Date=own, Retry_After=until)
    async with other_server(silent_reply) as silent, other_server(telling_reply) as telling:
        dated = await door().send(Request("GET", silent.url), Access.to(silent.url))
        assert abs((parsedate_to_datetime(dated.headers["date"]) - datetime.now(UTC)).total_seconds()) < 30
        assert (await door().send(Request("GET", telling.url), Access.to(telling.url))).headers["date"] == own


async def test_a_form_of_texts_alone_is_a_form_too(door: Door) -> None:
    """Servers that say multipart read nothing else."""
    async with other_server(reply()) as server:
        await door().send(Request("POST", server.url, parts=(TextPart("prompt", "a cat"),)), Access.to(server.url))
    (form,) = server.calls
    assert form.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="prompt"' in form.body


async def test_a_file_that_is_gone_is_not_sent(door: Door, tmp_path: Path) -> None:
    async with other_server(reply()) as server:
        with pytest.raises(NotSent, match="cannot be read"):
            await door().send(Request("PUT", server.url, file=tmp_path / "gone"), Access.to(server.url))
        assert server.connections == 0


@pytest.mark.parametrize("status", [204, 400, 401, 404, 429, 500, 503])
async def test_any_status_is_an_answer(status: int, door: Door) -> None:
    """What it means is the adapter's business, also for calls that may be repeated."""
    async with other_server(reply(status, b"" if status == 204 else b"{}", Retry_After="3")) as server:
        answer = await door().send(Request("GET", server.url, may_repeat=True), Access.to(server.url))
        assert (answer.status, answer.headers["retry-after"], len(server.calls)) == (status, "3", 1)


async def test_the_key_goes_to_the_providers_own_origin_only(door: Door) -> None:
    async with other_server(reply()) as own, other_server(reply()) as foreign:
        egress = door(own.port, foreign.port)
        access = Access.to(own.url, headers=KEY)
        await egress.send(Request("GET", own.url), access)
        await egress.send(Request("GET", own.url, with_key=False), access)
        await egress.send(Request("GET", foreign.url), access)
        await egress.send(
            Request("GET", f"http://localhost:{own.port}/"), Access.to(f"http://localhost:{foreign.port}")
        )
    assert ["authorization" in call.headers for call in own.calls] == [True, False, False]
    assert ["authorization" in call.headers for call in foreign.calls] == [False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_key_and_no_secret_header_crosses_a_redirect(status: int, door: Door) -> None:
    async with other_server(reply(body=b"{}")) as foreign:

        def script(call: Call) -> Reply:
            location = "/same" if call.number == 0 else f"{foreign.url}/cdn"
            return reply(status, location=location)

        async with other_server(script) as own:
            access = Access.to(own.url, headers={**KEY, "X-Api-Key": "canary-key"})
            request = Request("GET", own.url, {"X-Secret": "canary-header", "Accept": "video/*", "Cookie": "canary=1"})
            assert (await door(foreign.port).send(request, access)).body == b"{}"
    first, same = own.calls
    assert first.headers["authorization"] == KEY["Authorization"]
    for call in (same, *foreign.calls):
        assert "canary" not in str(call.headers)
        assert call.headers["accept"] == "video/*"
    assert len(foreign.calls) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_what_changes_something_follows_no_redirect(method: str, door: Door) -> None:
    async with other_server(reply(307, location="/elsewhere")) as server:
        answer = await door().send(Request(method, server.url, json={"a": 1}), Access.to(server.url, headers=KEY))
        assert (answer.status, answer.headers["location"], len(server.calls)) == (307, "/elsewhere", 1)


async def test_redirects_end_after_five(door: Door) -> None:
    async with other_server(lambda call: reply(302, location=f"/{call.number + 1}")) as server:
        with pytest.raises(BadUpstreamAnswer, match="more than 5 times"):
            await door(server.port).send(Request("GET", server.url))
        assert len(server.calls) == 6


@pytest.mark.parametrize("may_repeat", [True, False])
async def test_cookies_are_not_kept(*, may_repeat: bool, door: Door) -> None:
    async with other_server(reply(body=b"{}", Set_Cookie="tenant=anna; Path=/")) as server:
        egress = door(names=Names(provider_example=[["127.0.0.1"]]))  # a jar keeps cookies of names only
        url = f"http://provider.example:{server.port}"
        for _ in range(2):
            await egress.send(Request("GET", url, may_repeat=may_repeat), Access.to(url))
        assert [call.headers.get("cookie") for call in server.calls] == [None, None]


def closing(_: Call) -> Reply:
    return Reply(b"")


def silent(_: Call) -> Reply:
    return Reply(b"", hangs=True)


def broken(_: Call) -> Reply:
    return reply(body=b'{"id": 1', content_length="100")


def stuck(_: Call) -> Reply:
    return Reply(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id"', hangs=True)


def gibberish(_: Call) -> Reply:
    return Reply(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


@pytest.mark.parametrize("script", [closing, silent, broken, stuck, gibberish])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_what_may_have_arrived_is_sent_once_and_said_so(method: str, script, door: Door) -> None:
    async with other_server(script) as server:
        with pytest.raises(MaybeSent):
            await door(limits=IMPATIENT).send(Request(method, server.url, json={"a": 1}), Access.to(server.url))
        assert len(server.calls) == 1


@pytest.mark.parametrize("script", [closing, silent, broken, stuck])
async def test_what_may_be_repeated_is_and_gets_its_answer(script, door: Door) -> None:
    def twice(call: Call) -> Reply:
        return script(call) if call.number < 2 else reply(body=b"{}")

    async with other_server(twice) as server:
        request = Request("POST", server.url, json={"a": 1}, may_repeat=True)
        answer = await door(limits=IMPATIENT).send(request, Access.to(server.url))
        assert (answer.body, len(server.calls)) == (b"{}", 3)
        assert {call.body for call in server.calls} == {b'{"a":1}'}


async def test_repeating_ends(door: Door) -> None:
    async with other_server(closing) as server:
        with pytest.raises(MaybeSent):
            await door().send(Request("GET", server.url, may_repeat=True), Access.to(server.url))
        assert len(server.calls) == QUICK.attempts


async def test_a_file_is_sent_whole_each_time(door: Door, tmp_path: Path) -> None:
    video = tmp_path / "in.mp4"
    video.write_bytes(bytes(300_000))
    async with other_server(lambda call: Reply(b"") if call.number == 0 else reply()) as server:
        request = Request("PUT", server.url, file=video, may_repeat=True)
        assert (await door().send(request, Access.to(server.url))).status == 200
        assert [len(call.body) for call in server.calls] == [300_000, 300_000]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_what_surely_did_not_arrive_is_said_so(door: Door) -> None:
    port = free_port()
    names = Names(known_example=[["127.0.0.1"]])
    egress = door(names=names)
    for url in (f"http://127.0.0.1:{port}/", f"http://known.example:{port}/", "http://unknown.example/"):
        with pytest.raises(NotSent) as failed:
            await egress.send(Request("POST", url, json={}), Access.to(url))
        assert "://" not in failed.value.message
    async with other_server(reply(), greets=b"HTTP/1.1 400 Bad Request\r\n\r\n") as plain:
        url = f"https://127.0.0.1:{plain.port}/"
        with pytest.raises(NotSent, match="TLS"):
            await egress.send(Request("POST", url, json={}), Access.to(url))
        assert plain.calls == []


async def test_a_host_that_takes_no_connection_is_given_up_in_time(door: Door) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        filling = [socket.socket() for _ in range(4)]
        for one in filling:  # the queue of an accept that never comes
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        await asyncio.sleep(0.05)
        try:
            async with asyncio.timeout(2 * IMPATIENT.connect_s + 2):
                with pytest.raises(NotSent, match="in time"):
                    await door(limits=IMPATIENT).send(Request("POST", url, json={}), Access.to(url))
        finally:
            for one in filling:
                one.close()


async def test_the_whole_call_has_an_end(door: Door) -> None:
    async with other_server(Reply(b"HTTP/1.1 200 OK\r\n\r\nx", hangs=True)) as server:
        egress = door(limits=replace(QUICK, silence_s=60, call_s=0.5))
        async with asyncio.timeout(5):
            with pytest.raises(MaybeSent, match="in time"):
                await egress.send(Request("GET", server.url, may_repeat=True), Access.to(server.url))


@pytest.mark.parametrize("announced", [True, False])
async def test_an_endless_answer_is_cut(*, announced: bool, door: Door) -> None:
    body = bytes(QUICK.answer_bytes + 1)
    async with other_server(reply(body=body, content_length=str(len(body)) if announced else "")) as server:
        with pytest.raises(BadUpstreamAnswer, match="LONGTAKE_MAX_ANSWER_BYTES"):
            await door().send(Request("GET", server.url), Access.to(server.url))
    async with other_server(reply(body=body[:-1])) as server:
        assert len((await door().send(Request("GET", server.url), Access.to(server.url))).body) == QUICK.answer_bytes


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
async def test_an_answer_that_is_packed_strangely_is_refused(encoding: str, door: Door) -> None:
    async with other_server(reply(body=gzip.compress(b"{}"), Content_Encoding=encoding)) as server:
        with pytest.raises(BadUpstreamAnswer, match="compressed"):
            await door().send(Request("GET", server.url), Access.to(server.url))


def packed(body: bytes, encoding: str) -> bytes:
    if "gzip" in encoding:
        return gzip.compress(body)
    return zlib.compress(body)[2:-4] if encoding == "raw" else zlib.compress(body)


@pytest.mark.parametrize("encoding", ["gzip", "X-GZIP", "deflate", "raw"])
@pytest.mark.parametrize("body", [b"", b'{"id": "op:1"}', bytes(range(256)) * 4000], ids=["empty", "short", "long"])
async def test_an_answer_that_came_compressed_unasked_is_read(encoding: str, body: bytes, door: Door) -> None:
    """Some relays compress whatever is asked: the answer to a submit must not be lost over it, the job is paid for."""
    sent = reply(body=packed(body, encoding.lower()), Content_Encoding="deflate" if encoding == "raw" else encoding)
    async with other_server(sent) as server:
        got = await door().send(Request("POST", server.url), Access.to(server.url))
    assert got.body == body
    assert server.calls[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_unpacked_no_further_than_an_answer_may_be(encoding: str, door: Door) -> None:
    bomb = packed(bytes(200 << 20), encoding)
    async with other_server(reply(body=bomb, Content_Encoding=encoding)) as server:
        egress = door(limits=replace(QUICK, answer_bytes=1 << 20))
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(BadUpstreamAnswer, match="larger"):
            await egress.send(Request("GET", server.url), Access.to(server.url))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 16 << 10


@pytest.mark.parametrize("body", [gzip.compress(bytes(9000))[:-9], b"no gzip at all"], ids=["cut off", "no gzip"])
async def test_a_damaged_packing_is_an_answer_that_broke_off(body: bytes, door: Door) -> None:
    async with other_server(reply(body=body, Content_Encoding="gzip")) as server:
        with pytest.raises(MaybeSent):
            await door().send(Request("POST", server.url), Access.to(server.url))


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "deflate, chunked"])
async def test_a_compressed_transfer_is_not_unpacked(coding: str, door: Door) -> None:
    body = gzip.compress(bytes(10 << 20))
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = f"HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n".encode()
    async with other_server(Reply(head + (chunked if "chunked" in coding else body))) as server:
        with pytest.raises((BadUpstreamAnswer, MaybeSent)):
            await door().send(Request("GET", server.url), Access.to(server.url))


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"y" * 1_000_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"f" * 100_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_a_hostile_answer_is_one_of_our_errors(raw: bytes, door: Door) -> None:
    async with other_server(Reply(raw)) as server:
        with pytest.raises(MaybeSent):
            await door().send(Request("GET", server.url), Access.to(server.url))


@pytest.mark.parametrize("location", [b"/\xff\xfe", b"http://\xff.example/", b"http://[", b"http://a b/"])
async def test_a_hostile_redirect_is_one_of_our_errors(location: bytes, door: Door) -> None:
    raw = b"HTTP/1.1 302 Found\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n"
    async with other_server(Reply(raw)) as server:
        with pytest.raises(UrlRefused):
            await door().send(Request("GET", server.url), Access.to(server.url))


async def test_a_head_request_has_no_body(door: Door) -> None:
    async with other_server(Reply(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")) as server:
        answer = await door().send(Request("HEAD", server.url), Access.to(server.url))
        assert (answer.body, answer.headers["content-length"]) == (b"", "99999999999")


async def test_connections_to_providers_are_kept(door: Door) -> None:
    """For what must not be repeated only those that were used a moment ago."""
    async with other_server(lambda _: reply(body=b"{}", closes=False)) as server:
        egress = door()
        for _ in range(5):
            await egress.send(Request("GET", server.url, may_repeat=True), Access.to(server.url))
        assert server.connections == 1
        for _ in range(3):
            await egress.send(Request("POST", server.url, json={}), Access.to(server.url))
            await asyncio.sleep(SETTLED_S + 0.05)
        assert server.connections == 2, "another one than that of the calls that may be repeated"
        await asyncio.sleep(BRIEFLY_S + 0.05)
        await egress.send(Request("POST", server.url, json={}), Access.to(server.url))
        assert server.connections == 3


async def test_what_must_not_be_repeated_goes_out_on_no_connection_that_was_closed(door: Door) -> None:
    async with other_server(lambda _: reply(body=b"{}")) as server:  # it closes, and does not announce it
        egress = door()
        for number in range(1, 4):
            await egress.send(Request("POST", server.url, json={}), Access.to(server.url))
            assert (server.connections, len(server.calls)) == (number, number)


async def test_a_kept_connection_that_closes_on_a_call_leaves_it_unclear_and_unrepeated(door: Door) -> None:
    async with other_server(lambda call: reply(body=b"{}", closes=False) if call.number == 0 else Reply(b"")) as server:
        egress = door()
        await egress.send(Request("POST", server.url, json={}), Access.to(server.url))
        await asyncio.sleep(SETTLED_S + 0.05)
        with pytest.raises(MaybeSent):
            await egress.send(Request("POST", server.url, json={}), Access.to(server.url))
        assert (server.connections, len(server.calls)) == (1, 2)


async def test_an_answer_before_the_file_is_sent_whole_is_read(door: Door, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(8 << 20))

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\ncontent-length: 3\r\n\r\n")
        await writer.drain()
        await reader.read(1 << 20)  # aiohttp goes on reading the file meanwhile
        await asyncio.sleep(0.05)
        writer.write(b"key")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answer = await door().send(Request("PUT", url, file=large), Access.to(url))
        assert (answer.status, answer.body) == (401, b"key")


async def test_after_close_nothing_goes_out(door: Door) -> None:
    async with other_server(reply()) as server:
        egress = Egress(limits=QUICK)
        await egress.close()
        await egress.close()
        with pytest.raises(NotSent, match="shutting down"):
            await egress.send(Request("GET", server.url, may_repeat=True), Access.to(server.url))
        assert server.connections == 0


async def test_close_ends_calls_under_way(door: Door) -> None:
    async with other_server(silent) as server:
        egress = Egress(limits=QUICK)
        call = asyncio.create_task(egress.send(Request("POST", server.url), Access.to(server.url)))
        await until(lambda: bool(server.calls))
        async with asyncio.timeout(5):
            await egress.close()
            with pytest.raises(LongtakeError):
                await call


async def test_a_caller_who_leaves_takes_the_connection_along(door: Door) -> None:
    async with other_server(silent) as server:
        call = asyncio.create_task(door().send(Request("POST", server.url), Access.to(server.url)))
        await until(lambda: bool(server.calls))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "a\x00"])
async def test_a_header_cannot_be_broken_out_of(value: str, door: Door) -> None:
    async with other_server(reply()) as server:
        for request, access in (
            (Request("GET", server.url, {"X-A": value}), Access.to(server.url)),
            (Request("GET", server.url), Access.to(server.url, headers={"Authorization": value})),
        ):
            with pytest.raises(NotSent, match="header"):
                await door().send(request, access)
        assert server.calls == []


async def test_an_operators_url_must_be_one() -> None:
    with pytest.raises(UrlRefused):
        Access.to("127.0.0.1:9001")


async def test_hosts_of_files_are_reached_though_private_and_never_get_the_key(door: Door) -> None:
    """Nor the key that was masked in a URL of theirs."""
    headers = {"Authorization": "Bearer canary-7d1f"}
    async with other_server(reply(body=b"file")) as files, other_server(reply(body=b"own")) as own:
        access = Access.to(own.url, headers=headers, file_hosts=[files.url.removeprefix("http://")])
        egress = door(real=True)
        assert (await egress.send(Request("GET", f"{files.url}/v.mp4?t=~key~"), access)).body == b"file"
        assert (await egress.send(Request("GET", f"{own.url}/v.mp4?t=~key~"), access)).body == b"own"
        with pytest.raises(UrlRefused):
            await egress.send(Request("GET", files.url), Access.to(own.url, headers=headers))
    assert "authorization" not in files.calls[0].headers
    assert files.calls[0].path.endswith("~key~")
    assert own.calls[0].headers["authorization"] == "Bearer canary-7d1f"
    assert own.calls[0].path.endswith("canary-7d1f")
