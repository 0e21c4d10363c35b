# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: served as its snapshot has it, true of every body, with examples that work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.http.conftest import SAMPLE_ID, World, served_world
from tests.http.contract import DOCUMENT, as_json, check_answer, faults, fields_seen, shapes_of
from tests.http.test_rules import asset, task, url_of

from longtake.billing.prices import price_of
from longtake.errors import TaskNotFound
from longtake.http.describe.objects import SHAPES
from longtake.http.describe.operations import OPERATIONS
from longtake.http.dialects.openai import render_video, render_video_submitted
from longtake.http.dialects.superset import render_record, render_submitted, render_task
from longtake.http.errors import error_answer
from longtake.http.money import check_body, quote_body
from longtake.http.providers import provider_body, provider_list, route_body, tried_body
from longtake.store.accounts import Account, LedgerProblem, LedgerReport
from longtake.tasks.provider_desk import Candidate, ProviderStatus, ProviderTest, Route
from longtake.tasks.service import Quote
from longtake.types import Fault, Role, Step, Tariff

SNAPSHOT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"
EXAMPLES = [(method, path, example.name) for (method, path), row in OPERATIONS.items() for example in row.examples]
PLAN = msgspec.structs.replace(task(Step.QUEUED).plan, tariff=Tariff(rule="r", request_microusd=5))
PRICED = Quote(plan=PLAN, price=price_of(PLAN))
NO_LIMIT = Account(prepaid=False, balance_microusd=0, held_microusd=0, spent_microusd=0, granted_microusd=0)
BROKEN = LedgerReport(
    prepaid_tenants=1,
    tasks=1,
    rows=3,
    unsettled=0,
    problems=(LedgerProblem(kind="balance", subject="anna", found=1, wanted=2),),
)
FAULT = Fault(code="engine_failed", message="it broke", param="prompt", retryable=True)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a server as it comes, with the sample that longtake ships."""
    with served_world(tmp_path_factory.mktemp("fresh"), None) as world, world.client() as client:
        yield client


def test_it_is_served_to_everyone_as_the_snapshot_has_it(world: World) -> None:
    with world.client(None) as anybody:
        answer = anybody.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == json.loads(SNAPSHOT.read_text(encoding="utf-8")) == DOCUMENT


def test_who_has_it_already_gets_no_second_copy(client: httpx2.Client) -> None:
    etag = client.get("/openapi.json").headers["etag"]
    again = client.get("/openapi.json", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-length" not in again.headers
    assert client.get("/openapi.json", headers={"If-None-Match": '"other"'}).status_code == 200


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere_and_every_shape_is_used() -> None:
    found = set(references(DOCUMENT))
    for reference in found:
        place: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
    assert {name for name in SHAPES if f"#/components/schemas/{name}" not in found} == set()


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("fault", [None, FAULT])
def test_tasks_in_every_step_are_what_the_table_says(step: Step, fault: Fault | None) -> None:
    made = task(step, fault=fault)
    assert faults("Task", as_json(render_task(made, url_of))) == []
    assert faults("TaskRecord", as_json(render_record(made, url_of))) == []
    assert faults("Task", as_json(render_submitted(made))) == []
    assert faults("Video", as_json(render_video(made, url_of))) == []
    assert faults("Video", as_json(render_video_submitted(made))) == []


def test_a_body_with_one_field_more_or_less_is_noticed() -> None:
    body = as_json(render_task(task(Step.QUEUED), url_of))
    assert faults("Task", {**body, "odd": 1})
    assert faults("Task", {name: value for name, value in body.items() if name != "progress"})
    assert faults("Task", {**body, "metadata": {"mode": "magic"}})


@pytest.mark.parametrize(("method", "path", "name"), EXAMPLES)
def test_examples_work(fresh: httpx2.Client, method: str, path: str, name: str) -> None:
    content = DOCUMENT["paths"][path][method.lower()]["requestBody"]["content"]
    body = content["application/json"]["examples"][name]["value"]
    answer = fresh.request(method, path.replace("{id}", SAMPLE_ID), json=body)
    assert answer.status_code == 200, answer.text
    check_answer(method, path, answer)
    assert "x-longtake-ignored" not in answer.headers


def test_answers_of_a_real_server_hold_every_field_of_every_object(fresh: httpx2.Client, clip: bytes) -> None:
    """Each field of the table is somewhere in an answer, so that it promises nothing that never comes."""
    seen: set[tuple[str, str]] = set()

    def call(method: str, path: str, **options: Any) -> Any:
        answer = fresh.request(method, path.format(id=options.pop("id", "")), **options)
        check_answer(method, path, answer)
        content = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status_code)]["content"]
        shapes = shapes_of(content["application/json"]["schema"])
        shape = next(shape for shape in shapes if faults(shape, answer.json()) == [])
        seen.update(fields_seen(shape, answer.json()))
        return answer.json()

    made = call("POST", "/v1/video/extend", json={"prompt": "x", "task_id": SAMPLE_ID, "start_time": 1})["id"]
    call("GET", "/v1/video/query", params={"id": made})
    call("GET", "/v1/video/query", params={"id": SAMPLE_ID})
    call("GET", "/v1/tasks")
    call("GET", "/v1/videos")
    call("GET", "/v1/videos", headers={"X-Longtake-Dialect": "unified"})
    call("GET", "/v1/videos/{id}", id=made)
    call("POST", "/v1/videos/edits", json={"prompt": "x", "video": {"id": SAMPLE_ID}, "model": "longtake-cpu"})
    call("POST", "/v1/video/remix", json={"prompt": "x", "task_id": SAMPLE_ID, "model": "longtake-cpu"})
    call("GET", "/api/usage/token")
    call("GET", "/v1/tasks/{id}", id=made)
    call("GET", "/v1/tasks/{id}/timeline", id=SAMPLE_ID)
    call("GET", "/v1/tasks/{id}/provenance", id=SAMPLE_ID)
    call("POST", "/v1/tasks/{id}/cancel", id=made)
    call("DELETE", "/v1/tasks/{id}", id=made)
    call("POST", "/v1/files", files={"file": ("cat.mp4", clip, "video/mp4")})
    call("GET", "/v1/models")
    key = call("POST", "/v1/keys", json={"name": "for the table"})["id"]
    call("GET", "/v1/keys")
    call("DELETE", "/v1/keys/{id}", id=key)
    call("POST", "/v1/quote", json={"prompt": "x", "task_id": SAMPLE_ID})
    call("POST", "/v1/balance", json={"tenant": "studio-7", "amount_usd": "1.50"})
    call("GET", "/v1/balance")
    call("GET", "/v1/ledger/check")
    seen.update(fields_seen("Quote", as_json(quote_body("sora-2", PRICED, NO_LIMIT))))
    seen.update(fields_seen("LedgerCheck", as_json(check_body(BROKEN))))
    for path in ("/healthz", "/readyz", "/", "/openapi.json"):
        call("GET", path)
    assert [row["name"] for row in call("GET", "/v1/providers")["data"]] == ["relay-a"]
    assert [row["can"] for row in call("GET", "/v1/route", params={"model": "grok-video-3"})["data"]] == [True, True]
    # Servers with providers are in tests/acceptance/test_providers.py, where these shapes are checked too.
    status = ProviderStatus(
        name="relay-a",
        kind="unified",
        models={"a": "b"},
        enabled=True,
        usable=True,
        priority=1,
        in_flight=0,
        max_in_flight=5,
    )
    result = ProviderTest(name="relay-a", works=True, said="it answers", took_ms=3)
    candidate = Candidate(
        account="relay-a", name="a", priority=1, model="b", can=True, reason="ready", why="ready", mode="native"
    )
    route = route_body(Route(model="a", stands_for=("a",), candidates=(candidate,)))
    for shape, body in (
        ("Provider", provider_body(status)),
        ("ProviderList", provider_list([status])),
        ("ProviderTest", tried_body(result)),
        ("Route", route),
        ("Candidate", as_json(route)["data"][0]),
    ):
        assert faults(shape, as_json(body)) == []
        seen.update(fields_seen(shape, as_json(body)))
    assets = {role: asset(role) for role in (Role.VIDEO, Role.NEW_PART, Role.THUMBNAIL, Role.SPRITE, Role.SEAM)}
    for ended in (task(Step.SUCCEEDED, assets=assets), task(Step.FAILED, fault=FAULT)):
        seen.update(fields_seen("Task", as_json(render_task(ended, url_of))))
        seen.update(fields_seen("Video", as_json(render_video(ended, url_of))))
        seen.update(fields_seen("TaskRecord", as_json(render_record(ended, url_of))))
    seen.update(fields_seen("Error", json.loads(error_answer(TaskNotFound("x"), "r").body)))
    promised = {(shape.name, field.name) for shape in SHAPES.values() for field in shape.fields}
    assert promised - seen == set()


@pytest.mark.parametrize(
    ("method", "path", "dialect", "shape"),
    [
        ("POST", "/v1/video/create", "openai", "Video"),
        ("POST", "/v1/videos", "unified", "Task"),
        ("GET", "/v1/videos", "unified", "UnifiedVideoList"),
        ("GET", "/v1/videos/{id}", "unified", "Task"),
    ],
)
def test_what_another_dialect_answers_is_in_the_document(
    client: httpx2.Client, method: str, path: str, dialect: str, shape: str
) -> None:
    assert [field["name"] for field in DOCUMENT["paths"][path][method.lower()]["parameters"]].count(
        "X-Longtake-Dialect"
    ) == 1
    create = {"model": "longtake-cpu", "prompt": "the sea"}
    # One that has not ended: the words for an end are the same in both.
    url = path.replace("{id}", client.post("/v1/videos", json=create).json()["id"])
    body = create if method == "POST" else None
    answer = client.request(method, url, json=body, headers={"X-Longtake-Dialect": dialect})
    check_answer(method, path, answer)
    assert faults(shape, answer.json()) == []
    assert faults(shape, client.request(method, url, json=body).json()) != []


@pytest.mark.parametrize(
    ("method", "path", "url", "status"),
    [
        ("GET", "/v1/tasks/{id}", "/v1/tasks/none", 404),
        ("GET", "/v1/tasks", "/v1/tasks?limit=0", 400),
        ("POST", "/v1/video/extend", "/v1/video/extend", 400),
        ("DELETE", "/v1/keys/{id}", "/v1/keys/none", 400),
        ("GET", "/v1/videos/{id}/content", f"/v1/videos/{SAMPLE_ID}/content", 200),
        ("GET", "/v1/videos/{id}/content", f"/v1/videos/{SAMPLE_ID}/content?variant=new_part", 410),
        ("GET", "/v1/assets/{asset_id}/{name}", "/v1/assets/a/b.mp4", 403),
        ("GET", "/v1/inputs/{job}/{signature}/{name}", "/v1/inputs/a.1/b/c.mp4", 403),
    ],
)
def test_refusals_are_in_the_document(client: httpx2.Client, method: str, path: str, url: str, status: int) -> None:
    answer = client.request(method, url)
    assert answer.status_code == status
    check_answer(method, path, answer)


def test_no_key_is_in_the_document(world: World) -> None:
    with world.client(None) as anybody:
        check_answer("GET", "/v1/tasks", answer := anybody.get("/v1/tasks"))
    assert answer.status_code == 401
