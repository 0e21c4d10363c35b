# SPDX-License-Identifier: Apache-2.0
"""The studio in Chromium: the second is chosen, the video extended, watched across its seam, compared and branched."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, expect
from tests.acceptance.conftest import ADMIN_KEY, SAMPLE_ID, Server
from tests.browser.conftest import MADE_LIMIT_MS, Visitor
from tests.http.conftest import clip_bytes

pytestmark = pytest.mark.chromium

MOST_WEIGHT_BYTES = 80_000


def extended(server: Server, source: str, *, at: float = 1, seconds: float = 0.5, prompt: str = "it goes on") -> str:
    """A finished extension, made by the API."""
    body = {"model": "longtake-cpu", "task_id": source, "start_time": at, "duration": seconds, "prompt": prompt}
    task_id = str(server.request("POST", "/v1/video/extend", body).json["id"])
    server.wait(task_id)
    return task_id


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds serious or worse on the page as it is."""
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def until(place: Locator, holds: str) -> None:
    """Wait until a script says yes of an element; `wait_for_function` would need eval, which the pages forbid."""
    limit_s = time.monotonic() + 60
    while not place.evaluate(holds):
        assert time.monotonic() < limit_s, f"never true: {holds}"
        place.page.wait_for_timeout(100)


def test_the_first_visit_has_one_button_that_extends_the_sample(visitor: Visitor):
    visitor.picture("library-first")
    visitor.page.get_by_role("button", name="Extend the sample from its third second").click()
    expect(visitor.page.get_by_role("progressbar")).to_be_visible()
    expect(visitor.page.get_by_text("You may leave this page")).to_be_visible()
    video = visitor.page.locator("lt-seam video")
    video.wait_for(timeout=MADE_LIMIT_MS)
    expect(visitor.page.get_by_text("frames before the cut are the source's own")).to_be_visible()
    # Who listens hears of it, the tree knows it, and it can be deleted without a reload.
    expect(visitor.page.locator("#said")).to_have_text("finished")
    expect(visitor.page.locator(".tree [aria-current=page] img")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Delete")).to_be_visible()
    # It stands two seconds before the seam, and plays across it without losing a picture.
    until(video, "video => Math.abs(video.currentTime - 1) < 0.1")
    visitor.picture("video-first")
    video.evaluate("video => { video.muted = true; video.playbackRate = 0.5; }")
    visitor.page.get_by_role("button", name="Play across the seam").click()
    until(video, "video => video.currentTime > 3.6")
    video.evaluate("video => video.pause()")
    shown = video.evaluate(
        "video => { const q = video.getVideoPlaybackQuality(); return [q.totalVideoFrames, q.corruptedVideoFrames]; }"
    )
    assert shown[0] > 40
    assert shown[1] == 0
    visitor.go("/")
    expect(visitor.page.get_by_role("button", name="Extend the sample from its third second")).to_have_count(0)


def test_every_frame_across_the_seam_is_there_and_decodes(visitor: Visitor, clip_id: str):
    """Half a second on either side, frame by frame: the browser shows the one that was asked for, each anew."""
    made = extended(visitor.server, clip_id, at=1, seconds=1, prompt="zoom in")
    visitor.go(f"/videos/{made}")
    video = visitor.page.locator("lt-seam video")
    video.wait_for()
    until(video, "video => video.readyState > 1")
    shown: list[list[float]] = video.evaluate(
        """async (video) => {
            const pen = new OffscreenCanvas(64, 36).getContext("2d", { willReadFrequently: true });
            const shown = [];
            for (let frame = 12; frame < 36; frame += 1) {
                const there = new Promise((resolve) => video.requestVideoFrameCallback((_, told) => resolve(told)));
                video.currentTime = (frame + 0.5) / 24;
                const told = await there;
                pen.drawImage(video, 0, 0, 64, 36);
                const sum = pen.getImageData(0, 0, 64, 36).data.reduce((all, level, at) => all + level * (at % 251), 0);
                shown.push([told.mediaTime, sum]);
            }
            return shown;
        }"""
    )
    assert [round(time_s * 24) for time_s, _ in shown] == list(range(12, 36))
    assert len({picture for _, picture in shown}) == len(shown)
    assert visitor.server.request("DELETE", f"/v1/videos/{made}").status == 200


def test_the_second_is_chosen_by_mouse_by_key_and_by_typing(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}&at=1")
    page, handle = visitor.page, visitor.page.get_by_label("Where the new part begins")
    expect(page.locator("form.extend")).to_have_attribute("data-ready", "1")
    start = page.get_by_label("Go on from second")
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(start).to_have_value("1.041667")
    page.keyboard.press("Shift+ArrowLeft")
    expect(start).to_have_value("0.041667")
    page.keyboard.press("End")
    expect(start).to_have_value("2")
    expect(page.locator("#total")).to_have_text("2.00 s kept + 6.00 s new = 8.00 s")
    page.keyboard.press("Home")
    expect(start).to_have_value("0")
    start.fill("1.5")
    start.press("Tab")
    expect(handle).to_have_attribute("aria-valuetext", "1.50 seconds, frame 36")
    box = page.locator("lt-filmstrip .pictures").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(start).to_have_value(re.compile(r"^(0\.9|1(\.0|$))"))
    # The player shows the last picture that stays.
    at = float(start.input_value())
    until(page.locator("#source"), f"video => Math.abs(video.currentTime - {at - 0.5 / 24}) < 0.01")
    page.get_by_label("New seconds").fill("1")
    expect(page.locator("#total")).to_contain_text("1.00 s new")


def test_what_a_model_makes_of_it_is_told_before(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}&at=1&model=longtake-cpu")
    page = visitor.page
    page.get_by_label("What happens then").fill("slow zoom in, then it snows, and a cat sings")
    expect(page.locator("#understood")).to_contain_text("zoom in")
    expect(page.locator("#understood")).to_contain_text("not understood")
    page.get_by_label("New seconds").fill("0.001")
    expect(page.locator("#warnings")).to_contain_text("less than one frame")
    expect(page.get_by_role("button", name="Extend", exact=True)).to_be_disabled()
    page.get_by_label("New seconds").fill("1")
    expect(page.get_by_role("button", name="Extend", exact=True)).to_be_enabled()
    visitor.picture("extend-understood")


def test_takes_are_made_compared_and_branched_from(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}&at=1&model=longtake-cpu")
    page = visitor.page
    page.get_by_label("What happens then").fill("pan left")
    page.get_by_label("New seconds").fill("0.5")
    page.get_by_text("Size and takes").click()
    page.get_by_label("Takes").select_option("2")
    page.get_by_role("button", name="Extend", exact=True).click()
    page.locator("lt-seam video").wait_for(timeout=MADE_LIMIT_MS)
    compare = page.get_by_role("link", name="Compare with this one")
    # The other take appears without a reload.
    compare.first.wait_for(timeout=MADE_LIMIT_MS)
    expect(page.locator(".tree img")).to_have_count(3)
    visitor.picture("takes")
    first = page.url
    compare.first.click()
    page.get_by_role("button", name="Wipe", exact=True).click()
    page.get_by_label("Where the wipe stands").fill("30")
    follower = page.locator("lt-compare video").nth(1)
    assert follower.evaluate("video => video.style.clipPath") == "inset(0px 0px 0px 30%)"
    # The wipe follows the mouse as well.
    box = page.locator("lt-compare .stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 100)
    page.mouse.up()
    assert follower.evaluate("video => video.style.clipPath") == "inset(0px 0px 0px 75%)"
    visitor.picture("compare-wipe", whole=False)
    page.get_by_role("button", name="Play both").click()
    until(follower, "video => video.currentTime > 0.5")
    page.get_by_role("button", name="Side by side").click()
    visitor.picture("compare-takes")
    page.goto(first)
    page.get_by_role("link", name="Extend again").click()
    expect(page.get_by_label("Go on from second")).to_have_value("1.5")
    page.get_by_label("What happens then").fill("zoom out")
    page.get_by_label("New seconds").fill("0.5")
    page.get_by_role("button", name="Extend", exact=True).click()
    page.locator("lt-seam video").wait_for(timeout=MADE_LIMIT_MS)
    expect(page.locator(".tree [aria-current=page]")).to_contain_text("zoom out")
    expect(page.locator(".tree .on-path")).to_have_count(3)
    expect(page.locator(".who li")).to_have_count(3)
    visitor.picture("lineage")
    page.get_by_role("link", name="Cut its source anew here").click()
    assert page.url.startswith(f"{visitor.server.url}/extend?task=")


def test_back_leads_to_the_form_as_it_was_filled_in(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}")
    page = visitor.page
    start = page.get_by_label("Go on from second")
    start.fill("1.5")
    start.press("Tab")
    page.get_by_label("What happens then").fill("zoom in")
    expect(page.locator("#total")).to_contain_text("1.50 s kept")
    page.get_by_role("link", name="Create").click()
    page.get_by_role("heading", name="Create").wait_for()
    page.go_back()
    expect(page.get_by_label("What happens then")).to_have_value("zoom in")
    expect(start).to_have_value("1.5")
    # The strip and the sum tell what the form will send.
    expect(page.locator("#total")).to_contain_text("1.50 s kept")
    expect(page.get_by_label("Where the new part begins")).to_have_value("1.5")


def test_a_session_that_ended_meanwhile_is_told_on_the_form(visitor: Visitor, clip_id: str):
    visitor.go(f"/extend?task={clip_id}")
    page = visitor.page
    expect(page.locator("#total")).to_contain_text("6.00 s new")
    page.context.clear_cookies()
    page.get_by_label("What happens then").fill("zoom in")
    expect(page.locator("#warnings")).to_contain_text("Sign in in another tab")
    page.get_by_role("button", name="Extend", exact=True).click()
    with page.context.expect_page() as opened:
        page.get_by_role("main").get_by_role("link", name="Sign in").click()
    opened.value.get_by_label("API key").fill(ADMIN_KEY)
    opened.value.get_by_role("button", name="Sign in").click()
    opened.value.get_by_role("heading", name="Library", exact=True).wait_for()
    page.go_back()
    expect(page.get_by_label("What happens then")).to_have_value("zoom in")
    visitor.said = [text for text in visitor.said if "401" not in text]


def test_what_cannot_be_taken_back_is_asked_about(visitor: Visitor, clip_id: str):
    made = extended(visitor.server, clip_id, prompt="to be deleted")
    visitor.go(f"/videos/{made}")
    page, asked = visitor.page, list[str]()

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(re.escape(made)))
    assert "cannot be undone" in asked[0]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Library", exact=True).wait_for()
    visitor.go(f"/extend?task={made}")
    expect(page.get_by_role("heading", name="That did not work")).to_be_visible()
    visitor.said = [text for text in visitor.said if "404" not in text]


def test_a_video_that_is_dropped_anywhere_is_taken_in(visitor: Visitor):
    data = base64.b64encode(clip_bytes(24)).decode()
    visitor.page.evaluate(
        """text => {
            const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "dropped clip.mp4", { type: "video/mp4" }));
            const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
            for (const type of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, how));
        }""",
        data,
    )
    visitor.page.wait_for_url("**/extend?task=upload:*")
    expect(visitor.page.get_by_role("heading", name="Extend: dropped clip.mp4")).to_be_visible()
    visitor.go("/")
    expect(visitor.page.get_by_role("link", name="dropped clip.mp4")).to_be_visible()


def test_a_file_that_is_no_video_is_refused_in_words(visitor: Visitor):
    visitor.page.get_by_label("Your own video").set_input_files(
        {"name": "notes.mp4", "mimeType": "video/mp4", "buffer": b"no video at all"}
    )
    visitor.page.get_by_role("button", name="Upload and extend").click()
    expect(visitor.page.get_by_role("status")).to_contain_text("The upload failed")
    # The browser itself tells the console of every refused request.
    visitor.said = [text for text in visitor.said if "400" not in text]


def test_a_task_is_called_off(visitor: Visitor):
    visitor.go(f"/extend?task={SAMPLE_ID}&at=3&model=longtake-cpu")
    visitor.page.get_by_label("What happens then").fill("on and on")
    visitor.page.get_by_label("New seconds").fill("30")
    visitor.page.get_by_role("button", name="Extend", exact=True).click()
    expect(visitor.page.get_by_text("You may leave this page")).to_contain_text(re.compile("usually|by estimate"))
    visitor.page.get_by_role("button", name="Call off").click()
    expect(visitor.page.locator("#result")).to_have_attribute("data-ended", "true")
    visitor.page.get_by_role("link", name="Try again from the same second").click()
    expect(visitor.page.get_by_label("Go on from second")).to_have_value(re.compile(r"^3(\.0)?$"))
    visitor.go("/?state=cancelled")
    expect(visitor.page.get_by_role("link", name="on and on")).to_be_visible()


def test_the_console_is_filtered_by_its_address(visitor: Visitor, clip_id: str):
    made = extended(visitor.server, clip_id, prompt="for the console")
    visitor.go("/console/tasks")
    page = visitor.page
    page.locator("select[name=state]").select_option("succeeded")
    page.locator("select[name=operation]").select_option("extend")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"state=succeeded&operation=extend"))
    link = page.get_by_role("link", name="for the console").first
    link.focus()
    page.keyboard.press("Enter")
    # The drawer holds the same as the page; Escape leads back to where one stood.
    expect(page.locator("dialog .waterfall li.try")).to_have_count(1)
    assert serious_faults(page) == []
    visitor.picture("console-drawer", whole=False)
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    link.click()
    page.get_by_role("link", name="As a page").click()
    page.wait_for_url(f"**/console/tasks/{made}")
    expect(page.locator(".waterfall li.step")).not_to_have_count(0)
    expect(page.locator(".waterfall li.try")).to_have_count(1)
    visitor.picture("console-task")
    page.get_by_role("button", name="Submit again").click()
    page.wait_for_url(re.compile(r"/console/tasks/(?!" + re.escape(made) + ")"))
    page.get_by_role("link", name="Spend").click()
    expect(page.get_by_role("cell", name="longtake-cpu").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV").click()
    assert download.value.path().read_text().startswith("model,provider,tenant,key,tasks")
    page.get_by_role("link", name="Keys", exact=True).click()
    page.locator("input[name=name]").fill("from the console")
    page.get_by_role("button", name="Make a key").click()
    assert (page.locator("#secret").text_content() or "").startswith("lt-")
    visitor.picture("console-keys")


@pytest.fixture
def scriptless(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=False)
    yield context
    context.close()


def test_it_works_without_scripts(scriptless: BrowserContext, server: Server, clip_id: str):
    page = scriptless.new_page()
    page.goto(f"{server.url}/extend?task={clip_id}")
    page.get_by_label("API key").fill(ADMIN_KEY)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Go on from second").fill("1")
    page.get_by_label("New seconds").fill("0.5")
    page.get_by_label("What happens then").fill("without a script")
    page.get_by_role("radio", name="longtake-cpu").check()
    page.get_by_role("button", name="Extend", exact=True).click()
    page.wait_for_url("**/videos/*")
    server.wait(page.url.rpartition("/")[2])
    page.goto(page.url)
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.fixture(scope="module")
def made_id(server: Server) -> str:
    """A finished extension of the sample."""
    return extended(server, SAMPLE_ID, at=3, seconds=1, prompt="the sun goes down, slow pan left")


def every_page(made_id: str, source_id: str = SAMPLE_ID) -> dict[str, str]:
    """Each page by the name of its picture."""
    return {
        "sign-in": "/sign-in",
        "library": "/",
        "create": "/create",
        "extend": f"/extend?task={source_id}&at=3",
        "video": f"/videos/{made_id}",
        "compare": f"/compare?a={made_id}&b={SAMPLE_ID}",
        "tasks": "/console/tasks",
        "task": f"/console/tasks/{made_id}",
        "providers": "/console/providers",
        "spend": "/console/spend",
        "keys": "/console/keys",
        "refused": "/videos/nothing-here",
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_can_be_used_by_everybody(browser: Browser, server: Server, made_id: str, language: str):
    """Each page on a narrow screen, first light, then dark: the same page, which follows the system's colours."""
    context = browser.new_context(viewport={"width": 380, "height": 800}, color_scheme="light", reduced_motion="reduce")
    visitor = Visitor(server, context.new_page())
    visitor.watch()
    pages = every_page(made_id)
    visitor.sign_in()
    visitor.said.clear()
    for name, path in pages.items():
        visitor.go(f"{path}{'&' if '?' in path else '?'}lang={language}")
        visitor.page.wait_for_load_state("networkidle")
        grounds: set[str] = set()
        for scheme in ("light", "dark"):
            visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            grounds.add(visitor.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert serious_faults(visitor.page) == [], f"{name}, {scheme}"
            wide = visitor.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 380, f"{name} is {wide} px wide, {scheme}"
            visitor.picture(f"{name}-{language}-{scheme}-380")
        assert len(grounds) == 2, f"{name} does not follow the system's colours"
        if language == "en":
            # These are the ones in docs/studio.
            visitor.page.emulate_media(color_scheme="light", reduced_motion="reduce")
            visitor.page.set_viewport_size({"width": 1200, "height": 800})
            visitor.picture(name, whole=False)
            visitor.page.set_viewport_size({"width": 380, "height": 800})
    assert [text for text in visitor.said if "404" not in text] == []
    assert visitor.left_the_origin() == []
    context.close()


def test_pages_are_light(context: BrowserContext, server: Server, clip_id: str, made_id: str):
    page = context.new_page()
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("API key").fill(ADMIN_KEY)
    page.get_by_role("button", name="Sign in").click()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    kinds: dict[str, str] = {}
    weights: dict[str, float] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on(
        "Network.loadingFinished", lambda event: weights.update({event["requestId"]: int(event["encodedDataLength"])})
    )
    extended(server, clip_id)
    for path in every_page(made_id, clip_id).values():
        kinds.clear()
        weights.clear()
        page.goto(f"{server.url}{path}")
        page.wait_for_load_state("networkidle")
        whole = sum(size for request, size in weights.items() if kinds.get(request) not in {"Media", "Image"})
        assert 1000 < whole <= MOST_WEIGHT_BYTES, path


def test_all_of_it_is_done_by_keyboard_alone(visitor: Visitor, clip_id: str):
    """From the library to the second, the words, the result across its seam, and the next one; Tab finds each place."""
    page = visitor.page

    def tab_to(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            here = page.evaluate(
                "(() => { const one = document.activeElement, label = one.labels?.[0];"
                " return (one.getAttribute('aria-label') || label?.textContent || one.textContent).trim(); })()"
            )
            if here.startswith(name):
                shown = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert shown != "none" or name == "Where the new part begins", f"nobody sees where {name} is"
                return
        raise AssertionError(f"Tab never came to {name}")

    visitor.go("/")
    tab_to("evening.mp4")
    page.keyboard.press("Enter")
    page.wait_for_url("**/videos/*")
    tab_to("Extend again")
    page.keyboard.press("Enter")
    page.wait_for_url("**/extend?*")
    expect(page.locator("form.extend")).to_have_attribute("data-ready", "1")
    tab_to("Where the new part begins")
    for key in ("Home", "Shift+ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.get_by_label("Go on from second")).to_have_value("1")
    tab_to("New seconds")
    page.keyboard.type("0.5")
    tab_to("What happens then")
    page.keyboard.type("zoom in")
    tab_to("longtake-cpu")
    tab_to("Extend")
    page.keyboard.press("Enter")
    page.wait_for_url("**/videos/*")
    video = page.locator("lt-seam video")
    video.wait_for(timeout=MADE_LIMIT_MS)
    tab_to("Loop the seam")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Loop the seam")).to_have_attribute("aria-pressed", "true")
    until(video, "video => !video.paused && video.currentTime > 0")
    page.keyboard.press("Space")
    video.evaluate("video => video.pause()")
    tab_to("Another take")
    page.keyboard.press("Enter")
    page.wait_for_url("**/extend?*")
    expect(page.get_by_label("What happens then")).to_have_value("zoom in")
    expect(page.get_by_label("Go on from second")).to_have_value("1")
    expect(page.get_by_label("New seconds")).to_have_value("0.5")
