# SPDX-License-Identifier: Apache-2.0
"""Adapters against the fake upstream: real requests, real files, and its tricks."""

from __future__ import annotations

import base64
from pathlib import Path

import av
import fal_client
import httpx
import httpx2
import msgspec
import openai
import pytest
from tests.fakes.upstream.clips import make_clip
from tests.fakes.upstream.process import KEY, RunningUpstream
from tests.providers.exchange import account, asked, by_id, ended, fetched, job, send, submitted, trouble_in

from longtake.providers.base import (
    Account,
    Cancels,
    InputKind,
    Provider,
    ProviderJob,
    Trouble,
    Unclear,
    Update,
    Uploads,
    VideoInput,
)
from longtake.providers.comfyui.provider import ComfyUiProvider
from longtake.providers.fal import FalProvider
from longtake.providers.openai_videos import OpenAiVideosProvider
from longtake.providers.unified import UnifiedProvider
from longtake.providers.xai import XaiProvider
from longtake.types import Operation

UNIFIED, OPENAI = UnifiedProvider(), OpenAiVideosProvider()
XAI, FAL, COMFYUI = XaiProvider(), FalProvider(), ComfyUiProvider()
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


REMOTE: list[tuple[Provider, str, str, InputKind, str]] = [
    (XAI, "xai", "grok-imagine-video", InputKind.INLINE, ""),
    (XAI, "xai", "grok-imagine-video", InputKind.UPLOAD, "progress"),
    (XAI, "xai", "grok-imagine-video", InputKind.INLINE, "null"),
    (FAL, "fal", "grok-imagine-video", InputKind.INLINE, ""),
    (FAL, "fal", "seedance-2.5", InputKind.INLINE, ""),
    (COMFYUI, "comfyui", "ltx", InputKind.UPLOAD, ""),
    (COMFYUI, "comfyui", "ltx", InputKind.UPLOAD, "old"),
    (COMFYUI, "comfyui", "ltx", InputKind.UPLOAD, "gifs"),
]
MADE_AND_EXTENDED_S = {"xai": (2.0, 4.0), "fal": (1.0, 2.0), "comfyui": (1.0, 41 / 24)}
"""xAI takes nothing shorter than two seconds; LTX sees 17 of the source's frames, and makes 8n + 1 with them."""
LTX: dict[str, object] = {"workflows": {"ltx": {"create": "ltx-create", "extend": "ltx-extend"}}}


def given(provider: Provider, who: Account, path: Path, kind: InputKind) -> VideoInput:
    """A file as the provider is given it."""
    if kind is InputKind.INLINE:
        return VideoInput(kind=kind, value=f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}")
    staged = VideoInput(kind=kind, path=path, duration_us=1_000_000, width=160, height=96)
    assert isinstance(provider, Uploads)
    return provider.read_upload(who, staged, send(provider, who, provider.upload(who, staged)))


@pytest.mark.parametrize(("provider", "prefix", "model", "kind", "style"), REMOTE)
def test_makers_that_go_on_from_the_end_do(  # noqa: PLR0917
    upstream: RunningUpstream, tmp_path: Path, provider: Provider, prefix: str, model: str, kind: InputKind, style: str
) -> None:
    made_s, longer_s = MADE_AND_EXTENDED_S[prefix]
    upstream.set(style=style, new_s=made_s)
    who = at(upstream, prefix, LTX if prefix == "comfyui" else {})
    first = ended(provider, who, submitted(provider, who, job(model=model, caller_key=f"first {style}")).handle)
    source = given(provider, who, fetched(provider, who, first, tmp_path), kind)
    wish = job(Operation.EXTEND, model=model, source=source, caller_key=f"second {style}", new_us=1_000_000)
    longer = ended(provider, who, submitted(provider, who, wish).handle)
    assert seconds_of(fetched(provider, who, longer, tmp_path)) == pytest.approx(longer_s)
    assert (longer.cost_microusd == 140_000) is (prefix == "xai")
    assert upstream.seen()["leaks"] == []


