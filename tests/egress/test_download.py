# SPDX-License-Identifier: Apache-2.0
"""Downloads: whole, hashed and what they claim to be, or nothing at all."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import re
import resource
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from tests.egress.conftest import QUICK, Door, is_here, names_in, until
from tests.egress.other_server import Call, OtherServer, Reply, other_server, reply

from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.egress.content import Wanted
from longtake.egress.download import PROGRESS_BYTES, Download, Downloaded
from longtake.egress.guard import Guard
from longtake.errors import DownloadFailed, LimitExceeded, LongtakeError, StoreFull, UrlRefused

pytestmark = pytest.mark.anyio

SAMPLE = files("longtake.catalog").joinpath("sample.mp4").read_bytes()
ETAG = '"v1"'
WEBM = b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an MP4."""
    return (8 + len(content)).to_bytes(4) + kind + content


LONG = (
    box(b"ftyp", b"isom\x00\x00\x02\x00isom") + box(b"moov", bytes(1000)) + box(b"mdat", os.urandom(4 * PROGRESS_BYTES))
)
"""An MP4 by its boxes, larger than what is written at once."""


def order(server: OtherServer, folder: Path, **more: object) -> Download:
    """A download of a video from a server."""
    values = {"url": f"{server.url}/v.mp4?sig=canary", "to": folder / "v.mp4", "wanted": Wanted.VIDEO,
              "most_bytes": 64 << 20, "param": "video_url", **more}  # fmt: skip
    return Download(**values)  # pyright: ignore[reportArgumentType]


async def fetched(server: OtherServer, door: Door, folder: Path, **more: object) -> Downloaded:
    """The file, checked against what is on disk."""
    egress = door(server.port)
    found = await egress.fetch(order(server, folder, **more))
    content = found.path.read_bytes()
    assert (found.size_bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert names_in(folder) == [found.path.name], "no part is left"
    return found


async def refused(server: OtherServer, door: Door, folder: Path, **more: object) -> LongtakeError:
    """The error of a download that leaves nothing behind and says no URL."""
    with pytest.raises(LongtakeError) as failed:
        await door(server.port).fetch(order(server, folder, **more))
    assert names_in(folder) == []
    assert "canary" not in failed.value.message
    assert "://" not in failed.value.message
    return failed.value


def ranged(content: bytes, *cuts: int, etag: str = ETAG) -> Callable[[Call], Reply]:
    """Serves ranges; the nth answer breaks off after `cuts[n]` bytes of it."""

    def script(call: Call) -> Reply:
        asked = re.fullmatch(r"bytes=(\d+)-", call.headers.get("range", ""))
        is_same = etag and call.headers.get("if-range") == etag
        start = int(asked[1]) if asked and is_same else 0
        body = content[start:]
        part = f"bytes {start}-{len(content) - 1}/{len(content)}" if start else ""
        is_cut = call.number < len(cuts)
        sent = body[: cuts[call.number]] if is_cut else body
        said = reply(206 if start else 200, sent, content_length=str(len(body)), etag=etag, content_range=part)
        return replace(said, lingers_s=0.15 if is_cut else 0)

    return script


async def test_a_video_is_fetched_and_hashed(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(body=SAMPLE)) as server:
        found = await fetched(server, door, tmp_path)
        assert found.path.read_bytes() == SAMPLE
        assert server.calls[0].path == "/v.mp4?sig=canary"


async def test_chunked_and_unmeasured_answers_are_taken(door: Door, tmp_path: Path) -> None:
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (LONG[:1], LONG[1:70_000], LONG[70_000:], b""))
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    for raw in (head + chunked, b"HTTP/1.1 200 OK\r\n\r\n" + LONG):
        async with other_server(Reply(raw)) as server:
            assert (await fetched(server, door, tmp_path)).path.read_bytes() == LONG
        (tmp_path / "v.mp4").unlink()


async def test_an_existing_file_is_replaced_only_by_a_whole_one(door: Door, tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"old")
    async with other_server(reply(404)) as server:
        with pytest.raises(DownloadFailed) as failed:
            await door(server.port).fetch(order(server, tmp_path))
        assert (failed.value.upstream_status, failed.value.param) == (404, "video_url")
    assert (tmp_path / "v.mp4").read_bytes() == b"old"
    async with other_server(reply(body=SAMPLE)) as server:
        await fetched(server, door, tmp_path)


async def test_redirects_are_followed_to_the_file(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(body=SAMPLE)) as cdn, other_server(reply(302, location=f"{cdn.url}/x?s=1")) as server:
        await door(server.port, cdn.port).fetch(order(server, tmp_path))
        assert cdn.calls[0].path == "/x?s=1"


