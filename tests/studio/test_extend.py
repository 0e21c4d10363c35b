# SPDX-License-Identifier: Apache-2.0
"""The Extend page's facts, its forecast, and takes, over the wire and without a browser."""

from __future__ import annotations

import httpx2
import pytest
from tests.http.conftest import OWNER, SAMPLE_ID, World, picture_bytes

from longtake.engines.readers import prompt_reader


def test_the_page_offers_what_can_be_made_of_this_source(guest: httpx2.Client):
    page = guest.get(f"/extend.json?task={SAMPLE_ID}&at=1").json()
    assert page["source"]["id"] == SAMPLE_ID
    assert page["start_us"] == 1_000_000
    assert page["sheet"] == {"columns": 2, "rows": 1, "count": 2, "interval_us": 1_000_000}
    offer = next(one for one in page["offers"] if one["model"] == "longtake-cpu")
    assert (offer["makes"], offer["mode"], offer["total_us"]) == (True, "local", 7_000_000)
    assert page["chosen"] in {one["model"] for one in page["offers"] if one["makes"]}


@pytest.mark.parametrize(("at", "start_us"), [("", 2_000_000), ("99", 2_000_000), ("-3", 0), ("0.5", 500_000)])
def test_the_second_in_the_link_is_kept_within_the_video(guest: httpx2.Client, at: str, start_us: int):
    assert guest.get(f"/extend.json?task={SAMPLE_ID}&at={at}").json()["start_us"] == start_us


@pytest.mark.parametrize("query", [f"task={SAMPLE_ID}&at=x", "task=", "task=nope", f"task={SAMPLE_ID}&at=nan"])
def test_what_is_wrong_with_the_link_is_said(guest: httpx2.Client, query: str):
    answer = guest.get(f"/extend.json?{query}")
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["param"] in {"at", "task", "id"}
    assert "<h1>That did not work</h1>" in guest.get(f"/extend?{query}").text


def test_the_forecast_says_what_the_form_would_come_to(guest: httpx2.Client):
    form = {"task_id": SAMPLE_ID, "start_time": "1.5", "duration": "2", "size": "1080p", "model": "longtake-cpu"}
    answer = guest.post("/extend/forecast", data={**form, "prompt": "slow zoom in", "aspect_ratio": ""})
    offers = {one["model"]: one for one in answer.json()["offers"]}
    own = offers["longtake-cpu"]
    assert own["makes"] is True
    assert (own["total_us"], own["new_us"]) == (3_500_000, 2_000_000)
    assert own["head_kept"] is False
    assert min(own["width"], own["height"]) == 1080
    assert "zoom in" in own["understood"]


def test_the_forecast_refuses_in_the_words_of_the_api(world: World, guest: httpx2.Client):
    form = {"task_id": SAMPLE_ID, "start_time": "50", "duration": "1", "model": "longtake-cpu", "prompt": "…"}
    offers = guest.post("/extend/forecast", data=form).json()["offers"]
    own = next(one for one in offers if one["model"] == "longtake-cpu")
    with world.client() as client:
        refused = client.post("/v1/video/extend", json={**form, "prompt": "x"}).json()["error"]
    assert own["makes"] is False
    assert own["why_not"] in refused["message"]
    assert {one["param"] for one in offers} == {own["param"]} == {refused["param"]} == {"start_time"}


LONG = {"task_id": SAMPLE_ID, "start_time": "1", "duration": "500", "model": "longtake-cpu", "prompt": "on"}


def test_a_length_that_no_model_makes_is_moved_and_said(world: World, guest: httpx2.Client):
    offers = {one["model"]: one for one in guest.post("/extend/forecast", data=LONG).json()["offers"]}
    own = offers["longtake-cpu"]
    assert (own["makes"], own["new_us"], own["moves_length"]) == (True, 30_000_000, True)
    assert own["moved"] == ["New seconds: 30.00 s instead of 8:20.0, the most that longtake-cpu makes."]
    made = guest.post("/extend?lang=zh", data=LONG)
    task = world.run(world.service.get(OWNER, made.headers["location"].removeprefix("/videos/")))
    guest.post(f"/videos/{task.id}/cancel")
    assert task.plan.new_us == 30_000_000
    assert task.warnings[0] == "新增秒数由 8:20.0 改为 30.00 s：这是 longtake-cpu 的上限。"


def test_the_form_without_scripts_is_told_before_what_it_would_come_to(guest: httpx2.Client):
    """The same form, sent to the page by its other button."""
    look = {**LONG, "prompt": "slow zoom in", "takes": "2", "size": "480p", "seed": "7", "exact": "true", "look": "1"}
    page = guest.get("/extend", params=look).text
    assert "1.00 s kept + 30.00 s new = 31.00 s" in page
    assert "New seconds: 30.00 s instead of 8:20.0" in page
    assert "zoom in (slow" in page
    for held in ('value="30"', ">slow zoom in</textarea>", "<option selected>2", "<option selected>480p", 'value="7"'):
        assert held in page, held
    assert 'name="exact" value="true" checked' in page
    wrong = guest.get("/extend", params={**look, "duration": "long"})
    assert wrong.status_code == 200
    assert "duration" in wrong.text.partition('id="warnings"')[2][:200]


