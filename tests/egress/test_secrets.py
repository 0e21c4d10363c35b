# SPDX-License-Identifier: Apache-2.0
"""No key, no URL and no header shows in an error, its causes, a log line, or the text of a value."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path

import pytest
from tests.egress.conftest import Door
from tests.egress.names import Names
from tests.egress.other_server import Reply, Script, other_server, reply

from longtake.egress.access import Access
from longtake.egress.content import Wanted
from longtake.egress.download import Download
from longtake.egress.hop import Hop
from longtake.egress.messages import Request
from longtake.egress.target import parse
from longtake.errors import LongtakeError
from longtake.settings import ProxySettings

CANARY = "canary-7d1f"
KEY = {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY}
TROUBLES: dict[str, Script] = {
    "closes": lambda _: Reply(b""),
    "hangs": lambda _: Reply(b"", hangs=True),
    "breaks off": lambda _: reply(body=CANARY.encode(), content_length="100"),
    "speaks no HTTP": lambda _: Reply(f"{CANARY}\r\n\r\n".encode()),
    "bad header": lambda _: Reply(f"HTTP/1.1 200 OK\r\n{CANARY}\x00: x\r\n\r\n".encode()),
    "long header": lambda _: Reply(f"HTTP/1.1 200 OK\r\nx: {CANARY * 5000}\r\n\r\n".encode()),
    "redirects inside": lambda _: reply(302, location=f"http://10.0.0.1/{CANARY}"),
    "redirects to nothing": lambda _: reply(302, location=f"http://[{CANARY}"),
    "redirects to a scheme": lambda _: reply(302, location=f"ftp://{CANARY}/"),
    "redirects for ever": lambda _: reply(302, location=f"/{CANARY}"),
    "compressed": lambda _: reply(body=CANARY.encode(), content_encoding="gzip"),
    "refuses": lambda _: reply(403, CANARY.encode(), x_reason=CANARY),
    "fails": lambda _: reply(500, CANARY.encode()),
    "JSON": lambda _: reply(body=b'{"error": "' + CANARY.encode() + b'"}'),
    "HTML": lambda _: reply(body=b"<html>" + CANARY.encode()),
}


def told(error: BaseException) -> str:
    """All that a careless log could show of an error: its words, its fields, and those of every error behind it."""
    found: list[str] = []
    behind: BaseException | None = error
    while behind is not None:
        found += [str(behind), repr(behind), repr(vars(behind)), repr(behind.args)]
        behind = behind.__cause__ or behind.__context__
    return "\n".join([*found, *traceback.format_exception(error)])


@pytest.mark.anyio
@pytest.mark.parametrize("name", TROUBLES)
async def test_no_trouble_tells_a_secret(
    name: str, door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    async with other_server(TROUBLES[name]) as server:
        access = Access.to(server.url, headers=KEY)
        egress = door(server.port)
        url = f"{server.url}/{CANARY}?sig={CANARY}"
        calls = [
            egress.send(Request(method, url, {"X-Own": CANARY}, json={"prompt": CANARY}), access)
            for method in ("GET", "POST")
        ]
        calls += [
            egress.fetch(
                Download(
                    url=url, to=tmp_path / "v.mp4", wanted=Wanted.VIDEO, most_bytes=1000, access=who, with_key=True
                )
            )
            for who in (access, Access())
        ]
        errors = [said for said in await asyncio.gather(*calls, return_exceptions=True) if isinstance(said, Exception)]
    assert len(errors) >= 2
    for error in errors:
        assert isinstance(error, LongtakeError)
        assert CANARY not in told(error)
        assert "://" not in error.message
    assert CANARY not in caplog.text


@pytest.mark.anyio
async def test_no_way_of_not_arriving_tells_a_secret(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    proxies = ProxySettings(http=f"http://anna:{CANARY}@127.0.0.1:1")
    for egress in (door(names=Names()), door(names=Names(), proxies=proxies)):
        for host in ("unknown.example", "127.0.0.1:1", "[::1]:1"):
            url = f"http://{host}/{CANARY}"
            with pytest.raises(LongtakeError) as failed:
                await egress.send(Request("GET", url), Access.to(url, headers=KEY))
            assert CANARY not in told(failed.value)
    assert CANARY not in caplog.text


def test_values_do_not_show_what_they_keep() -> None:
    url = f"http://a.example/{CANARY}?sig={CANARY}"
    hop = Hop(method="GET", target=parse(url), headers=KEY, is_own=True, may_repeat=False, silence_s=1, deadline=1)
    download = Download(url=url, to=Path("/x"), wanted=Wanted.VIDEO, most_bytes=1, access=Access.to(url, headers=KEY))
    for value in (hop, download, Access.to(url, headers=KEY), parse(url), ProxySettings(http=url, https=url)):
        assert CANARY not in f"{value} {value!r}"
