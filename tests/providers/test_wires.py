# SPDX-License-Identifier: Apache-2.0
"""Adapters against the fake upstream: real requests, real files, and its tricks."""

from __future__ import annotations

from pathlib import Path

import av
import httpx2
import msgspec
import openai
import pytest
from tests.fakes.upstream.process import KEY, RunningUpstream
from tests.providers.exchange import account, asked, by_id, ended, fetched, job, send, submitted, trouble_in

from longtake.providers.base import Account, InputKind, Provider, Trouble, VideoInput
from longtake.providers.openai_videos import OpenAiVideosProvider
from longtake.providers.unified import UnifiedProvider
from longtake.types import Operation

UNIFIED, OPENAI = UnifiedProvider(), OpenAiVideosProvider()
WIRES: list[tuple[Provider, str, dict[str, object]]] = [
    (UNIFIED, "unified", {"server": "longtake"}),
    (OPENAI, "openai", {"server": "longtake"}),
]
WIRE_IDS = [prefix for _, prefix, _ in WIRES]


def seconds_of(path: Path) -> float:
    with av.open(path, "r") as container:
        stream = container.streams.video[0]
        return stream.frames / float(stream.average_rate or 1)


def at(upstream: RunningUpstream, prefix: str, options: dict[str, object]) -> Account:
    return account(f"{upstream.url}/{prefix}", **options)


@pytest.mark.parametrize(("provider", "prefix", "options"), WIRES, ids=WIRE_IDS)
def test_a_video_is_made_and_extended_from_any_second(
    upstream: RunningUpstream, tmp_path: Path, provider: Provider, prefix: str, options: dict[str, object]
) -> None:
    who = at(upstream, prefix, options)
    first = ended(provider, who, submitted(provider, who, job(model="longtake-cpu")).handle)
    assert seconds_of(fetched(provider, who, first, tmp_path)) == pytest.approx(1.0)
    wish = job(Operation.EXTEND, model="longtake-cpu", source=by_id(first.native["id"]), start_us=500_000)
    longer = ended(provider, who, submitted(provider, who, wish).handle)
    assert seconds_of(fetched(provider, who, longer, tmp_path)) == pytest.approx(1.5)
    assert upstream.seen()["leaks"] == []


@pytest.mark.parametrize(("provider", "prefix", "options"), WIRES, ids=WIRE_IDS)
def test_one_key_makes_one_job(
    upstream: RunningUpstream, provider: Provider, prefix: str, options: dict[str, object]
) -> None:
    upstream.set(counts_once=True)
    who = at(upstream, prefix, options)
    wish = msgspec.structs.replace(job(model="longtake-cpu"), caller_key=f"once-{prefix}")
    request = provider.submit(who, wish)
    upstream.spoil({"path": f"^/{prefix}/v1/video", "method": "POST", "drop": "after"})
    with pytest.raises(httpx2.TransportError):
        send(provider, who, request)
    assert submitted(provider, who, wish).handle == upstream.jobs(wish.caller_key)[0]["id"]
    assert [found["submits"] for found in upstream.jobs(wish.caller_key)] == [2]


@pytest.mark.parametrize("style", ["", "bare", "detail", "words", "content"])
def test_a_relay_is_understood_however_it_answers(upstream: RunningUpstream, tmp_path: Path, style: str) -> None:
    upstream.set(style=style)
    who = at(upstream, "unified", {})
    made = ended(UNIFIED, who, submitted(UNIFIED, who, job()).handle)
    assert made.status == "succeeded"
    assert seconds_of(fetched(UNIFIED, who, made, tmp_path)) == pytest.approx(1.0)
    upstream.set(outcome="moderated" if style != "detail" else "failed")
    failed = ended(UNIFIED, who, submitted(UNIFIED, who, job()).handle)
    assert failed.status == "failed"
    assert trouble_in(failed) is (Trouble.UPSTREAM if style == "detail" else Trouble.MODERATION)


@pytest.mark.parametrize("style", ["", "relay", "vllm-omni"])
def test_a_videos_server_is_understood_however_it_answers(
    upstream: RunningUpstream, tmp_path: Path, style: str
) -> None:
    upstream.set(style=style)
    who = at(upstream, "openai", {})
    made = ended(OPENAI, who, submitted(OPENAI, who, job()).handle)
    assert seconds_of(fetched(OPENAI, who, made, tmp_path)) == pytest.approx(1.0)
    upstream.set(outcome="failed")
    assert trouble_in(ended(OPENAI, who, submitted(OPENAI, who, job()).handle)) is Trouble.UPSTREAM


def test_a_file_is_extended(upstream: RunningUpstream, tmp_path: Path) -> None:
    for provider, prefix in ((UNIFIED, "unified"), (OPENAI, "openai")):
        who = at(upstream, prefix, {"server": "longtake"})
        made = ended(provider, who, submitted(provider, who, job(model="longtake-cpu")).handle)
        source = VideoInput(kind=InputKind.UPLOAD, path=fetched(provider, who, made, tmp_path))
        if provider is UNIFIED:
            source = UNIFIED.read_upload(who, source, send(UNIFIED, who, UNIFIED.upload(who, source)))
        longer = ended(provider, who, submitted(provider, who, job(Operation.EXTEND, source=source)).handle)
        assert seconds_of(fetched(provider, who, longer, tmp_path)) == pytest.approx(2.0)


def test_a_lost_job_and_a_wrong_key(upstream: RunningUpstream) -> None:
    upstream.set(outcome="lost", render_s=0)
    for provider, prefix, options in WIRES:
        who = at(upstream, prefix, options)
        handle = submitted(provider, who, job()).handle
        assert trouble_in(asked(provider, who, handle)) is Trouble.NOT_FOUND
        upstream.set(key="another")
        assert trouble_in(asked(provider, who, handle)) is Trouble.AUTH
        upstream.set(key=KEY)


def test_a_delete_stops_a_job_of_vllm_omni(upstream: RunningUpstream) -> None:
    upstream.set(outcome="stuck")
    who = at(upstream, "openai", {"server": "vllm-omni"})
    handle = submitted(OPENAI, who, job()).handle
    for request in OPENAI.cancel(who, handle):
        assert send(OPENAI, who, request).is_success
    assert upstream.jobs()[-1]["state"] == "cancelled"


def test_openais_own_client_reads_the_fake(upstream: RunningUpstream) -> None:
    """The vendor's parser finds in the fake's answers what it finds in OpenAI's: so the fake is a fair stand-in."""
    with openai.OpenAI(api_key=KEY, base_url=f"{upstream.url}/openai/v1", max_retries=0, timeout=20) as client:
        made = client.post(
            "/videos", body={"prompt": "a cat", "model": "sora-2", "seconds": "4"}, cast_to=openai.types.Video
        )
        assert made.status == "queued"
        longer = None
        for _ in range(100):
            now = client.get(f"/videos/{made.id}", cast_to=openai.types.Video)
            if now.status == "completed":
                body = {"prompt": "on", "seconds": "4", "video": {"id": made.id}}
                longer = client.post("/videos/extensions", body=body, cast_to=openai.types.Video)
                break
        assert longer is not None
        assert longer.object == "video"
        with pytest.raises(openai.NotFoundError):
            client.get("/videos/none", cast_to=openai.types.Video)