def test_takes_are_tasks_of_one_group_that_differ_by_their_seed(world: World, guest: httpx2.Client):
    form = {"task_id": SAMPLE_ID, "start_time": "1", "duration": "0.5", "model": "longtake-cpu", "prompt": "on"}
    made = guest.post("/extend", data={**form, "takes": "3", "seed": "7"})
    assert made.status_code == 303
    first = world.run(world.service.get(OWNER, made.headers["location"].removeprefix("/videos/")))
    takes = [
        node.task
        for node in world.run(world.service.lineage(OWNER, SAMPLE_ID)).tree.children
        if node.task.group_id == first.group_id
    ]
    assert [task.submission.seed for task in takes] == [7, 8, 9]
    assert first.group_id
    assert all("takes" not in task.submission.extra for task in takes)
    for task in takes:
        guest.post(f"/videos/{task.id}/cancel")


def test_a_files_name_is_kept_as_its_owner_sees_it(guest: httpx2.Client, clip: bytes):
    name = 'a "quoted" & ünïcode 视频 🎬;<b>.mp4'
    escaped = name.replace('"', "%22").encode()
    head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="' + escaped + b'"\r\n\r\n'
    taken = guest.post(
        "/upload",
        content=head + clip + b"\r\n--x--\r\n",
        headers={"content-type": "multipart/form-data; boundary=x", "accept": "application/json"},
    )
    page = taken.json()["location"]
    assert guest.get(page.replace("?", ".json?")).json()["source"]["title"] == name
    shown = guest.get(page).text
    assert "a &#34;quoted&#34; &amp; ünïcode 视频 🎬;&lt;b&gt;.mp4" in shown


def test_the_forecast_knows_that_the_source_was_deleted(guest: httpx2.Client, clip: bytes):
    taken = guest.post("/upload", files={"file": ("gone.mp4", clip)}, headers={"accept": "application/json"}).json()
    source = taken["location"].partition("task=")[2]
    form = {"task_id": source, "start_time": "1", "duration": "1", "model": "longtake-cpu", "prompt": "on"}
    assert any(one["makes"] for one in guest.post("/extend/forecast", data=form).json()["offers"])
    assert guest.post(f"/videos/{source}/delete").status_code == 303
    offers = guest.post("/extend/forecast", data=form).json()["offers"]
    assert {(one["makes"], one["param"]) for one in offers} == {(False, "task_id")}
    refused = guest.post("/extend", data=form)
    assert refused.status_code == 404
    assert "browser&#39;s Back" in refused.text


def test_a_picture_is_no_video_to_extend_and_is_not_kept(guest: httpx2.Client):
    before = len(guest.get("/library.json").json()["uploads"])
    refused = guest.post(
        "/upload", files={"file": ("photo.png", picture_bytes())}, headers={"accept": "application/json"}
    )
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "file")
    assert "this is a picture" in refused.json()["error"]["message"]
    assert len(guest.get("/library.json").json()["uploads"]) == before


@pytest.mark.parametrize("takes", ["0", "5", "x", "-1", "1.5"])
def test_takes_have_a_limit(guest: httpx2.Client, takes: str):
    form = {"task_id": SAMPLE_ID, "model": "longtake-cpu", "prompt": "on", "takes": takes}
    answer = guest.post("/extend", data=form, headers={"accept": "application/json"})
    assert answer.json()["error"]["param"] == "takes"


def test_the_built_in_engine_tells_before_what_it_tells_after():
    read = prompt_reader("classic")
    assert read is not None
    assert "zoom in" in read("slow zoom in, then snow", 6.0)
    assert "does not understand" in read("a cat sings", 6.0)
    assert prompt_reader("nobody's") is None


def test_a_refused_form_leaves_no_file_behind(world: World, guest: httpx2.Client, picture: bytes):
    before = set(world.run(world.store.asset_ids()))
    form = {"prompt": "a hill", "model": "longtake-cpu", "takes": "9"}
    answer = guest.post("/create", data=form, files={"image": ("hill.png", picture, "image/png")})
    assert answer.status_code == 400
    assert set(world.run(world.store.asset_ids())) == before


def test_a_chinese_visitor_is_told_in_chinese_what_went_wrong(guest: httpx2.Client):
    assert "请求参数无效" in guest.get(f"/extend?task={SAMPLE_ID}&at=x&lang=zh").text
    assert "at is no number" in guest.get(f"/extend?task={SAMPLE_ID}&at=x&lang=en").text
