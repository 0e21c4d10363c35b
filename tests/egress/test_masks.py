# SPDX-License-Identifier: Apache-2.0
"""Keys that other servers repeat to us: masked in whatever form they come back, before anybody reads the answer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from tests.egress.conftest import Door
from tests.egress.other_server import Call, Reply, other_server, reply

from longtake.egress.access import Access
from longtake.egress.content import Wanted
from longtake.egress.download import Download
from longtake.egress.messages import Request
from longtake.egress.secrets import MASK, Secrets
from longtake.errors import LongtakeError
from longtake.settings import ProxySettings

CANARY = "canary-7d1f"
SECRET = 'canary/+7d1f "key"?'
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda key: quote(key, safe=""),
    "percent, but for the slash": quote,
    "percent in lower case": lambda key: re.sub("%..", lambda found: found[0].lower(), quote(key, safe="")),
    "a form's": quote_plus,
    "JSON": lambda key: json.dumps(key)[1:-1],
    "JSON of a PHP server": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "a user's password": lambda key: base64.b64encode(f"anna:{key}".encode()).decode(),
    "another user's": lambda key: base64.b64encode(f"berta:{key}".encode()).decode(),
    "the last one's": lambda key: base64.b64encode(f"claus-e:{key}".encode()).decode(),
    "base64 for URLs": lambda key: base64.urlsafe_b64encode(f"a:{key}:b".encode()).decode(),
}
PIECES = [SECRET[at : at + 4] for at in range(len(SECRET) - 3)]


def readings(text: str) -> list[str]:
    """A text, and each of its words as base64 says it."""
    words = [word + "A" * (-len(word) % 4) for word in re.split(r"[^A-Za-z0-9+/]", text.replace(MASK, " "))]
    return [text, *(base64.b64decode(word).decode("latin-1") for word in words)]


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_masked_in_every_form_and_nothing_else_is(form: str) -> None:
    secrets = Secrets(SECRET)
    shown = FORMS[form](SECRET)
    text = f"the key {shown} is wrong: ask {shown}"
    masked = secrets.mask(text)
    assert masked == secrets.mask_bytes(text.encode()).decode()
    assert masked.startswith("the key ")
    assert masked.count(MASK) == 2
    assert not any(piece in left for left in readings(masked) for piece in PIECES)
    assert secrets.mask("nothing of it") == "nothing of it"
    assert SECRET not in repr(secrets)


def test_what_is_too_short_hides_nothing() -> None:
    assert Secrets("", "x", "short").mask("a short word: x") == "a short word: x"
    assert not Secrets("short")


@pytest.mark.anyio
async def test_what_comes_back_from_an_account_is_masked_and_its_own_url_still_works(
    door: Door, tmp_path: Path
) -> None:
    film = b"\x00\x00\x00\x18ftypisom" + bytes(100)

    def script(asked: Call) -> Reply:
        if "film" in asked.path:
            return reply(body=film) if CANARY in asked.path else reply(403)
        url = f"http://127.0.0.1:{port}/film?key={CANARY}"
        return reply(401, json.dumps({"error": f"no {CANARY}", "url": url}).encode(), x_key=CANARY)

    async with other_server(script) as server:
        port = server.port
        access = Access.to(server.url, headers={"Authorization": f"Key {CANARY}"})
        egress = door(server.port)
        answer = await egress.send(Request("GET", server.url), access)
        assert CANARY not in f"{answer}"
        assert answer.headers["x-key"] == MASK
        url = msgspec.json.decode(answer.body)["url"]
        assert url == f"http://127.0.0.1:{port}/film?key={MASK}"
        assert (await egress.send(Request("GET", url), access)).body == film
        with pytest.raises(LongtakeError, match="403"):
            await egress.fetch(Download(url=url, to=tmp_path / "a.mp4", wanted=Wanted.VIDEO, most_bytes=1000))
        assert (await egress.send(Request("GET", url), Access())).status == 403


@pytest.mark.anyio
async def test_a_proxy_that_repeats_its_password_is_masked(door: Door) -> None:
    def script(asked: Call) -> Reply:
        return reply(407, f"who is {asked.headers['proxy-authorization']}, {CANARY}?".encode())

    async with other_server(script) as server:
        proxies = ProxySettings(http=f"http://anna:{CANARY}@127.0.0.1:{server.port}")
        answer = await door(proxies=proxies).send(
            Request("GET", "http://198.51.99.1/"), Access.to("http://198.51.99.1/")
        )
    assert answer.status == 407
    assert base64.b64encode(CANARY.encode()).decode()[2:-2] not in str(answer.body)
    assert answer.body.decode().endswith(f", {MASK}?")


def test_a_key_of_before_has_a_mask_of_its_own_so_that_links_get_the_right_one_back() -> None:
    older = "sk-of-monday/Xq7Lm2"
    both = Secrets(SECRET).and_older(Secrets(older), "~key-0~")
    assert both.mask(f"{SECRET} {older}") == f"{MASK} ~key-0~"
    assert both.mask_bytes(f"{SECRET} {older}".encode()) == f"{MASK} ~key-0~".encode()
    for key in (SECRET, older):
        link = f"https://maker.example/film?key={quote(key, safe='')}"
        assert key not in both.mask(link)
        assert both.unmask(both.mask(link)) == link
    assert both.unmask("https://maker.example/~key-1~") == "https://maker.example/~key-1~"
    assert Secrets(SECRET).and_older(Secrets(), "~key-0~").unmask("/~key-0~") == "/~key-0~"
