# SPDX-License-Identifier: Apache-2.0
"""Money over the wire: quotes hold what they say, credit limits, refusals name amounts, and the ledger adds up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.fakes.toy_fleet import FAILED
from tests.http.contract import check_answer
from tests.http.workshop import ADMIN_KEY, Workshop, opened_workshop

from longtake.catalog.catalog import PriceFacts

# The toy clip is 320x180: three seconds of it are given, six are new.
PRICES = {"longtake-cpu": PriceFacts(second_usd={"720": "0.05"}, input_second_usd="0.01", most_input_s=2)}
PRICE = 6 * 50_000 + 2 * 10_000
BODY = {"model": "longtake-cpu", "prompt": "go on", "start_time": 3}
END_WITHIN_S = 20


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with opened_workshop(tmp_path_factory.mktemp("money"), prices=PRICES) as workshop:
        yield workshop


@pytest.fixture
def admin(workshop: Workshop) -> Iterator[httpx2.Client]:
    with workshop.client(ADMIN_KEY) as client:
        yield client


def tenant_key(admin: httpx2.Client, tenant: str, credit: str | None) -> str:
    body = {"tenant": tenant, **({} if credit is None else {"credit_usd": credit})}
    answer = admin.post("/v1/keys", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["secret"]


def end_of(client: httpx2.Client, task_id: str) -> dict[str, Any]:
    deadline_s = time.monotonic() + END_WITHIN_S
    while time.monotonic() < deadline_s:
        task = client.get(f"/v1/tasks/{task_id}").json()
        if task["state"] not in {"queued", "running"}:
            return task
        time.sleep(0.02)
    raise AssertionError("the task does not end")


def balance_of(client: httpx2.Client) -> dict[str, Any]:
    answer = client.get("/v1/balance")
    check_answer("GET", "/v1/balance", answer)
    return answer.json()


def test_a_quote_is_held_and_taken_and_said(workshop: Workshop, admin: httpx2.Client) -> None:
    with workshop.client(tenant_key(admin, "quoted", "1.00")) as client:
        body = {**BODY, "task_id": workshop.upload(client)}
        answer = client.post("/v1/quote", json=body)
        check_answer("POST", "/v1/quote", answer)
        quote = answer.json()
        assert (quote["operation"], quote["price"], quote["price_microusd"]) == ("extend", "0.32", PRICE)
        assert [(line["item"], line["quantity"], line["price"]) for line in quote["breakdown"]] == [
            ("new_seconds", 6, "0.30"),
            ("input_seconds", 2, "0.02"),
        ]
        assert (quote["covered"], quote["priced"], quote["provisional"]) == (True, True, False)
        assert quote["rule"].startswith("seconds-1/longtake-cpu/own-")
        assert balance_of(client)["balance"] == "1.00"
        made = client.post("/v1/video/extend", json=body).json()
        assert made["metadata"]["hold_microusd"] == PRICE
        done = end_of(client, made["id"])
        assert (done["status"], done["cost_microusd"]) == ("completed", PRICE)
        assert (done["metadata"]["cost_usd"], done["metadata"]["cost_microusd"]) == ("0.32", PRICE)
        left = balance_of(client)
        assert (left["balance"], left["held"], left["spent"], left["granted"]) == ("0.68", "0.00", "0.32", "1.00")
        usage = client.get("/api/usage/token").json()["data"]
        assert (usage["total_used"], usage["total_available"], usage["unlimited_quota"]) == (160_000, 340_000, False)
        assert usage["total_granted"] == 500_000


def test_what_fails_costs_nothing(workshop: Workshop, admin: httpx2.Client) -> None:
    workshop.house.fleet.outcomes["breaks"] = [FAILED]
    with workshop.client(tenant_key(admin, "unlucky", "1")) as client:
        body = {**BODY, "prompt": "breaks", "task_id": workshop.upload(client)}
        failed = end_of(client, client.post("/v1/video/extend", json=body).json()["id"])
        assert (failed["status"], failed["metadata"]["cost_usd"]) == ("failed", "0.00")
        assert balance_of(client)["balance"] == "1.00"


@pytest.mark.parametrize(
    ("mount", "status", "code"), [("", 403, "insufficient_user_quota"), ("/openai", 429, "insufficient_quota")]
)
def test_too_little_is_refused_with_the_amounts(
    workshop: Workshop, admin: httpx2.Client, mount: str, status: int, code: str
) -> None:
    with workshop.client(tenant_key(admin, f"poor{len(mount)}", "0.10")) as client:
        body = {**BODY, "task_id": workshop.upload(client)}
        assert client.post("/v1/quote", json=body).json()["covered"] is False
        path = f"{mount}/v1/videos/extensions" if mount else "/v1/video/extend"
        refused = client.post(path, json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
        for amount in ("$0.32", "$0.10", "$0.22"):
            assert amount in refused.json()["error"]["message"]
            assert amount in refused.json()["error"]["message_zh"]
        if mount:
            assert refused.headers["x-should-retry"] == "false"
        # What is free stays open, and so does what is small enough.
        assert client.post("/v1/video/extend", json={**body, "model": "grok-video-3"}).status_code == 200
        assert client.get("/v1/tasks").json()["data"][0]["metadata"]["cost_usd"] == "0.00"


def test_submits_at_once_are_accepted_as_far_as_the_balance_goes(workshop: Workshop, admin: httpx2.Client) -> None:
    key = tenant_key(admin, "eager", "1.00")
    with workshop.client(key) as client:
        body = {**BODY, "task_id": workshop.upload(client)}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.post("/v1/video/extend", json=body), range(16)))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [403] * 13
        for answer in answers:
            if answer.status_code == 200:
                assert end_of(client, answer.json()["id"])["status"] == "completed"
        assert balance_of(client)["balance_microusd"] == 1_000_000 - 3 * PRICE


def test_who_has_no_credit_set_has_no_limit(workshop: Workshop, admin: httpx2.Client) -> None:
    with workshop.client(tenant_key(admin, "free", None)) as client:
        body = {**BODY, "task_id": workshop.upload(client)}
        end_of(client, client.post("/v1/video/extend", json=body).json()["id"])
        found = balance_of(client)
        assert (found["prepaid"], found["balance"], found["spent"]) == (False, None, "0.32")
        assert client.get("/api/usage/token").json()["data"]["unlimited_quota"] is True


def test_credit_is_exact_and_a_reference_counts_once(workshop: Workshop, admin: httpx2.Client) -> None:
    for amount, reference, balance in (
        ("10", "a", "10.00"),
        ("10", "a", "10.00"),
        ("0.000001", "b", "10.000001"),
        (5, "c", "15.000001"),
        ("-15", "d", "0.000001"),
    ):
        answer = admin.post("/v1/balance", json={"tenant": "exact", "amount_usd": amount, "reference": reference})
        check_answer("POST", "/v1/balance", answer)
        assert answer.json()["balance"] == balance
    for body, status in (
        ({"tenant": "exact", "amount_usd": "11", "reference": "a"}, 422),
        ({"tenant": "exact", "amount_usd": "-1"}, 403),
        ({"tenant": "exact", "amount_usd": 0.1}, 400),
        ({"tenant": "exact", "amount_usd": "ten"}, 400),
        ({"tenant": "exact", "amount_usd": True}, 400),
        ({"tenant": "exact"}, 400),
        ({"tenant": "../x", "amount_usd": "1"}, 400),
        ({"amount_usd": "1"}, 400),
        ({"tenant": "exact", "amount_usd": "1", "reference": "a b"}, 400),
    ):
        assert admin.post("/v1/balance", json=body).status_code == status, body
    assert admin.post("/v1/keys", json={"tenant": "exact", "credit_usd": "-1"}).status_code == 400


def test_a_key_with_a_payment_may_be_asked_for_again(workshop: Workshop, admin: httpx2.Client) -> None:
    body = {"tenant": "again", "credit_usd": "25", "reference": "invoice-1"}
    answers = [admin.post("/v1/keys", json=body) for _ in range(2)]
    for answer in answers:
        check_answer("POST", "/v1/keys", answer)
        with workshop.client(answer.json()["secret"]) as client:
            assert balance_of(client)["balance"] == "25.00"
    other = admin.post("/v1/keys", json={**body, "credit_usd": "26"})
    assert (other.status_code, other.json()["error"]["param"]) == (422, "reference")
    alone = admin.post("/v1/keys", json={"tenant": "again", "reference": "invoice-2"})
    assert (alone.status_code, alone.json()["error"]["param"]) == (400, "reference")


def test_a_prepaid_tenant_may_be_let_off(workshop: Workshop, admin: httpx2.Client) -> None:
    with workshop.client(tenant_key(admin, "let-off", "0.10")) as client:
        body = {**BODY, "task_id": workshop.upload(client)}
        assert client.post("/v1/video/extend", json=body).status_code == 403
        for _ in range(2):
            answer = admin.post("/v1/balance", json={"tenant": "let-off", "prepaid": False})
            check_answer("POST", "/v1/balance", answer)
            assert (answer.json()["prepaid"], answer.json()["balance"], answer.json()["granted"]) == (
                False,
                None,
                "0.00",
            )
        assert end_of(client, client.post("/v1/video/extend", json=body).json()["id"])["status"] == "completed"
        assert admin.post("/v1/balance", json={"tenant": "let-off", "amount_usd": "1"}).json()["balance"] == "1.00"
        both = {"tenant": "let-off", "amount_usd": "1", "prepaid": False}
        assert admin.post("/v1/balance", json=both).json()["error"]["param"] == "amount_usd"
        assert client.post("/v1/balance", json={"tenant": "let-off", "prepaid": False}).status_code == 403


def test_keys_and_credit_come_as_forms_too(workshop: Workshop, admin: httpx2.Client) -> None:
    made = admin.post("/v1/keys", data={"tenant": "former", "name": "laptop", "admin": "no", "credit_usd": "1"})
    assert made.status_code == 200, made.text
    assert (made.json()["name"], made.json()["admin"]) == ("laptop", False)
    more = admin.post("/v1/balance", files={"tenant": (None, "former"), "amount_usd": (None, "2.50")})
    assert (more.status_code, more.json()["balance"]) == (200, "3.50"), more.text
    with_file = admin.post("/v1/keys", files={"name": ("a.txt", b"laptop")})
    assert (with_file.status_code, with_file.json()["error"]["param"]) == (400, "name")
    assert admin.post("/v1/keys", content=b"  ").status_code == 200


def test_a_quote_reads_the_bodies_of_all_operations_and_leaves_nothing(
    workshop: Workshop, admin: httpx2.Client
) -> None:
    with workshop.client(tenant_key(admin, "asker", None)) as client:
        source = workshop.upload(client)
        before = set(workshop.house.storage.keys())
        for body, operation in (
            ({"model": "longtake-cpu", "prompt": "x"}, "create"),
            ({"prompt": "x", "task_id": source, "model": "longtake-cpu"}, "extend"),
            ({"prompt": "x", "video": {"id": source}, "model": "longtake-cpu", "operation": "remix"}, "remix"),
        ):
            answer = client.post("/v1/quote", json=body)
            assert (answer.status_code, answer.json()["operation"]) == (200, operation), answer.text
        with_file = client.post(
            "/v1/quote",
            data={"prompt": "x", "model": "longtake-cpu", "operation": "extend"},
            files={"video": ("cat.mp4", b"toy 320 180 4.0 24\n")},
        )
        assert with_file.status_code == 200, with_file.text
        assert with_file.json()["operation"] == "extend"
        bad = client.post("/v1/quote", json={"prompt": "x", "operation": "fly"})
        assert (bad.status_code, bad.json()["error"]["param"]) == (400, "operation")
        assert client.post("/v1/quote", json={"prompt": "x", "task_id": "grok:nobody"}).status_code == 400
        assert client.get("/v1/tasks").json()["data"] == []
        assert set(workshop.house.storage.keys()) == before


def test_only_admin_keys_give_credit_and_look_into_the_ledger(workshop: Workshop, admin: httpx2.Client) -> None:
    with workshop.client(tenant_key(admin, "nosy", "1")) as client:
        assert client.post("/v1/balance", json={"tenant": "nosy", "amount_usd": "9"}).status_code == 403
        assert client.get("/v1/ledger/check").status_code == 403
        assert balance_of(client)["balance"] == "1.00"


def test_the_ledger_adds_up_at_the_end(admin: httpx2.Client) -> None:
    answer = admin.get("/v1/ledger/check")
    check_answer("GET", "/v1/ledger/check", answer)
    report = answer.json()
    assert (report["good"], report["problems"], report["unsettled"]) == (True, [], 0)
