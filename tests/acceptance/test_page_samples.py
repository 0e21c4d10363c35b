# SPDX-License-Identifier: Apache-2.0
"""The documentation page's own request, in its three languages, on a fresh home with nothing configured.

Only host, scheme and key are replaced. The result is then watched in Chromium.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.acceptance.conftest import ADMIN_KEY, SAMPLE_ID, Launch, Server, longtake_environment

PAGE_URL, PAGE_HOST, PAGE_KEY = "https://api.quickrouter.ai", "api.quickrouter.ai", "{{YOUR_API_KEY}}"

CURL = r"""
curl --location --request POST 'https://api.quickrouter.ai/v1/video/extend' \
--header 'Accept: application/json' \
--header 'Authorization: Bearer {{YOUR_API_KEY}}' \
--header 'Content-Type: application/json' \
--data-raw '{
    "model": "grok-video-3",
    "prompt": "play with another white cat",
    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    "size": "1080p",
    "start_time": 3,
    "upscale": false
}'
"""

JAVASCRIPT = r"""
var myHeaders = new Headers();
myHeaders.append("Accept", "application/json");
myHeaders.append("Authorization", "Bearer {{YOUR_API_KEY}}");
myHeaders.append("Content-Type", "application/json");

var raw = JSON.stringify({
   "model": "grok-video-3",
   "prompt": "play with another white cat",
   "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
   "size": "1080p",
   "start_time": 3,
   "upscale": false
});

var requestOptions = {
   method: 'POST',
   headers: myHeaders,
   body: raw,
   redirect: 'follow'
};

fetch("https://api.quickrouter.ai/v1/video/extend", requestOptions)
   .then(response => response.text())
   .then(result => console.log(result))
   .catch(error => console.log('error', error));
"""

PYTHON = r"""
import http.client
import json

conn = http.client.HTTPSConnection("api.quickrouter.ai")
payload = json.dumps({
   "model": "grok-video-3",
   "prompt": "play with another white cat",
   "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
   "size": "1080p",
   "start_time": 3,
   "upscale": False
})
headers = {
   'Accept': 'application/json',
   'Authorization': 'Bearer {{YOUR_API_KEY}}',
   'Content-Type': 'application/json'
}
conn.request("POST", "/v1/video/extend", payload, headers)
res = conn.getresponse()
data = res.read()
print(data.decode("utf-8"))
"""


@pytest.fixture(scope="module")
def server(launch: Launch) -> Server:
    """A server on a fresh home, with nothing configured but the key that the samples hold."""
    return launch()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium: it has the H.264 decoder that Playwright's own build lacks."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def other_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web page of another origin: what a browser compares is scheme, host and port."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!doctype html><title>elsewhere</title><link rel=icon href=data:,>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield f"http://localhost:{pages.server_address[1]}/index.html"
        pages.shutdown()


def adapt(sample: str, server: Server) -> str:
    """The sample with host, scheme and key replaced."""
    sample = sample.replace("HTTPSConnection", "HTTPConnection").replace(PAGE_URL, server.url)
    return sample.replace(PAGE_HOST, f"{server.host}:{server.port}").replace(PAGE_KEY, ADMIN_KEY)


def run_sample(command: list[str]) -> str:
    """Run a sample's program; what it printed."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False, env=longtake_environment(),
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_and_cancel(printed: str, server: Server) -> None:
    """The printed answer is the documented task object; its work is called off to save time."""
    answer = json.loads(printed)
    assert answer["id"].startswith("grok:")
    assert answer["id"] != SAMPLE_ID
    assert answer["status"] == "processing"
    assert isinstance(answer["status_update_time"], int)
    assert answer["provider"] == "longtake"
    assert answer["model"] == "grok-video-3"
    assert server.request("POST", f"/v1/tasks/{answer['id']}/cancel").status == 200


@pytest.fixture(scope="module")
def result(server: Server) -> dict[str, object]:
    """What the curl sample's task came to."""
    answer = json.loads(
        run_sample(["bash", "-c", 'curl() { command curl -sS --max-time 20 "$@"; }\n' + adapt(CURL, server)])
    )
    assert answer["status"] == "processing"
    server.wait(answer["id"], 100)
    return server.request("GET", f"/v1/video/query?id={answer['id']}").json


