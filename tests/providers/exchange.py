# SPDX-License-Identifier: Apache-2.0
"""Carrying what adapters say to the fake upstream and back, and short ways to write what they are given."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2
import msgspec
from tests.fakes.upstream.process import KEY

from longtake.egress.messages import FilePart, Request, Response
from longtake.providers.base import (
    Account,
    Follows,
    InputKind,
    PollFault,
    Provider,
    ProviderFault,
    ProviderJob,
    Refused,
    Trouble,
    Unclear,
    Update,
    VideoInput,
)
from longtake.types import SECOND_US, Operation

CALLER_KEY = "0190c9a2-7d43-7000-8000-000000000001"
_POLLS_END_AFTER_S = 20.0


def account(base_url: str = "https://maker.example", **options: object) -> Account:
    return Account(name="maker", base_url=base_url, options=options)


def job(operation: Operation = Operation.CREATE, **changes: object) -> ProviderJob:
    plain = ProviderJob(
        operation=operation, model="grok-video-3", prompt="a cat", caller_key=CALLER_KEY, new_us=6 * SECOND_US
    )
    return msgspec.structs.replace(plain, **changes)


def by_id(value: str) -> VideoInput:
    return VideoInput(kind=InputKind.ID, value=value, native={"id": value})


def answer(body: object = None, status: int = 200, **headers: str) -> Response:
    """An answer as JSON; a text or bytes as they are."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str | bytes):
        data = body.encode() if isinstance(body, str) else body
        return Response(status=status, body=data, headers={"content-type": "text/html", **named})
    data = b"" if body is None else json.dumps(body).encode()
    return Response(status=status, body=data, headers={"content-type": "application/json", **named})


def update_of(read: object) -> Update:
    assert isinstance(read, Update), read
    return read


def fault_in(read: Update | Refused | Unclear | PollFault) -> ProviderFault:
    """The fault of a refusal, of a poll that failed, or of a job that did."""
    assert not isinstance(read, Unclear), read
    assert read.fault is not None, read
    return read.fault


def trouble_in(read: Update | Refused | Unclear | PollFault) -> Trouble:
    return fault_in(read).trouble


def send(provider: Provider, who: Account, request: Request) -> Response:
    """Make the call, with the key."""
    headers = {**request.headers, **(provider.credential(who, KEY) if request.with_key else {})}
    with ExitStack() as opened, httpx2.Client(timeout=20) as client:
        content: dict[str, object] = {}
        if request.json is not None:
            content["json"] = request.json
        elif request.file is not None:
            content["content"] = request.file.read_bytes()
        elif request.parts:
            content["files"] = [
                (part.name, (part.filename, opened.enter_context(part.path.open("rb")), part.mime))
                if isinstance(part, FilePart)
                else (part.name, (None, part.text.encode()))
                for part in request.parts
            ]
        done = client.request(request.method, request.url, headers=headers, **content)  # pyright: ignore[reportArgumentType]
    return Response(
        status=done.status_code, body=done.content, headers={name.lower(): text for name, text in done.headers.items()}
    )


def submitted(provider: Provider, who: Account, what: ProviderJob) -> Update:
    """Submit, and expect that the job was taken."""
    return update_of(provider.read_submit(who, what, send(provider, who, provider.submit(who, what))))


def asked(provider: Provider, who: Account, handle: str) -> Update | PollFault:
    """Poll once, with what follows from it."""
    read = provider.read_poll(who, handle, send(provider, who, provider.poll(who, handle)))
    while isinstance(read, Update) and read.follow is not None:
        assert isinstance(provider, Follows)
        read = provider.read_follow(who, handle, send(provider, who, read.follow))
    return read


def ended(provider: Provider, who: Account, handle: str) -> Update:
    """Poll until the job has ended."""
    until = time.monotonic() + _POLLS_END_AFTER_S
    while time.monotonic() < until:
        read = asked(provider, who, handle)
        if isinstance(read, Update) and read.status not in {"queued", "running"}:
            return read
        time.sleep(0.05)
    raise AssertionError(f"job {handle} has not ended within {_POLLS_END_AFTER_S} s")


def fetched(provider: Provider, who: Account, made: Update, folder: Path) -> Path:
    """The finished file."""
    assert made.video is not None
    got = send(provider, who, Request(method="GET", url=made.video.url, with_key=made.video.with_key))
    assert got.status == 200, got
    path = folder / "fetched.mp4"
    path.write_bytes(got.body)
    return path