@pytest.mark.parametrize(
    ("provider", "prefix", "model"),
    [(XAI, "xai", "grok-imagine-video"), (FAL, "fal", "ltx-2.3"), (COMFYUI, "comfyui", "ltx-create")],
)
def test_what_goes_wrong_is_told(upstream: RunningUpstream, provider: Provider, prefix: str, model: str) -> None:
    who = at(upstream, prefix, {})
    upstream.set(outcome="failed")
    failed = ended(provider, who, submitted(provider, who, job(model=model, caller_key="failed")).handle)
    assert (failed.status, trouble_in(failed)) == ("failed", Trouble.UPSTREAM)
    if provider is not COMFYUI:
        upstream.set(outcome="moderated")
        blocked = ended(provider, who, submitted(provider, who, job(model=model, caller_key="blocked")).handle)
        assert trouble_in(blocked) is Trouble.MODERATION
    upstream.set(outcome="lost", render_s=0)
    lost = submitted(provider, who, job(model=model, caller_key="lost")).handle
    assert trouble_in(asked(provider, who, lost)) is Trouble.NOT_FOUND


@pytest.mark.parametrize(("provider", "prefix", "model"), [(FAL, "fal", "ltx-2.3"), (COMFYUI, "comfyui", "ltx-create")])
def test_a_running_job_is_called_off(upstream: RunningUpstream, provider: Provider, prefix: str, model: str) -> None:
    upstream.set(outcome="stuck")
    who = at(upstream, prefix, {})
    handle = submitted(provider, who, job(model=model, caller_key="running")).handle
    for _ in range(3):
        asked(provider, who, handle)
    assert isinstance(provider, Cancels)
    for request in provider.cancel(who, handle):
        assert send(provider, who, request).is_success
    over = asked(provider, who, handle)
    assert isinstance(over, Update)
    assert over.status in {"cancelled", "failed"}


@pytest.mark.parametrize("style", ["", "old"])
def test_a_prompt_whose_answer_was_lost_is_found_and_not_sent_again(upstream: RunningUpstream, style: str) -> None:
    upstream.set(style=style)
    who = at(upstream, "comfyui", {})
    wish = job(model="ltx-create", caller_key=f"lost answer {style}")

    def found() -> str | None:
        read = COMFYUI.read_recover(who, wish, send(COMFYUI, who, COMFYUI.recover(who, wish)))
        assert isinstance(read, Update)
        if read.follow is None:
            return read.handle
        followed = COMFYUI.read_follow(who, read.handle, send(COMFYUI, who, read.follow))
        return followed.handle if isinstance(followed, Update) else None

    assert found() is None
    upstream.spoil({"path": "/prompt", "drop": "after"})
    with pytest.raises(httpx2.TransportError):
        send(COMFYUI, who, COMFYUI.submit(who, wish))
    waiting = found()
    assert waiting is not None
    assert ended(COMFYUI, who, waiting).status == "succeeded"
    assert found() == waiting
    assert len([made for made in upstream.jobs() if wish.caller_key in str(made["caller_key"])]) <= 1


FAULTS = [
    ("429", {"status": 429, "headers": {"retry-after": "7"}, "body": {"error": "slow down"}}, Trouble.RATE_LIMITED),
    ("402", {"status": 402, "body": {"error": {"message": "top up"}}}, Trouble.FUNDS),
    ("500 after accepting", {"status": 500, "after": True, "body": {"error": "oops"}}, None),
    ("a page after accepting", {"status": 200, "after": True, "text": "<html>"}, None),
]
SUBMITS: list[tuple[Provider, str, ProviderJob]] = [
    (UNIFIED, "unified", job()),
    (OPENAI, "openai", job()),
    (XAI, "xai", job(model="grok-imagine-video")),
    (FAL, "fal", job(model="ltx-2.3")),
    (COMFYUI, "comfyui", job(model="ltx-create")),
]