async def test_a_drop_is_resumed_where_it_broke_off(door: Door, tmp_path: Path) -> None:
    async with other_server(ranged(LONG, 100_000, 2 * PROGRESS_BYTES, 1)) as server:
        assert (await fetched(server, door, tmp_path)).path.read_bytes() == LONG
        asked = [(call.headers.get("range"), call.headers.get("if-range")) for call in server.calls]
    first, second = 100_000, 100_000 + 2 * PROGRESS_BYTES
    assert asked == [
        (None, None), (f"bytes={first}-", ETAG), (f"bytes={second}-", ETAG), (f"bytes={second + 1}-", ETAG)
    ]  # fmt: skip


async def test_a_stall_is_resumed(door: Door, tmp_path: Path) -> None:
    script = ranged(LONG, 100_000)
    async with other_server(lambda call: replace(script(call), hangs=call.number == 0)) as server:
        assert (await fetched(server, door, tmp_path)).path.read_bytes() == LONG
        assert len(server.calls) == 2


@pytest.mark.parametrize("etag", ["", 'W/"v1"', "v1", '"v1'])
async def test_without_a_strong_etag_it_begins_anew(etag: str, door: Door, tmp_path: Path) -> None:
    async with other_server(ranged(LONG, 100_000, etag=etag)) as server:
        assert (await fetched(server, door, tmp_path)).path.read_bytes() == LONG
        assert [call.headers.get("range") for call in server.calls] == [None, None]


async def test_a_file_that_changed_meanwhile_is_not_joined(door: Door, tmp_path: Path) -> None:
    before, after = ranged(LONG, 100_000, etag='"old"'), ranged(SAMPLE, etag='"new"')
    async with other_server(lambda call: (before if call.number == 0 else after)(call)) as server:
        assert (await fetched(server, door, tmp_path)).path.read_bytes() == SAMPLE


@pytest.mark.parametrize(
    "content_range",
    ["bytes 0-9/10", f"bytes 100001-{len(LONG) - 1}/{len(LONG)}", f"bytes 100000-7/{len(LONG) + 1}", ""],
)
async def test_another_part_than_was_asked_for_is_not_joined(content_range: str, door: Door, tmp_path: Path) -> None:
    script = ranged(LONG, 100_000)

    def lying(call: Call) -> Reply:
        return reply(206, LONG[100_000:], content_range=content_range) if call.number == 1 else script(call)

    async with other_server(lying) as server:
        assert (await fetched(server, door, tmp_path)).path.read_bytes() == LONG
        assert [call.headers.get("range") for call in server.calls] == [None, "bytes=100000-", None]


async def test_a_range_that_is_refused_begins_anew(door: Door, tmp_path: Path) -> None:
    script = ranged(LONG, 100_000)
    async with other_server(lambda call: reply(416) if call.number == 1 else script(call)) as server:
        assert (await fetched(server, door, tmp_path)).path.read_bytes() == LONG


async def test_a_part_that_was_not_asked_for_is_no_file(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(206, SAMPLE, content_range=f"bytes 0-{len(SAMPLE) - 1}/99999999")) as server:
        error = await refused(server, door, tmp_path)
    assert isinstance(error, DownloadFailed)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_trouble_is_waited_out(status: int, door: Door, tmp_path: Path) -> None:
    async with other_server(lambda call: reply(status) if call.number < 2 else reply(body=SAMPLE)) as server:
        await fetched(server, door, tmp_path)


async def test_a_server_that_only_drops_is_given_up(door: Door, tmp_path: Path) -> None:
    async with other_server(ranged(LONG, *[1000] * 50)) as server:
        error = await refused(server, door, tmp_path)
        assert isinstance(error, DownloadFailed)
        assert "broke off" in error.message
        assert len(server.calls) == 4


async def test_the_whole_download_has_an_end(door: Door, tmp_path: Path) -> None:
    """It makes progress all the time, too slowly."""
    body = LONG * 40
    script = ranged(body, *[PROGRESS_BYTES] * 500)

    async def slow(call: Call) -> Reply:
        await asyncio.sleep(0.2)
        return script(call)

    async with other_server(slow) as server:
        egress = door(server.port, limits=replace(QUICK, download_s=0.7))
        async with asyncio.timeout(5):
            with pytest.raises(DownloadFailed):
                await egress.fetch(order(server, tmp_path, most_bytes=1 << 30))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_is_cut_off(*, announced: bool, door: Door, tmp_path: Path) -> None:
    length = str(len(LONG)) if announced else ""
    async with other_server(reply(body=LONG, content_length=length)) as server:
        error = await refused(server, door, tmp_path, most_bytes=len(LONG) - 1)
        assert isinstance(error, LimitExceeded)
        assert error.param == "video_url"
        await fetched(server, door, tmp_path, most_bytes=len(LONG))