def test_curl_sample_returns_a_longer_video_made_from_the_sample(result: dict[str, object], server: Server) -> None:
    assert result["status"] == "completed"
    metadata = result["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["mode"] == "stand_in"
    assert any("stand_in" in warning for warning in result["warnings"])  # type: ignore[attr-defined]
    # grok-video-3 makes 6 s; the head is the sample's first 3 s at 24 frames a second.
    assert metadata["duration"] == pytest.approx(9.0, abs=0.05)
    sample = server.request("GET", f"/v1/video/query?id={SAMPLE_ID}").json
    assert 8 <= sample["metadata"]["duration"] < metadata["duration"]
    assert metadata["head"]["frames"] == 72
    assert metadata["head"]["copied"] >= 72 - 16
    assert metadata["seam"]["luma_step"] <= max(1.5 * metadata["seam"]["median_step"], 1.5)
    video = server.request("GET", str(result["video_url"]).removeprefix(server.url), key="no-key-is-needed-here-at-all")
    assert video.status == 200
    assert video.headers["content-type"] == "video/mp4"
    assert video.body[4:8] == b"ftyp"
    assert len(video.body) == metadata["bytes"]


@pytest.mark.node
def test_javascript_sample_in_node(server: Server) -> None:
    check_and_cancel(run_sample(["node", "-e", adapt(JAVASCRIPT, server)]), server)


def test_python_sample(server: Server) -> None:
    check_and_cancel(run_sample([sys.executable, "-c", adapt(PYTHON, server)]), server)


@pytest.mark.chromium
def test_javascript_sample_in_chromium_from_another_origin(server: Server, browser: Browser, other_origin: str) -> None:
    page = browser.new_page()
    page.goto(other_origin)
    with page.expect_console_message(timeout=20_000) as message:
        page.add_script_tag(content=adapt(JAVASCRIPT, server))
    printed = message.value.text
    page.close()
    check_and_cancel(printed, server)


@pytest.mark.chromium
def test_the_result_plays_across_the_seam_in_chromium(
    server: Server, result: dict[str, object], browser: Browser, other_origin: str
) -> None:
    page = browser.new_page()
    page.goto(other_origin)
    watched = page.evaluate(
        """async (url) => {
            const video = document.createElement('video');
            video.muted = true; video.src = url;
            document.body.append(video);
            const failed = new Promise((_, no) => video.addEventListener('error', () => no(video.error.message)));
            const ready = new Promise(yes => video.addEventListener('loadeddata', yes));
            await Promise.race([ready, failed]);
            video.currentTime = 2;
            await Promise.race([new Promise(yes => video.addEventListener('seeked', yes)), failed]);
            const before = video.getVideoPlaybackQuality().totalVideoFrames;
            await video.play();
            const look = yes => video.currentTime > 4.2 ? yes() : setTimeout(() => look(yes), 50);
            const past = new Promise(look);
            await Promise.race([past, failed]);
            const after = video.getVideoPlaybackQuality().totalVideoFrames;
            return {duration: video.duration, width: video.videoWidth, height: video.videoHeight,
                    time: video.currentTime, frames: after - before, error: video.error && video.error.message};
        }""",
        str(result["video_url"]),
    )
    page.close()
    assert watched["error"] is None
    assert (watched["width"], watched["height"]) == (1920, 1080)
    assert watched["duration"] == pytest.approx(9.0, abs=0.1)
    assert watched["time"] > 4.2
    assert watched["frames"] >= 20


def test_an_unknown_task_is_refused_with_what_to_do(server: Server) -> None:
    body = {
        "model": "grok-video-3",
        "prompt": "on",
        "task_id": "grok:00000000-0000-4000-8000-000000000000",
        "start_time": 3,
    }
    answer = server.request("POST", "/v1/video/extend", body)
    assert answer.status == 400
    error = answer.json["error"]
    assert error["code"] == "task_not_exist"
    assert error["param"] == "task_id"
    assert "/v1/video/create" in error["message"]
    assert "/v1/files" in error["message"]
    assert error["message_zh"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_the_size_of_an_answer_needs_no_forwarded_header(server: Server, result: dict[str, object]) -> None:
    answer = server.request(
        "GET",
        f"/v1/video/query?id={result['id']}",
        headers={"X-Forwarded-Host": PAGE_HOST, "X-Forwarded-Proto": "https"},
    )
    assert str(answer.json["video_url"]).startswith(server.url)
    assert PAGE_HOST not in answer.body.decode()


def test_the_sample_is_labelled(server: Server) -> None:
    sample = server.request("GET", f"/v1/tasks/{SAMPLE_ID}").json
    assert sample["state"] == "succeeded"
    assert sample["metadata"]["duration"] >= 8
    assert Path(str(sample["video_url"]).split("?", maxsplit=1)[0]).suffix == ".mp4"
