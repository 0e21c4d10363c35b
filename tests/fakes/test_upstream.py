# SPDX-License-Identifier: Apache-2.0
"""The fake upstream does what it is told: wrong files, late and dropped answers, keys where none belong."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import av
import httpx2
import pytest
from tests.fakes.upstream.process import KEY, RunningUpstream, running_upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as running:
        running.set(render_s=0)
        yield running


def made(upstream: RunningUpstream, client: httpx2.Client) -> str:
    """The URL of a finished video."""
    asked = client.post(f"{upstream.url}/unified/v1/video/create", json={"model": "m", "prompt": "p", "duration": 1})
    found = client.get(f"{upstream.url}/unified/v1/video/query", params={"id": asked.json()["id"]}).json()
    assert found["status"] == "completed"
    return str(found["video_url"])


def test_files_are_real_and_spoilt_as_told(upstream: RunningUpstream) -> None:
    with (
        httpx2.Client(headers={"authorization": f"Bearer {KEY}"}, timeout=20) as client,
        httpx2.Client(timeout=20) as bare,
    ):
        url = made(upstream, client)
        whole = bare.get(url)
        with av.open(io.BytesIO(whole.content), "r") as container:
            assert container.streams.video[0].frames == 24
        part = bare.get(url, headers={"range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, whole.content[100:200])
        for fault, check in {
            "truncated": lambda got: got.content == whole.content[: len(whole.content) // 2],
            "json": lambda got: got.json() == {"error": "no such file"},
            "html": lambda got: got.text.startswith("<!doctype html>"),
            "empty": lambda got: got.content == b"",
            "gone": lambda got: got.status_code == 403,
        }.items():
            upstream.set(file=fault)
            assert check(bare.get(url)), fault
        upstream.set(file="")
        assert upstream.seen()["leaks"] == []
        client.get(url)
        assert len(upstream.seen()["leaks"]) == 1


def test_calls_are_spoilt_as_often_as_told(upstream: RunningUpstream) -> None:
    with httpx2.Client(headers={"authorization": f"Bearer {KEY}"}, timeout=20) as client:
        before = len(upstream.jobs())
        refusal: dict[str, object] = {
            "path": "create$",
            "times": 2,
            "status": 429,
            "headers": {"retry-after": "3"},
            "body": {"error": "slow"},
        }
        upstream.spoil(refusal, {"path": "create$", "drop": "before"}, {"path": "query", "latency_s": 0.3})
        body = {"model": "m", "prompt": "p"}
        url = f"{upstream.url}/unified/v1/video/create"
        answers = [client.post(url, json=body) for _ in range(2)]
        assert [(got.status_code, got.headers["retry-after"]) for got in answers] == [(429, "3")] * 2
        with pytest.raises(httpx2.TransportError):
            client.post(url, json=body)
        assert len(upstream.jobs()) == before
        assert client.post(url, json=body).status_code == 200
        assert len(upstream.jobs()) == before + 1
        began = time.monotonic()
        client.get(f"{upstream.url}/unified/v1/video/query", params={"id": "x"})
        assert time.monotonic() - began >= 0.3
        assert httpx2.post(url, json=body, headers={"authorization": "Bearer other"}).status_code == 401
