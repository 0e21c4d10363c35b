# SPDX-License-Identifier: Apache-2.0
"""Saving videos: from their own address or the content route, over broken connections, whole or not at all."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest
from tests.client.conftest import KEY, Caller
from tests.client.relay import Relay, Say

import longtake_client as lt

ID = "grok:48a67431-0708-46d1-9ab9-83cb84700153"
QUERY, CONTENT, FILE = "GET /v1/video/query", f"GET /v1/videos/{ID}/content", "GET /a.mp4"
VIDEO = os.urandom(900_000)
ETAG = {"ETag": '"v1"'}


def finished(relay: Relay, url: str | None) -> None:
    relay.says(QUERY, Say({"id": ID, "status": "completed", "video_url": url}))


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_video_on_another_server_is_fetched_without_the_key(
    call: Caller, relay: Relay, elsewhere: Relay, tmp_path: Path
) -> None:
    finished(relay, f"{elsewhere.url}/a.mp4")
    elsewhere.says(FILE, Say(VIDEO))
    told: list[tuple[int, int | None]] = []
    options = {"headers": {"X-Team": "blue"}}
    saved = call(relay.url, "save", ID, tmp_path / "a.mp4", on_bytes=lambda *of: told.append(of), options=options)
    assert saved == tmp_path / "a.mp4"
    assert saved.read_bytes() == VIDEO
    assert told[-1] == (len(VIDEO), len(VIDEO))
    (asked,) = elsewhere.asked
    assert not {"authorization", "x-team", "cookie"} & asked.headers.keys()
    assert KEY not in str(asked)
    assert asked.headers["accept-encoding"] == "identity"
    assert files_in(tmp_path) == ["a.mp4"]


def test_a_dead_link_is_passed_over_for_the_content_route(
    call: Caller, relay: Relay, elsewhere: Relay, tmp_path: Path
) -> None:
    relay.says(CONTENT, Say(VIDEO))
    for url in (f"{elsewhere.url}/gone.mp4", "http://127.0.0.1:9/a.mp4", None):
        finished(relay, url)
        call(relay.url, "task.save", ID, tmp_path / "a.mp4", options={"max_retries": 0})
        assert (tmp_path / "a.mp4").read_bytes() == VIDEO
        assert relay.of(CONTENT)[-1].headers["authorization"] == f"Bearer {KEY}"
    relay.says(CONTENT, Say({"error": {"message": "gone", "code": "asset_gone"}}, 410))
    with pytest.raises(lt.APIStatusError, match="gone"):
        call(relay.url, "save", ID, tmp_path / "b.mp4")
    assert files_in(tmp_path) == ["a.mp4"]


def test_other_files_of_a_task(call: Caller, relay: Relay, tmp_path: Path) -> None:
    relay.says(CONTENT, Say(b"picture"))
    call(relay.url, "save", ID, tmp_path / "a.jpg", variant="thumbnail")
    assert (tmp_path / "a.jpg").read_bytes() == b"picture"
    assert [asked.path for asked in relay.asked] == [f"/v1/videos/{ID}/content?variant=thumbnail"]


@pytest.mark.parametrize("word", ["processing", "failed"])
def test_what_has_no_video_is_not_saved(call: Caller, relay: Relay, tmp_path: Path, word: str) -> None:
    relay.says(QUERY, Say({"id": ID, "status": word}))
    with pytest.raises(lt.TaskFailed if word == "failed" else lt.TaskNotFinished):
        call(relay.url, "save", ID, tmp_path / "a.mp4")
    assert files_in(tmp_path) == []


CASES = {
    "resumed": ([Say(VIDEO, headers=ETAG, cut_after=300_000), Say(VIDEO, headers=ETAG, ranges=True)], ["300000-"]),
    "twice": (
        [Say(VIDEO, headers=ETAG, cut_after=300_000), Say(VIDEO, headers=ETAG, ranges=True, cut_after=100_000),
         Say(VIDEO, headers=ETAG, ranges=True)],
        ["300000-", "400000-"],
    ),
    "no ranges": ([Say(VIDEO, headers=ETAG, cut_after=300_000), Say(VIDEO, headers=ETAG)], ["300000-"]),
    "no etag": ([Say(VIDEO, cut_after=300_000), Say(VIDEO)], []),
    "weak etag": ([Say(VIDEO, headers={"ETag": 'W/"v1"'}, cut_after=300_000), Say(VIDEO)], []),
    "another file": (
        [Say(b"y" * 900_000, headers={"ETag": '"v0"'}, cut_after=300_000), Say(VIDEO, headers=ETAG, ranges=True)],
        ["300000-"],
    ),
    "wrong part": (
        [Say(VIDEO, headers=ETAG, cut_after=300_000),
         Say(VIDEO[5:], 206, {"Content-Range": f"bytes 5-{len(VIDEO) - 1}/{len(VIDEO)}"}), Say(VIDEO, headers=ETAG)],
        ["300000-"],
    ),
    "range refused": (
        [Say(VIDEO, headers=ETAG, cut_after=300_000), Say(b"", 416), Say(VIDEO, headers=ETAG)], ["300000-"],
    ),
    "packed": (
        [Say(gzip.compress(VIDEO), headers={**ETAG, "Content-Encoding": "gzip"}, cut_after=300_000),
         Say(VIDEO, headers=ETAG)],
        [],
    ),
    "packed part": (
        [Say(VIDEO, headers=ETAG, cut_after=300_000),
         Say(gzip.compress(VIDEO[300_000:]), 206,
             {"Content-Range": f"bytes 300000-{len(VIDEO) - 1}/{len(VIDEO)}", "Content-Encoding": "gzip"}),
         Say(VIDEO, headers=ETAG)],
        ["300000-"],
    ),
    "other length": (
        [Say(VIDEO, headers=ETAG, cut_after=300_000),
         Say(VIDEO[300_000:], 206, {"Content-Range": f"bytes 300000-{len(VIDEO)}/{len(VIDEO) + 1}"}),
         Say(VIDEO, headers=ETAG)],
        ["300000-"],
    ),
    "busy": (
        [Say(VIDEO, headers=ETAG, cut_after=300_000), Say(b"", 503, {"retry-after-ms": "1"}),
         Say(VIDEO, headers=ETAG, ranges=True)],
        ["300000-", "300000-"],
    ),
    "slow": ([Say(VIDEO[:2000], pause_s=0.05, piece_bytes=500)], []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_download_goes_on_where_it_broke_off(call: Caller, relay: Relay, tmp_path: Path, case: str) -> None:
    answers, ranges = CASES[case]
    finished(relay, f"{relay.url}/a.mp4")
    relay.says(FILE, *answers)
    call(relay.url, "save", ID, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == answers[-1].data
    asked = [one.headers["range"].removeprefix("bytes=") for one in relay.of(FILE) if "range" in one.headers]
    assert asked == ranges
    assert files_in(tmp_path) == ["a.mp4"]


def test_a_later_call_takes_up_what_is_there(call: Caller, relay: Relay, tmp_path: Path) -> None:
    finished(relay, f"{relay.url}/a.mp4")
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")
    relay.says(FILE, Say(VIDEO, headers=ETAG, cut_after=300_000), Say(b"", headers=ETAG, cut_after=-1))
    with pytest.raises(lt.APIConnectionError, match="300000 of 900000"):
        call(relay.url, "save", ID, target, options={"max_retries": 1})
    assert target.read_bytes() == b"old"
    part, _ = sorted(tmp_path.iterdir(), key=lambda path: path.suffix == ".mp4")
    assert (part.suffix, part.stat().st_size) == (".part", 300_000)
    relay.asked.clear()
    relay.says(FILE, Say(VIDEO, headers=ETAG), Say(VIDEO, headers=ETAG, ranges=True))
    call(relay.url, "save", ID, target)
    assert target.read_bytes() == VIDEO
    assert relay.of(FILE)[1].headers["range"] == "bytes=300000-"
    assert files_in(tmp_path) == ["a.mp4"]
    # Another file of the same name does not begin with the old one's bytes.
    relay.says(FILE, Say(VIDEO, headers=ETAG, cut_after=300_000), Say(b"", headers=ETAG, cut_after=-1))
    with pytest.raises(lt.APIConnectionError):
        call(relay.url, "save", ID, target, options={"max_retries": 0})
    relay.says(FILE, Say(b"z" * 900_000, headers={"ETag": '"v2"'}))
    call(relay.url, "save", ID, target)
    assert target.read_bytes() == b"z" * 900_000


def test_nothing_is_left_of_what_cannot_be_taken_up(call: Caller, relay: Relay, tmp_path: Path) -> None:
    finished(relay, f"{relay.url}/a.mp4")
    relay.says(FILE, Say(VIDEO, cut_after=300_000))
    with pytest.raises(lt.APIConnectionError):
        call(relay.url, "save", ID, tmp_path / "a.mp4", options={"max_retries": 0})
    assert files_in(tmp_path) == []

    def stop(received: int, expected: int | None) -> None:
        raise ZeroDivisionError

    relay.says(FILE, Say(VIDEO, headers=ETAG))
    with pytest.raises(ZeroDivisionError):
        call(relay.url, "save", ID, tmp_path / "a.mp4", on_bytes=stop)
    assert files_in(tmp_path) == []


def test_places_that_take_no_file_are_refused_before_anything_is_asked(
    call: Caller, relay: Relay, tmp_path: Path
) -> None:
    (tmp_path / "fifo").parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "fifo")
    for target in (tmp_path, tmp_path / "fifo", tmp_path / "missing" / "a.mp4", Path("/dev/null")):
        with pytest.raises(OSError, match=r"folder|device"):
            call(relay.url, "save", ID, target)
    assert relay.asked == []


def test_a_pipe_gets_the_bytes_too(call: Caller, relay: Relay) -> None:
    finished(relay, f"{relay.url}/a.mp4")
    relay.says(FILE, Say(VIDEO, headers=ETAG, cut_after=300_000), Say(VIDEO, headers=ETAG, ranges=True))
    file = io.BytesIO()
    assert call(relay.url, "write", ID, file) == len(VIDEO)
    assert file.getvalue() == VIDEO
    relay.says(FILE, Say(VIDEO, cut_after=300_000), Say(VIDEO))
    with pytest.raises(OSError, match="run it again"):
        call(relay.url, "write", ID, io.BytesIO())


def test_a_video_behind_a_redirect_is_taken_up_there(
    call: Caller, relay: Relay, elsewhere: Relay, tmp_path: Path
) -> None:
    finished(relay, f"{relay.url}/a.mp4")
    relay.says(FILE, Say(b"", 302, {"Location": f"{elsewhere.url}/a.mp4"}))
    elsewhere.says(FILE, Say(VIDEO, headers=ETAG, cut_after=300_000), Say(VIDEO, headers=ETAG, ranges=True))
    call(relay.url, "save", ID, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == VIDEO
    assert [asked.headers.get("range") for asked in elsewhere.asked] == [None, "bytes=300000-"]
    assert {asked.headers["accept-encoding"] for asked in elsewhere.asked} == {"identity"}
    assert all("authorization" not in asked.headers for asked in elsewhere.asked)
    assert all("authorization" in asked.headers for asked in relay.asked)
