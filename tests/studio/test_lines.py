# SPDX-License-Identifier: Apache-2.0
"""The lines that each page shows do what the page does."""

from __future__ import annotations

import shlex

import httpx2
import pytest
from tests.http.conftest import KEY, SAMPLE_ID, World

PAGES = [
    "/library.json",
    "/library.json?state=succeeded",
    f"/videos/{SAMPLE_ID}.json",
    "/create.json",
    f"/extend.json?task={SAMPLE_ID}&at=1",
    "/console/tasks.json",
    f"/console/tasks/{SAMPLE_ID}.json",
    "/console/providers.json",
    "/console/keys.json",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_itself_in_three_tongues(world: World, guest: httpx2.Client, page: str):
    lines = guest.get(page).json()["lines"]
    curl = shlex.split(lines["curl"].replace("\\\n", ""))
    assert curl[0] == "curl"
    url = next(word for word in curl if word.startswith("http"))
    assert url.startswith(f"{world.url}/v1/")
    assert "$LONGTAKE_API_KEY" in lines["curl"]
    assert KEY not in str(lines)
    if "-d" not in curl and "-X" not in curl:
        with world.client() as client:
            assert client.get(url).status_code == 200
    compile(lines["python"], page, "exec")
    assert shlex.split(lines["command"])[0] == "longtake"
    html = guest.get(page.replace("/library.json", "/").replace(".json", "")).text
    assert 'data-line="curl"' in html


def test_the_extend_pages_lines_follow_the_form_and_what_was_moved(guest: httpx2.Client):
    form = {"task_id": SAMPLE_ID, "start_time": "1.5", "duration": "500", "model": "longtake-cpu", "prompt": "it's on"}
    lines = guest.post("/extend/forecast", data={**form, "takes": "2"}).json()["lines"]
    words = shlex.split(lines["command"])
    assert words[words.index("--at") + 1 :][:3] == ["1.5", "--duration", "30"]
    assert words[words.index("--prompt") + 1] == "it's on"
