# SPDX-License-Identifier: Apache-2.0
"""What an operator is shown of a call to a maker: all that matters, nothing that opens anything, and never much."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from longtake.accounts import AccountSettings
from longtake.egress.access import Access
from longtake.egress.messages import FilePart, Request, Response, TextPart
from longtake.providers.base import Account
from longtake.providers.registry import find_provider
from longtake.routing.live_accounts import LiveAccount
from longtake.tasks.exchanges import MOST_ANSWERED_CHARS, MOST_ASKED_CHARS, answer_of, asked_of

KEY = "sk-canary-0123456789"
BASE = "https://relay.example/canary-path"


def asked(
    url: str = f"{BASE}/v1/video/create",
    *,
    json: object = None,
    parts: tuple[FilePart | TextPart, ...] = (),
    file: Path | None = None,
) -> str:
    settings = AccountSettings(name="a", kind="unified", base_url=BASE, models=["m"])
    account = LiveAccount(
        settings=settings,
        adapter=find_provider("unified"),
        account=Account(name="a", base_url=BASE),
        access=Access.to(BASE, headers={"Authorization": f"Bearer {KEY}"}),
        abilities={},
    )
    headers = {"Idempotency-Key": "the-callers", "Authorization": f"Bearer {KEY}"}
    return asked_of(account, Request("POST", url, headers, json=json, parts=parts, file=file))


def answered(body: str | bytes, status: int = 200) -> str:
    return answer_of(Response(status=status, body=body if isinstance(body, bytes) else body.encode()))


def test_a_request_is_its_method_its_path_and_its_body_with_files_cut():
    film = "data:video/mp4;base64," + base64.b64encode(bytes(900_000)).decode()
    text = asked(json={"model": "m", "seed": 1, "video": {"url": film}, "images": [film], "prompt": "雨" * 3000})
    head, _, body = text.partition("\n\n")
    assert head == "POST /v1/video/create"
    fields = json.loads(body)
    assert fields["model"] == "m"
    assert fields["seed"] == 1
    assert fields["images"] == [fields["video"]["url"]] == ["data:video/mp4;base64,… 1.2 MB"]
    assert fields["prompt"].startswith("雨" * 2000 + "… ")
    assert len(text) < 3000


def test_a_form_is_its_fields_and_the_names_of_its_files():
    parts = (
        TextPart(name="prompt", text="a cat"),
        FilePart(name="video", path=Path("/var/a/x.mp4"), filename="x.mp4", mime="video/mp4"),
    )
    assert asked(parts=parts) == "POST /v1/video/create\n\nprompt: a cat\nvideo: (video/mp4, x.mp4)"
    assert asked(file=Path("/var/a/x.mp4")).endswith("(x.mp4)")


def test_what_opens_something_is_left_out_of_a_request():
    text = asked(
        f"{BASE}/v1/query?id=7&key={KEY}",
        json={
            "video": "https://us.example/v1/inputs/0190.1/c2lnbmF0dXJl/a.mp4",
            "image": "https://cdn.example/a.png?X-Amz-Signature=c2lnbmF0dXJl&b=c2lnbmF0dXJl",
            "access_token": "c2lnbmF0dXJl",
            "prompt": f"my {KEY}",
        },
    )
    assert "c2lnbmF0dXJl" not in text
    assert KEY not in text
    assert "the-callers" not in text
    assert text.startswith("POST /v1/query?id=…&key=…\n")
    assert json.loads(text.partition("\n\n")[2]) == {
        "video": "https://us.example/v1/inputs/0190.1/…/a.mp4",
        "image": "https://cdn.example/a.png?…",
        "access_token": "…",
        "prompt": "my ~key~",
    }


@pytest.mark.parametrize(
    "body",
    [
        '{"url": "https://cdn.example/a.mp4?sig=c2lnbmF0dXJl"}',
        r'{"url": "https:\/\/cdn.example\/a.mp4?sig=c2lnbmF0dXJl"}',
        r'{"asked": "https:\/\/us.example\/v1\/inputs\/0190.1\/c2lnbmF0dXJl\/a.mp4"}',
        '{"upload": {"api_key": "c2lnbmF0dXJl", "X-Api-Key": "\\"c2lnbmF0dXJl"}}',
        '<a href="https://x.example/?c2lnbmF0dXJl">',
        '{"clientSecret" : "c2lnbmF0dXJl',
    ],
)
def test_what_opens_something_is_left_out_of_an_answer(body: str):
    text = answered(body, 403)
    assert text.startswith("403\n\n")
    assert "c2lnbmF0dXJl" not in text
    assert text.count("…") >= 1


def test_an_answer_is_cut_and_need_not_be_text():
    assert answered("") == "200"
    assert answered('{"a": "b"}', 500) == '500\n\n{"a": "b"}'
    assert len(answered("word " * 100_000)) <= MOST_ANSWERED_CHARS + 1
    assert answered(b"\x00\x00\x00\x18ftypmp42" + bytes(500_000)) == "200\n\n… 0.5 MB"
    assert answered(b"\xff\xfe broken").startswith("200\n\n")
    inline = json.dumps({"video": "data:video/mp4;base64," + base64.b64encode(b"film" * 9000).decode(), "id": "x"})
    assert answered(inline) == '200\n\n{"video": "data:video/mp4;base64,… 48.0 kB", "id": "x"}'


@pytest.mark.parametrize("piece", ["http://", '"token', "data:a/", "data:;", "token-", '"', "\\/", "/v1/inputs/a"])
def test_texts_made_to_be_slow_and_deep_ones_come_out(piece: str):
    assert len(answered(piece * 100_000)) <= MOST_ANSWERED_CHARS + 1
    deep: object = piece
    for _ in range(300):
        deep = [deep]
    assert len(asked(json={"a": deep, "b": [piece * 1000] * 1000})) <= MOST_ASKED_CHARS + 1