async def test_a_length_that_promises_more_is_a_drop(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(body=SAMPLE, content_length=str(len(SAMPLE) + 1))) as server:
        assert "broke off" in (await refused(server, door, tmp_path)).message


@pytest.mark.parametrize("is_all_sent", [False, True])
async def test_a_length_that_promises_less_is_found_out(*, is_all_sent: bool, door: Door, tmp_path: Path) -> None:
    for short in (1, len(SAMPLE) // 2, len(SAMPLE) - 40):
        body = SAMPLE if is_all_sent else SAMPLE[:-short]
        async with other_server(reply(body=body, content_length=str(len(SAMPLE) - short))) as server:
            error = await refused(server, door, tmp_path)
        assert isinstance(error, DownloadFailed)
        assert is_all_sent or "cut off" in error.message


async def test_what_stands_behind_the_last_box_does_no_harm(door: Door, tmp_path: Path) -> None:
    for rest in (b"\0" * 7, b"\0" * 64, b"ID3 a tag of some editor"):
        async with other_server(reply(body=SAMPLE + rest)) as server:
            await fetched(server, door, tmp_path)
        (tmp_path / "v.mp4").unlink()


NOT_VIDEOS = {
    "nothing": (b"", "empty"),
    "JSON": (b'{"error": {"message": "canary expired"}}', "JSON"),
    "JSON with a mark": (b'\xef\xbb\xbf \n[{"canary": 1}]', "JSON"),
    "JSON in UTF-16": ('{"error": "canary"}'.encode("utf-16"), "JSON"),
    "HTML": (b"<!DOCTYPE html><html><body>canary</body></html>", "HTML"),
    "HTML late": (b"\n\n  <HTML><body>canary" + b"x" * 100_000, "HTML"),
    "XML": (b'<?xml version="1.0"?><Error><Code>AccessDenied canary</Code></Error>', "XML"),
    "bare XML": (b"<Error>canary</Error>", "XML"),
    "text": (b"The canary link has expired.", "text"),
    "Chinese text": ("链接已过期" * 200).encode() + b"...",
    "playlist": (b"#EXTM3U\n#EXT-X-VERSION:3\n", "playlist"),
    "PNG": (PNG, "picture"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(2000), "picture"),
    "AVIF": (box(b"ftyp", b"avif\0\0\0\0avif") + bytes(2000), "picture"),
}


@pytest.mark.parametrize("name", NOT_VIDEOS)
@pytest.mark.parametrize("kind", ["video/mp4", "application/octet-stream"])
async def test_what_is_no_video_is_a_fault_whatever_it_is_called(
    name: str, kind: str, door: Door, tmp_path: Path
) -> None:
    content = NOT_VIDEOS[name]
    body, word = content if isinstance(content, tuple) else (content, "text")
    async with other_server(reply(body=body, Content_Type=kind)) as server:
        error = await refused(server, door, tmp_path)
        assert isinstance(error, DownloadFailed)
        assert word in error.message
        assert "a video was due" in error.message
        assert len(server.calls) == 1, "it would be the same again"


@pytest.mark.parametrize(
    ("wanted", "body"),
    [
        (Wanted.VIDEO, WEBM),
        (Wanted.VIDEO, b"RIFF\x00\x00\x01\x00AVI LIST" + bytes(3000)),
        (Wanted.VIDEO, b"\x47\x40\x00\x10" + bytes(range(256)) * 10),
        (Wanted.PICTURE, PNG),
        (Wanted.PICTURE, b"RIFF\x00\x00\x01\x00WEBPVP8 " + bytes(3000)),
        (Wanted.PICTURE, box(b"ftyp", b"avif\0\0\0\0avif") + bytes(2000)),
    ],
)
async def test_other_kinds_pass_to_be_probed(wanted: Wanted, body: bytes, door: Door, tmp_path: Path) -> None:
    async with other_server(reply(body=body, content_type="text/html")) as server:
        await fetched(server, door, tmp_path, wanted=wanted)


async def test_a_video_is_no_picture(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(body=SAMPLE)) as server:
        assert "a picture was due" in (await refused(server, door, tmp_path, wanted=Wanted.PICTURE)).message


async def test_a_file_that_came_compressed_is_unpacked_within_its_limit(door: Door, tmp_path: Path) -> None:
    """Stores keep files as they were sent to them, and send those with their Content-Encoding to everybody."""
    packed = gzip.compress(SAMPLE)
    async with other_server(reply(body=packed, Content_Encoding="gzip", ETag=ETAG)) as server:
        found = await fetched(server, door, tmp_path)
        assert found.sha256 == hashlib.sha256(SAMPLE).hexdigest()
        assert server.calls[0].headers["accept-encoding"] == "identity"
    bomb, empty = gzip.compress(SAMPLE[:1000] + bytes(50 << 20)), tmp_path / "empty"
    empty.mkdir()
    async with other_server(reply(body=bomb, Content_Encoding="gzip")) as server:
        assert isinstance(await refused(server, door, empty, most_bytes=1 << 20), LimitExceeded)
    async with other_server(reply(body=bomb, Content_Encoding="br")) as server:
        assert "compressed" in (await refused(server, door, empty)).message


async def test_a_compressed_file_that_breaks_off_begins_anew(door: Door, tmp_path: Path) -> None:
    """Its parts are counted in compressed bytes, which the file here has not."""
    packed = gzip.compress(LONG, compresslevel=1)

    def script(call: Call) -> Reply:
        sent = reply(body=packed, Content_Encoding="gzip", ETag=ETAG)
        return sent if call.number else Reply(sent.raw[: len(packed) // 2], lingers_s=0.2)

    async with other_server(script) as server:
        found = await fetched(server, door, tmp_path)
        assert found.sha256 == hashlib.sha256(LONG).hexdigest()
        assert ["range" in call.headers for call in server.calls] == [False, False]


async def test_what_a_proxy_has_changed_on_the_way_is_a_file_too(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(203, SAMPLE)) as server:
        assert (await fetched(server, door, tmp_path)).size_bytes == len(SAMPLE)


async def test_the_key_goes_along_to_its_own_origin_only_and_when_asked(door: Door, tmp_path: Path) -> None:
    async with other_server(reply(body=SAMPLE)) as cdn:

        def script(call: Call) -> Reply:
            return reply(302, location=f"{cdn.url}/x") if call.number == 2 else reply(body=SAMPLE)

        async with other_server(script) as own:
            access = Access.to(own.url, headers={"Authorization": "Bearer canary"})
            egress = door(cdn.port)
            await egress.fetch(order(own, tmp_path, access=access))
            await egress.fetch(order(own, tmp_path, access=access, with_key=True))
            await egress.fetch(order(own, tmp_path, access=access, with_key=True))
            await egress.fetch(order(cdn, tmp_path, access=access, with_key=True))
        assert ["authorization" in call.headers for call in own.calls] == [False, True, True]
        assert ["authorization" in call.headers for call in cdn.calls] == [False, False]


async def test_a_caller_who_leaves_leaves_no_part(door: Door, tmp_path: Path) -> None:
    async with other_server(replace(reply(body=LONG[:-1], content_length=str(len(LONG))), hangs=True)) as server:
        egress = door(server.port, limits=replace(QUICK, stall_s=60))
        running = asyncio.create_task(egress.fetch(order(server, tmp_path)))
        await until(lambda: any(path.stat().st_size > PROGRESS_BYTES for path in tmp_path.iterdir()))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert names_in(tmp_path) == []


async def test_a_download_that_pauses_while_the_door_closes_ends(tmp_path: Path) -> None:
    async with other_server(reply(503)) as server:
        guard = Guard(ports=frozenset({server.port}), is_open=is_here)
        egress = Egress(guard=guard, limits=replace(QUICK, pause_s=6.0))
        running = asyncio.create_task(egress.fetch(order(server, tmp_path)))
        await until(lambda: bool(server.calls))
        await egress.close()
        async with asyncio.timeout(8):
            with pytest.raises(DownloadFailed):
                await running
        assert len(server.calls) == 1
    assert names_in(tmp_path) == []


async def test_a_full_disk_is_our_fault_and_said_so(door: Door, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with other_server(reply(body=LONG)) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (PROGRESS_BYTES, hard))  # Python ignores SIGXFSZ
        try:
            error = await refused(server, door, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(error, StoreFull)
    assert error.param is None


async def test_a_url_that_is_none_is_refused_by_its_field(door: Door, tmp_path: Path) -> None:
    async with other_server(reply()) as server:
        error = await refused(server, door, tmp_path, url="file:///etc/passwd?canary")
        assert isinstance(error, UrlRefused)
        assert error.param == "video_url"
        assert server.connections == 0


def peak_from_here_kib() -> int:
    """Forget the most memory this process held before now. What it holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_kib()


def peak_kib() -> int:
    """The most memory this process held."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1])


async def test_memory_stays_small_while_much_arrives(door: Door, tmp_path: Path) -> None:
    body = box(b"ftyp", b"isom\x00\x00\x02\x00isom") + box(b"moov", bytes(1000)) + box(b"mdat", bytes(96 << 20))
    async with other_server(reply(body=body)) as server:
        before_kib = peak_from_here_kib()
        await door(server.port).fetch(order(server, tmp_path, most_bytes=1 << 30))
        grown_kib = peak_kib() - before_kib
    # The server of this process holds the answer twice at most: head and body joined, and what the kernel did not take.
    assert grown_kib < 2.5 * len(body) / 1024
