# SPDX-License-Identifier: Apache-2.0
"""The page at /docs as a reader uses it, in Chromium and in both languages.

It is looked at, its samples are copied out and run, its form extends the sample, and the result plays.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from tests.acceptance.conftest import ADMIN_KEY, SAMPLE_ID, Launch, Server, longtake_environment
from tests.acceptance.quick_home import quick_home

pytestmark = pytest.mark.chromium

LANGUAGES = ("en", "zh")
RESULT_LIMIT_MS = 100_000


@dataclass
class Reader:
    """An open page, with what it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    def operation(self, name: str) -> Locator:
        """The article of an operation."""
        return self.page.locator(f"article#{name}")

    def type_key(self) -> None:
        """Type the key and wait until the server has taken it."""
        self.page.locator("#key").fill(ADMIN_KEY)
        self.page.locator("#key").press("Enter")
        expect(self.page.locator("#key-state")).to_have_class("good", timeout=20_000)


@pytest.fixture(scope="module")
def server(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return launch(quick_home(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"], timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    yield context
    context.close()


def open_docs(context: BrowserContext, server: Server, language: str) -> Reader:
    """The page, loaded and ready; all that the browser complains of is noted."""
    reader = Reader(context.new_page())
    reader.page.on("console", lambda message: reader.said.append(f"{message.type}: {message.text}"))
    reader.page.on("pageerror", lambda error: reader.said.append(f"error: {error}"))
    reader.page.on("request", lambda request: reader.asked.append(request.url))
    reader.page.goto(f"{server.url}/docs?lang={language}")
    expect(reader.page.locator("body")).to_have_attribute("data-ready", "1", timeout=20_000)
    return reader


def check_quiet(reader: Reader, server: Server) -> None:
    """Nothing on the console, nothing asked of anybody else, the key in no address and in nothing that stays."""
    assert reader.said == []
    assert [url for url in reader.asked if not url.startswith((f"{server.url}/", f"blob:{server.url}/"))] == []
    assert [url for url in [*reader.asked, reader.page.url] if ADMIN_KEY in url] == []
    assert reader.page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert ADMIN_KEY not in server.log.read_text()


def run_copied(program: str, text: str, folder: Path) -> str:
    """Run a copied sample as its reader would; what it printed."""
    command = {"curl": ["bash", "-c"], "javascript": ["node", "-e"], "python": [sys.executable, "-c"]}[program]
    done = subprocess.run(
        [*command, text], capture_output=True, text=True, timeout=60, check=False, cwd=folder,
        stdin=subprocess.DEVNULL, env=longtake_environment(),
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stdout


def copied_sample(reader: Reader, operation: str, program: str) -> str:
    """Choose a sample's language, press Copy, and read the clipboard."""
    article = reader.operation(operation)
    article.locator(f"[role=tab][data-sample={program}]").click()
    expect(article.locator(f"pre[data-sample={program}]")).to_be_visible()
    article.locator(".copy").click()
    expect(article.locator(".copy")).to_have_text(re.compile("Copied with your key|已复制（含密钥）"))
    return str(reader.page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_quiet_and_fits(context: BrowserContext, server: Server, language: str, width: int) -> None:
    reader = open_docs(context, server, language)
    page = reader.page
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]
    # All that is folded, open: a long word in there would widen the page too.
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    for program in ("curl", "javascript", "python"):
        page.locator(f"#extendVideo [role=tab][data-sample={program}]").click()
        assert page.evaluate("document.documentElement.scrollWidth") == width
    unnamed = page.evaluate(
        """[...document.querySelectorAll('input, select, textarea, button, a, summary, video')].filter(element =>
            !(element.labels?.length || element.textContent.trim() || element.getAttribute('aria-label'))
        ).map(element => element.outerHTML)"""
    )
    assert unnamed == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    named = "a[hreflang=zh-CN]" if language == "en" else "a[hreflang=en]"
    page.locator(named).click()
    expect(page.locator("html")).to_have_attribute("lang", {"en": "zh-CN", "zh": "en"}[language])
    check_quiet(reader, server)


def test_words_have_contrast_in_both_schemes(browser: Browser, server: Server) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        reader = open_docs(context, server, "en")
        pale = reader.page.evaluate(
            """() => {
                const light = text => {
                    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(v => v / 255)
                        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                };
                const ground = element => {
                    for (let at = element; at; at = at.parentElement) {
                        const color = getComputedStyle(at).backgroundColor;
                        if (color !== 'rgba(0, 0, 0, 0)') return color;
                    }
                };
                const found = new Set();
                for (const element of document.querySelectorAll('body *')) {
                    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
                    if (!own || !element.checkVisibility()) continue;
                    const pair = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
                    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
                    if (ratio < 4.5) found.add(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
                }
                return [...found];
            }"""
        )
        context.close()
        assert pale == []


def test_the_browser_writes_the_same_samples_as_the_server(context: BrowserContext, server: Server) -> None:
    reader = open_docs(context, server, "en")
    raw = server.request("GET", "/docs?lang=en").body.decode()
    blocks = re.findall(r'<pre role="tabpanel" id="([\w-]+)".*?<code>(.*?)</code>', raw, re.DOTALL)
    served = {name: html.unescape(text) for name, text in blocks}
    shown = reader.page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('pre[data-sample]')].map(pre => [pre.id, pre.textContent]))"
    )
    assert len(served) >= 45
    assert shown == served


@pytest.mark.node
@pytest.mark.parametrize("language", LANGUAGES)
def test_copied_samples_extend_the_sample(
    context: BrowserContext, server: Server, language: str, tmp_path: Path
) -> None:
    reader = open_docs(context, server, language)
    reader.type_key()
    for program in ("curl", "javascript", "python"):
        text = copied_sample(reader, "extendVideo", program)
        assert server.url.removeprefix("http://") in text
        answer = json.loads(run_copied(program, text, tmp_path))
        assert answer["id"].startswith("grok:")
        assert (answer["status"], answer["model"]) == ("processing", "grok-video-3")
        assert server.request("POST", f"/v1/tasks/{answer['id']}/cancel").status == 200
    shown = reader.operation("extendVideo").locator("pre[data-sample=python]")
    assert ADMIN_KEY not in str(shown.text_content())
    check_quiet(reader, server)


@pytest.mark.node
def test_copied_samples_of_other_operations_work(
    context: BrowserContext, server: Server, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "cat.mp4").write_bytes(clip.read_bytes())
    reader = open_docs(context, server, "en")
    reader.type_key()
    sha256 = server.request("GET", f"/v1/tasks/{SAMPLE_ID}").json["metadata"]["sha256"]
    for program in ("curl", "javascript", "python"):
        uploaded = json.loads(run_copied(program, copied_sample(reader, "uploadFile", program), tmp_path))
        assert (uploaded["object"], uploaded["filename"], uploaded["size"]) == ("file", "cat.mp4", "320x180")
        task = json.loads(run_copied(program, copied_sample(reader, "queryVideo", program), tmp_path))
        assert (task["id"], task["status"]) == (SAMPLE_ID, "completed")
        listed = json.loads(run_copied(program, copied_sample(reader, "listTasks", program), tmp_path))
        assert listed["object"] == "list"
        printed = run_copied(program, copied_sample(reader, "readVideoContent", program), tmp_path)
        if program == "javascript":
            assert printed.startswith("video/mp4 ")
        else:
            saved = tmp_path / "video.mp4"
            assert hashlib.sha256(saved.read_bytes()).hexdigest() == sha256
            saved.unlink()


def test_samples_follow_the_form(context: BrowserContext, server: Server, tmp_path: Path) -> None:
    reader = open_docs(context, server, "en")
    reader.type_key()
    article = reader.operation("extendVideo")
    prompt = 'it\'s "quoted" \\ 续写\n$HOME `id`'
    article.get_by_label("prompt", exact=True).fill(prompt)
    article.get_by_label("start_time", exact=True).fill("2.5")
    article.get_by_label("upscale", exact=True).select_option(label="true")
    article.get_by_label("size", exact=True).fill("")
    for program in ("curl", "python"):
        answer = json.loads(run_copied(program, copied_sample(reader, "extendVideo", program), tmp_path))
        server.request("POST", f"/v1/tasks/{answer['id']}/cancel")
        record = server.request("GET", f"/v1/tasks/{answer['id']}").json
        assert record["ignored"] == []
        assert record["state"] == "cancelled"
    article.locator("[role=tab][data-sample=javascript]").click()
    written = str(article.locator("pre[data-sample=javascript]").text_content())
    body = json.loads(written.partition("JSON.stringify(")[2].partition(")\n})")[0])
    assert (body["prompt"], body["start_time"], body["upscale"]) == (prompt, 2.5, True)
    assert "size" not in body
    article.locator("button[type=reset]").click()
    expect(article.locator("pre[data-sample=javascript]")).to_contain_text('"size": "1080p"')


def check_plays_across_the_seam(video: Locator, seam_s: float) -> None:
    """The video plays by itself from before the seam to behind it."""
    video.evaluate("video => { video.muted = true; return video.play(); }")
    passed = video.evaluate(
        """(video, until) => new Promise((yes, no) => {
            const limit = setTimeout(() => no(new Error(`stood at ${video.currentTime}`)), 30000);
            const look = () => {
                if (video.currentTime < until) return setTimeout(look, 50);
                clearTimeout(limit);
                yes(video.currentTime);
            };
            look();
        })""",
        seam_s + 0.3,
    )
    assert passed > seam_s
    assert video.evaluate("video => video.getVideoPlaybackQuality().totalVideoFrames") > 10
    assert video.evaluate("video => video.error") is None


def test_one_key_and_one_click_show_a_continued_video(context: BrowserContext, server: Server) -> None:
    reader = open_docs(context, server, "en")
    button = reader.page.get_by_role("button", name="Extend the sample")
    button.click()
    expect(reader.page.locator("#key")).to_be_focused()
    reader.type_key()
    button.click()
    article = reader.operation("extendVideo")
    expect(article.locator("progress")).to_be_visible(timeout=20_000)
    video = article.locator("video")
    expect(video).to_have_attribute("data-ready", "1", timeout=RESULT_LIMIT_MS)
    assert video.evaluate("video => [video.videoWidth, video.videoHeight, Math.round(video.duration)]") == [
        1920,
        1080,
        9,
    ]
    check_plays_across_the_seam(video, 3)
    expect(article.locator(".facts")).to_contain_text("longtake-cpu, stand_in")
    expect(article.locator(".warnings")).to_contain_text("stand_in")
    expect(article.locator(".note")).to_have_text("Done")
    article.get_by_role("button", name="Extend this one").click()
    assert article.get_by_label("task_id", exact=True).input_value() != SAMPLE_ID
    assert article.get_by_label("start_time", exact=True).input_value() == ""
    check_quiet(reader, server)
    assert f"docs: {server.url}/docs\n" in server.log.read_text()


def test_a_video_of_ones_own_is_extended_on_a_narrow_screen_in_chinese(
    context: BrowserContext, server: Server, clip: Path
) -> None:
    reader = open_docs(context, server, "zh")
    reader.page.set_viewport_size({"width": 380, "height": 800})
    reader.type_key()
    article = reader.operation("extendVideo")
    article.locator("[data-own=extendVideo-body-task_id]").set_input_files(clip)
    expect(article.get_by_label("task_id", exact=True)).not_to_have_value(SAMPLE_ID, timeout=30_000)
    article.get_by_label("size", exact=True).fill("")
    article.get_by_label("start_time", exact=True).fill("2")
    article.locator("summary", has_text="更多字段").click()
    article.get_by_label("duration", exact=True).fill("1")
    article.get_by_role("button", name="发送请求").click()
    video = article.locator("video")
    expect(video).to_have_attribute("data-ready", "1", timeout=RESULT_LIMIT_MS)
    assert video.evaluate("video => [video.videoWidth, Math.round(video.duration)]") == [320, 3]
    check_plays_across_the_seam(video, 2)
    expect(article.locator(".note")).to_have_text("完成")
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 380
    check_quiet(reader, server)


def test_a_picture_of_ones_own_starts_a_video(
    context: BrowserContext, server: Server, clip: Path, tmp_path: Path
) -> None:
    with av.open(str(clip)) as source:
        frame = next(source.decode(video=0))
    frame.to_image().save(tmp_path / "first.png")
    reader = open_docs(context, server, "en")
    reader.type_key()
    article = reader.operation("createVideo")
    article.locator("[data-own=createVideo-body-images]").set_input_files(tmp_path / "first.png")
    expect(article.locator(".note")).to_have_text("first.png", timeout=30_000)
    for name, value in (("duration", "1"), ("size", "480p"), ("aspect_ratio", "")):
        article.get_by_label(name, exact=True).fill(value)
    article.get_by_role("button", name="Send").click()
    video = article.locator("video")
    expect(video).to_have_attribute("data-ready", "1", timeout=RESULT_LIMIT_MS)
    assert video.evaluate("video => [video.videoHeight, video.duration]") == [480, 1]
    check_quiet(reader, server)


@pytest.mark.parametrize(("language", "words"), [("en", "names no video"), ("zh", "不是此密钥下的视频")])
def test_a_refusal_is_said_in_the_readers_language_at_its_field(
    context: BrowserContext, server: Server, language: str, words: str
) -> None:
    reader = open_docs(context, server, language)
    reader.type_key()
    article = reader.operation("extendVideo")
    source = article.get_by_label("task_id", exact=True)
    source.fill("grok:00000000-0000-4000-8000-000000000000")
    source.press("Enter")
    expect(article.get_by_role("alert")).to_contain_text(words)
    expect(source).to_have_attribute("aria-invalid", "true")
    source.fill("")
    source.press("Enter")
    expect(source).to_be_focused()
    # The browser itself notes the refused request.
    assert [said for said in reader.said if "400" not in said] == []


def test_the_page_works_beside_a_public_address_with_a_prefix(
    context: BrowserContext, launch: Launch, tmp_path: Path
) -> None:
    (tmp_path / "longtake.toml").write_text('public_url = "https://video.example.test/clips"\n')
    server = launch(tmp_path)
    reader = open_docs(context, server, "en")
    reader.type_key()
    article = reader.operation("queryVideo")
    article.get_by_role("button", name="Send").click()
    expect(article.locator("video")).to_have_attribute("data-ready", "1", timeout=20_000)
    sample = article.locator("pre[data-sample=curl]")
    expect(sample).to_contain_text("curl 'https://video.example.test/clips/v1/video/query?id=grok:")
    expect(article.locator("pre[data-sample=python]")).to_contain_text('HTTPSConnection("video.example.test")')
    check_quiet(reader, server)


def test_what_is_cancelled_says_so(context: BrowserContext, server: Server) -> None:
    reader = open_docs(context, server, "zh")
    reader.type_key()
    article = reader.operation("extendVideo")
    article.get_by_role("button", name="发送请求").click()
    article.get_by_role("button", name="取消").click()
    expect(article.get_by_role("alert")).to_contain_text("任务已取消", timeout=30_000)
    expect(article.locator(".note")).to_have_text("失败")


def test_other_answers_are_shown_as_what_they_are(context: BrowserContext, server: Server, clip: Path) -> None:
    reader = open_docs(context, server, "en")
    reader.type_key()
    bytes_of = reader.operation("readVideoContent")
    bytes_of.get_by_role("button", name="Send").click()
    expect(bytes_of.locator("video")).to_be_visible(timeout=20_000)
    bytes_of.get_by_label("variant", exact=True).select_option(label="thumbnail")
    bytes_of.get_by_role("button", name="Send").click()
    expect(bytes_of.locator("img")).to_be_visible(timeout=20_000)
    upload = reader.operation("uploadFile")
    upload.get_by_label("file", exact=True).set_input_files(clip)
    upload.get_by_role("button", name="Send").click()
    expect(upload.locator("video")).to_have_attribute("data-ready", "1", timeout=30_000)
    events = reader.operation("taskEvents")
    events.get_by_role("button", name="Send").click()
    expect(events.locator(".result pre")).to_contain_text('"state":"succeeded"')
    expect(events.locator(".note")).to_have_text("Done")
    models = reader.operation("listModels")
    models.get_by_role("button", name="Send").click()
    expect(models.locator(".result pre")).to_contain_text("longtake-cpu")
    expect(reader.page.locator("datalist#models option[value=longtake-cpu]")).to_have_count(1)
    check_quiet(reader, server)


def test_the_keyboard_is_enough(context: BrowserContext, server: Server) -> None:
    reader = open_docs(context, server, "en")
    page = reader.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.locator("#extendVideo [role=tab][data-sample=curl]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#extendVideo [role=tab][data-sample=javascript]")).to_be_focused()
    expect(page.locator("#createVideo pre[data-sample=javascript]")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#extendVideo [role=tab][data-sample=python]")).to_be_focused()
