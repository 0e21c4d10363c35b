# SPDX-License-Identifier: Apache-2.0
"""The public names, that both clients have the same methods, and clients that are put together by hand."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import httpx2
import pytest
from tests.client.relay import Relay, Say

import longtake_client
import longtake_client._errors
from longtake_client import AsyncClient, AsyncTaskHandle, Client, TaskHandle

QUERY = "GET /v1/video/query"
TASK = {"id": "grok:1", "status": "processing"}


def test_exported_names() -> None:
    names = {name for name in vars(longtake_client) if not name.startswith("_")}
    assert set(longtake_client.__all__) == names
    errors = {name for name in names if isinstance(vars(longtake_client)[name], type) and _is_error(name)}
    drawn = inspect.getdoc(longtake_client._errors) or ""
    assert {name for name in errors if name not in drawn} == set()
    assert len(errors) > 15


def _is_error(name: str) -> bool:
    return issubclass(vars(longtake_client)[name], BaseException)


@pytest.mark.parametrize(("one", "other"), [(Client, AsyncClient), (TaskHandle, AsyncTaskHandle)])
def test_both_clients_have_the_same_methods(one: type, other: type) -> None:
    def face(of: type) -> dict[str, list[str]]:
        return {
            name: [str(parameter) for parameter in inspect.signature(found).parameters.values()]
            for name, found in inspect.getmembers(of, callable)
            if not name.startswith("_")
        }

    assert face(one) == face(other)
    assert len(face(one)) >= 6
    for found in (*vars(one).values(), *vars(other).values()):
        if inspect.isfunction(found) and not found.__name__.startswith("_"):
            assert inspect.getdoc(found)


def test_options_are_changed_for_a_copy(relay: Relay) -> None:
    relay.says(QUERY, Say(b"", 500, {"retry-after-ms": "1"}))
    with Client(url=relay.url, api_key="k") as client:
        hasty = client.with_options(max_retries=0, headers={"X-Team": "blue"})
        for one in (hasty, client):
            with pytest.raises(longtake_client.InternalServerError):
                one.query("grok:1")
    assert [asked.headers.get("x-team") for asked in relay.asked] == ["blue", None, None, None]


class Recorder(httpx2.BaseTransport):
    """Answers by itself."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.hosts.append(str(request.url.host))
        return httpx2.Response(200, json=TASK)


def test_a_transport_or_a_client_of_ones_own() -> None:
    recorder = Recorder()
    with Client(url="https://api.quickrouter.ai", api_key="k", transport=recorder) as client:
        assert client.query("grok:1").id == "grok:1"
    with httpx2.Client(transport=recorder) as mine:
        with Client(url="https://api.quickrouter.ai", api_key="k", http_client=mine) as client:
            assert client.task("grok:1").status().state == "running"
        assert not mine.is_closed
    assert recorder.hosts == ["api.quickrouter.ai"] * 2


async def app(scope: Any, receive: Any, send: Any) -> None:
    assert scope["path"] == "/v1/video/query"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"id": "grok:1", "status": "done"}'})


def test_the_other_client_takes_them_too() -> None:
    async def main() -> None:
        transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
        async with AsyncClient(url="http://in.process", api_key="k", transport=transport) as client:
            assert (await client.query("grok:1")).ended
        async with httpx2.AsyncClient(transport=transport) as mine:
            async with AsyncClient(url="http://in.process", api_key="k", http_client=mine) as client:
                assert (await client.task("grok:1").result()).ended
            assert not mine.is_closed

    asyncio.run(main())


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch, relay: Relay) -> None:
    monkeypatch.setenv("LONGTAKE_URL", f"{relay.url}/base/")
    monkeypatch.setenv("LONGTAKE_API_KEY", " secret ")
    relay.says("GET /base/v1/video/query", Say(TASK))
    with Client() as client:
        assert client.url == f"{relay.url}/base"
        client.query("grok:1")
    assert relay.asked[0].headers["authorization"] == "Bearer secret"
    monkeypatch.delenv("LONGTAKE_URL")
    assert Client().url == "http://127.0.0.1:8420"
