# SPDX-License-Identifier: Apache-2.0
"""A model that needs a certain second or length: the handle snaps and says so, with scripts and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.acceptance.conftest import ADMIN_KEY, Launch, Server
from tests.browser.conftest import MADE_LIMIT_MS, Visitor
from tests.browser.test_studio import serious_faults

pytestmark = pytest.mark.chromium

# Nobody listens there: what it would be asked for is known without it.
TOML = """max_active_tasks = 2

[[providers]]
name = "grok-elsewhere"
kind = "xai"
base_url = "http://127.0.0.1:9"
api_key_file = "provider-key"
models = ["grok-imagine-video"]
"""
SAID = "Moved from 1.50 s to 2.00 s: grok-imagine-video needs at least that much video before the new part."


@pytest.fixture(scope="module")
def server(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """With a provider whose sources begin at 2 s, and room for two tasks."""
    home: Path = tmp_path_factory.mktemp("home")
    (home / "longtake.toml").write_text(TOML)
    (home / "provider-key").write_text("nobody-asks")
    return launch(home)


def test_the_handle_snaps_and_says_it_and_may_be_put_back(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}&at=1.5&model=longtake-cpu")
    page, start, moved = visitor.page, visitor.page.get_by_label("Go on from second"), visitor.page.locator("#moved")
    expect(page.locator("form.extend")).to_have_attribute("data-ready", "1")
    expect(moved).to_have_text("")
    page.get_by_role("radio", name="grok-imagine-video").check()
    expect(moved).to_have_text(f"{SAID} At 1.50 s it would only get the last picture.")
    expect(start).to_have_value("2")
    expect(page.get_by_label("Where the new part begins")).to_have_attribute("aria-valuetext", "2.00 seconds, frame 48")
    expect(page.locator("#total")).to_contain_text("2.00 s kept")
    offer = page.locator("[data-model=grok-imagine-video] .why")
    expect(offer).to_have_text("made by the model itself · wait not known yet")
    assert serious_faults(page) == []
    visitor.picture("snapped")
    page.get_by_role("button", name="Stay at 1.50 s").click()
    expect(start).to_have_value("1.5")
    expect(offer).to_contain_text("made from the last picture before the cut")
    expect(moved).to_have_text("")
    # Another model needs nothing moved.
    page.get_by_label("Where the new part begins").press("ArrowLeft")
    expect(moved).to_contain_text("Moved from 1.46 s to 2.00 s")
    page.get_by_role("radio", name="longtake-cpu").check()
    expect(start).to_have_value("1.458333")
    expect(moved).to_have_text("")


def test_a_second_between_two_frames_goes_to_the_nearer_one_and_is_said(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}&model=longtake-cpu")
    page, start = visitor.page, visitor.page.get_by_label("Go on from second")
    start.fill("1.51")
    start.press("Tab")
    expect(page.locator("#moved")).to_have_text("Moved from 1.51 s to 1.50 s, the nearest frame.")
    expect(start).to_have_value("1.5")


def test_too_great_a_length_becomes_the_greatest_one_and_is_said(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}&at=1&model=longtake-cpu")
    page, length = visitor.page, visitor.page.get_by_label("New seconds")
    length.fill("50")
    expect(page.locator("#moved")).to_contain_text("New seconds: 30.00 s instead of 50.00 s")
    expect(length).to_have_value("50")  # Who is typing is not interrupted.
    length.press("Tab")
    expect(length).to_have_value("30")
    expect(page.locator("#total")).to_have_text("1.00 s kept + 30.00 s new = 31.00 s")
    expect(page.get_by_role("button", name="Extend", exact=True)).to_be_enabled()


def test_the_same_is_said_without_scripts(browser: Browser, server: Server, clip_id: str):
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{server.url}/extend?task={clip_id}")
    page.get_by_label("API key").fill(ADMIN_KEY)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Go on from second").fill("1.5")
    page.get_by_label("What happens then").fill("it goes on")
    page.get_by_role("radio", name="grok-imagine-video").check()
    page.get_by_role("button", name="What would it come to?").click()
    expect(page.locator("#moved")).to_contain_text(SAID)
    expect(page.get_by_label("Go on from second")).to_have_value("2")
    expect(page.locator("#total")).to_have_text("2.00 s kept + 6.00 s new = 8.00 s")
    expect(page.get_by_label("What happens then")).to_have_value("it goes on")
    # Sent without a look before, it is moved all the same, and the task says so.
    page.get_by_label("Go on from second").fill("1.5")
    page.get_by_role("button", name="Extend", exact=True).click()
    expect(page.get_by_role("heading", name="What was left out or changed")).to_be_visible()
    expect(page.get_by_text(SAID)).to_be_visible()
    page.get_by_role("button", name="Call off").click()
    expect(page.get_by_role("link", name="Try again from the same second")).to_be_visible()
    context.close()


def test_of_takes_that_are_refused_the_others_are_shown(visitor: Visitor, clip_id: str):
    """Two tasks have room at once; of four takes, two are accepted."""
    visitor.go(f"/extend?task={clip_id}&at=1&model=longtake-cpu&prompt=pan+left&duration=30&takes=4&seed=7")
    page = visitor.page
    page.get_by_role("button", name="Extend", exact=True).click()
    notice = page.locator("#takes-refused")
    expect(notice).to_contain_text("2 of 4 takes were accepted; the others were refused:")
    expect(notice).to_contain_text("rate_limit_exceeded")
    expect(notice).to_contain_text("Nothing is charged for what was refused.")
    expect(page.locator(".take")).to_have_count(2)
    expect(page.locator(".take").first).to_contain_text("Take 1")
    expect(page.locator(".take").nth(1)).to_contain_text("seed 8")
    assert serious_faults(page) == []
    visitor.picture("takes-refused")
    going_on = page.locator(".video-card[data-state=queued] h3 a, .video-card[data-state=running] h3 a")
    page.get_by_role("button", name="Call off").click()
    expect(page.locator("#result")).to_have_attribute("data-ended", "true", timeout=MADE_LIMIT_MS)
    going_on.click()
    page.get_by_role("button", name="Call off").click()
    expect(page.locator("#result")).to_have_attribute("data-ended", "true", timeout=MADE_LIMIT_MS)
    # What was refused is still told where the visitor comes back to, and leads on.
    page.locator(".take + .video-card h3 a").first.click()
    page.get_by_role("link", name="Ask for the other 2").click()
    expect(page.get_by_label("Takes")).to_have_value("2")
    expect(page.get_by_label("Seed")).to_have_value("9")
    expect(page.get_by_label("What happens then")).to_have_value("pan left")


def test_a_provider_is_tested_and_switched_off_and_on(visitor: Visitor):
    """Nobody listens there, and the page says so."""
    visitor.go("/console/providers")
    page = visitor.page
    expect(page.locator(".account")).to_contain_text("works")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status").first).to_contain_text("grok-elsewhere does not work")
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator(".account")).to_contain_text("switched off")
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator(".account")).to_contain_text("works")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status").first).to_contain_text("grok-elsewhere does not work")
    page.set_viewport_size({"width": 1200, "height": 800})
    visitor.picture("providers-one", whole=False)