@pytest.mark.parametrize(("rule", "trouble"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
@pytest.mark.parametrize(("provider", "prefix", "wish"), SUBMITS, ids=[row[1] for row in SUBMITS])
def test_a_submit_that_went_wrong_is_refused_or_unclear(  # noqa: PLR0917
    upstream: RunningUpstream,
    provider: Provider,
    prefix: str,
    wish: ProviderJob,
    rule: dict[str, object],
    trouble: Trouble | None,
) -> None:
    """Refused only where surely nothing was taken; what was taken behind a broken answer is never called refused."""
    before = len(upstream.jobs())
    wish = msgspec.structs.replace(wish, caller_key=f"spoilt {before}")
    upstream.spoil({"path": f"^/{prefix}/", "method": "POST", **rule})
    who = at(upstream, prefix, {})
    read = provider.read_submit(who, wish, send(provider, who, provider.submit(who, wish)))
    taken = len(upstream.jobs()) - before
    if trouble is None:
        assert isinstance(read, Unclear)
        assert taken == 1
    else:
        assert trouble_in(read) is trouble
        assert taken == 0


def test_fals_own_client_uploads_to_the_fakes_storage(
    upstream: RunningUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As fal's client sends a file to fal's storage, so the fake takes it: and what it takes can be extended."""
    monkeypatch.setattr("fal_client.client.REST_URL", f"{upstream.url}/fal")
    client = fal_client.SyncClient(key=KEY, default_timeout=20)
    clip = make_clip(4, 160, 96)
    with client._client:  # pyright: ignore[reportPrivateUsage]  (it has no way of its own to close its connections)
        url = client.upload(clip, "video/mp4", "video.mp4", repository="fal", fallback_repository=[])
    assert url.startswith(f"{upstream.url}/storage/")
    who = at(upstream, "fal", {})
    wish = job(Operation.EXTEND, model="ltx-2.3", source=VideoInput(kind=InputKind.URL, value=url))
    longer = ended(FAL, who, submitted(FAL, who, wish).handle)
    assert longer.status == "succeeded"
    assert upstream.jobs()[-1]["source_bytes"] == len(clip)


def test_a_file_goes_to_fals_storage_by_a_link_that_never_gets_the_key(
    upstream: RunningUpstream, tmp_path: Path
) -> None:
    who = at(upstream, "fal", {"storage_url": f"{upstream.url}/fal"})
    path = tmp_path / "head.mp4"
    path.write_bytes(make_clip(4, 160, 96))
    staged = VideoInput(kind=InputKind.UPLOAD, path=path)
    request, ready = FAL.read_link(who, staged, send(FAL, who, FAL.ask_for_link(who, staged)))
    assert (request.method, request.with_key, request.file) == ("PUT", False, path)
    assert "86400" in request.url, "it is kept for a day"
    assert send(FAL, who, request).is_success
    longer = ended(FAL, who, submitted(FAL, who, job(Operation.EXTEND, model="ltx-2.3", source=ready)).handle)
    assert longer.status == "succeeded"
    assert upstream.jobs()[-1]["source_bytes"] == path.stat().st_size
    assert upstream.seen()["leaks"] == []


def test_fals_own_client_reads_the_fake(upstream: RunningUpstream) -> None:
    """fal's client follows the fake's queue as it does fal's: submit, status, result, failure and cancel."""
    upstream.set(style="own")
    with httpx.Client(headers={"Authorization": f"Key {KEY}"}, timeout=20) as client:

        def submitted_by_hand(body: dict[str, object]) -> fal_client.SyncRequestHandle:
            got = client.post(f"{upstream.url}/fal/fal-ai/ltx-2.3/text-to-video", json=body).json()
            return fal_client.SyncRequestHandle(
                request_id=got["request_id"], response_url=got["response_url"], status_url=got["status_url"],
                cancel_url=got["cancel_url"], client=client,
            )  # fmt: skip

        handle = submitted_by_hand({"prompt": "a cat"})
        assert isinstance(handle.status(), fal_client.Queued)
        made = handle.get()
        assert made["video"]["url"].startswith(upstream.url)
        assert isinstance(handle.status(), fal_client.Completed)
        upstream.set(outcome="moderated")
        with pytest.raises(fal_client.FalClientHTTPError, match="flagged"):
            submitted_by_hand({"prompt": "a cat"}).get()
        upstream.set(outcome="stuck")
        submitted_by_hand({"prompt": "a cat"}).cancel()
        assert upstream.jobs()[-1]["state"] == "cancelled"
