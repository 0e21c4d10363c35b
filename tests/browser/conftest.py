# SPDX-License-Identifier: Apache-2.0
"""Chromium as a visitor of the studio: signed in, with everything noted that the page complains of or asks for."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import av
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.acceptance.conftest import ADMIN_KEY, Launch, Server, launch
from tests.acceptance.quick_home import quick_home

import longtake

__all__ = ["launch"]

SCREENSHOTS = "STUDIO_SCREENSHOTS"
"""A folder for pictures of the pages, for who wants to look at them; none are taken without it."""
_FOLDER = os.environ.get(SCREENSHOTS, "")
SAMPLE = Path(longtake.__file__).parent / "catalog" / "sample.mp4"
MADE_LIMIT_MS = 120_000


@dataclass
class Visitor:
    """Somebody in front of the studio."""

    server: Server
    page: Page
    said: list[str] = field(default_factory=list[str])
    """What the console was told, violations of the policy among it."""
    asked: list[str] = field(default_factory=list[str])

    def watch(self) -> None:
        """Note what the page says and asks for from now on."""
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def go(self, path: str) -> None:
        """Open a page of the server."""
        self.page.goto(f"{self.server.url}{path}")

    def sign_in(self) -> None:
        """Type the key in at the door."""
        self.go("/")
        self.page.get_by_label("API key").fill(ADMIN_KEY)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Library", exact=True).wait_for()

    def picture(self, name: str, *, whole: bool = True) -> None:
        """Keep a picture of the page, or of what the window shows of it, for who wants to look at it."""
        if _FOLDER:
            self.page.screenshot(path=Path(_FOLDER) / f"{name}.png", full_page=whole)

    def left_the_origin(self) -> list[str]:
        """What was asked of others than the server."""
        host = urlsplit(self.server.url).netloc
        return [url for url in self.asked if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).netloc != host]


@pytest.fixture(scope="module")
def server(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return launch(quick_home(tmp_path_factory.mktemp("home")))


def small_bytes() -> bytes:
    """The first 2 s of the sample as a small clip of 24 frames a second, without sound."""
    file = io.BytesIO()
    with av.open(str(SAMPLE)) as sample, av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number, frame in zip(range(48), sample.decode(video=0), strict=False):
            small = frame.reformat(width=320, height=180, format="yuv420p")
            small.pts, small.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(small))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.fixture(scope="module")
def clip_id(server: Server) -> str:
    """A small clip of 2 s that was uploaded."""
    headers = {"Content-Type": "video/mp4"}
    answer = server.request("POST", "/v1/files?filename=evening.mp4", small_bytes(), headers)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"], timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def visitor(context: BrowserContext, server: Server) -> Iterator[Visitor]:
    """Signed in; whatever a test does, nothing may be said on the console nor asked of another origin."""
    visitor = Visitor(server, context.new_page())
    visitor.watch()
    visitor.sign_in()
    yield visitor
    assert visitor.said == []
    assert visitor.left_the_origin() == []
