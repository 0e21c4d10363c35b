# SPDX-License-Identifier: Apache-2.0
"""Timelines and documents of how a video came to be, read by OpenTimelineIO's own library."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import msgspec
import opentimelineio as otio
import pytest
from tests.contract.values import FACTS, make_asset, make_task
from tests.http.conftest import SAMPLE_ID
from tests.http.contract import check_answer, faults

from longtake.http.timelines import provenance, timeline
from longtake.tasks.lineage import Lineage, Node, stretches_of
from longtake.types import AudioFacts, Maker, Mode, Operation, Rate, RenderReport, Role, SegmentReport, Task

REMOTE = Maker(provider="relay-a", model="veo-9", engine="", mode=Mode.NATIVE)


def made(name: str, length_us: int, operation: Operation, *, at_us: int = 0, maker: Maker | None = None) -> Task:
    video = msgspec.structs.replace(FACTS.video, fps=Rate(num=30000, den=1001))
    sound = AudioFacts(codec="aac", rate_hz=48_000, channels=2, layout="stereo")
    facts = msgspec.structs.replace(FACTS, duration_us=length_us, video=video, audio=sound)
    task = make_task()
    return msgspec.structs.replace(
        task,
        id=f"longtake:{name}",
        submission=msgspec.structs.replace(task.submission, operation=operation, prompt=f"prompt of {name}"),
        plan=msgspec.structs.replace(task.plan, operation=operation, start_us=at_us, maker=maker or task.plan.maker),
        assets={Role.VIDEO: make_asset(facts=facts)},
        cost_microusd=1_500_000,
    )


def lineage(*path: Task) -> Lineage:
    return Lineage(path=path, tree=Node(task=path[0]), stretches=stretches_of(path))


def url_of(task: Task, role: Role, asset: object) -> str:
    del asset
    return f"https://media.example.com/{task.id}/{role.value}.mp4"


def read(body: dict[str, Any]) -> Any:
    return otio.adapters.read_from_string(json.dumps(body), "otio_json")


PATH = (
    made("a", 8_000_000, Operation.UPLOAD),
    made("b", 9_009_000, Operation.EXTEND, at_us=3_003_000, maker=REMOTE),
    made("c", 14_014_000, Operation.EXTEND, at_us=9_009_000),
)


def test_the_library_reads_a_clip_for_each_stretch_that_it_could_have_written():
    body = timeline(lineage(*PATH), url_of)
    found = read(body)
    assert isinstance(found, otio.schema.Timeline)
    pictures, sound = found.tracks
    assert (pictures.kind, sound.kind) == (otio.schema.TrackKind.Video, otio.schema.TrackKind.Audio)
    for track in (pictures, sound):
        clips = list(track)
        assert [clip.media_reference.target_url for clip in clips] == [url_of(one, Role.VIDEO, None) for one in PATH]
        # Each plays from where it is in its own task's video, and they meet.
        end = otio.opentime.RationalTime(0, 30000 / 1001)
        for clip in clips:
            assert clip.source_range.start_time == end
            there = clip.media_reference.available_range
            assert there.start_time <= clip.source_range.start_time
            assert clip.source_range.end_time_exclusive() <= there.end_time_exclusive()
            end = clip.source_range.end_time_exclusive()
        assert end == found.duration() == otio.opentime.RationalTime(420, 30000 / 1001)
    uploaded, bought, _ = pictures
    assert uploaded.metadata["longtake"]["model"] is None
    assert dict(bought.metadata["longtake"]) == {
        "from": 3.003, "to": 9.009, "task_id": "longtake:b", "operation": "extend", "provider": "relay-a",
        "model": "veo-9", "mode": "native", "prompt": "prompt of b", "segment": None, "cost_usd": "1.50",
        "cost_microusd": 1_500_000,
    }  # fmt: skip
    written = json.loads(otio.adapters.write_to_string(found, "otio_json"))
    assert read(written).is_equivalent_to(found)
    assert set(written) <= set(body)


def test_the_document_adds_up_and_is_as_described():
    body = provenance(lineage(*PATH), url_of)
    assert faults("ProvenanceDocument", json.loads(msgspec.json.encode(body))) == []
    assert faults("Timeline", json.loads(msgspec.json.encode(timeline(lineage(*PATH), url_of)))) == []
    assert (body["cost_microusd"], body["cost_usd"]) == (4_500_000, "4.50")


def test_each_segment_is_a_stretch_with_its_maker_and_its_share_of_the_cost():
    first, last = made("a", 4_000_000, Operation.UPLOAD), made("b", 10_000_000, Operation.EXTEND, at_us=4_000_000)
    segments = (
        SegmentReport(maker=REMOTE, start_us=4_000_000, new_us=2_000_000),
        SegmentReport(maker=REMOTE, start_us=6_000_000, new_us=2_000_000),
        SegmentReport(maker=last.plan.maker, start_us=8_000_000, new_us=2_000_000),
    )
    last = msgspec.structs.replace(last, report=RenderReport(files=(), segments=segments), cost_microusd=1_000_001)
    own = last.plan.maker
    found = [
        (one.segment, one.from_us, one.to_us, one.provider, one.mode, one.cost_microusd)
        for one in stretches_of((first, last))
    ]
    assert found == [
        (None, 0, 4_000_000, first.plan.maker.provider, first.plan.maker.mode, 1_500_000),
        (0, 4_000_000, 6_000_000, "relay-a", Mode.NATIVE, 333_333),
        (1, 6_000_000, 8_000_000, "relay-a", Mode.NATIVE, 333_334),
        (2, 8_000_000, 10_000_000, own.provider, own.mode, 333_334),
    ]
    body = provenance(lineage(first, last), url_of)
    assert faults("ProvenanceDocument", json.loads(msgspec.json.encode(body))) == []
    assert sum(one.cost_microusd for one in stretches_of((first, last))) == body["cost_microusd"]
    clips = list(read(timeline(lineage(first, last), url_of)).tracks[0])
    assert [clip.source_range.duration.to_seconds() for clip in clips] == pytest.approx([4, 2, 2, 2], abs=0.02)
    assert len({clip.media_reference.target_url for clip in clips[1:]}) == 1
    # A later cut within the second piece keeps what came before it, and its whole cost.
    cut = made("c", 9_000_000, Operation.EXTEND, at_us=7_000_000)
    assert [(one.segment, one.to_us, one.cost_microusd) for one in stretches_of((first, last, cut))][1:] == [
        (0, 6_000_000, 333_333), (1, 7_000_000, 333_334), (None, 9_000_000, 1_500_000),
    ]  # fmt: skip


def test_a_server_gives_both_to_the_owner_alone(client: httpx2.Client, other: httpx2.Client) -> None:
    answer = client.get(f"/v1/tasks/{SAMPLE_ID}/timeline")
    assert answer.status_code == 200, answer.text
    check_answer("GET", "/v1/tasks/{id}/timeline", answer)
    assert answer.headers["content-disposition"].endswith('.otio"')
    (clip,) = read(answer.json()).tracks[0]
    with httpx2.Client() as anybody:
        assert anybody.get(clip.media_reference.target_url, headers={"range": "bytes=0-7"}).status_code == 206
    named = client.get(f"/v1/tasks/{SAMPLE_ID}/timeline", params={"media": "names"})
    (clip,) = read(named.json()).tracks[0]
    assert clip.media_reference.target_url.endswith(".mp4")
    assert "/" not in clip.media_reference.target_url
    document = client.get(f"/v1/tasks/{SAMPLE_ID}/provenance")
    check_answer("GET", "/v1/tasks/{id}/provenance", document)
    assert [one["task_id"] for one in document.json()["stretches"]] == [SAMPLE_ID]
    refused = client.get(f"/v1/tasks/{SAMPLE_ID}/timeline", params={"media": "x"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "media")
    for path in ("timeline", "provenance"):
        assert other.get(f"/v1/tasks/{SAMPLE_ID}/{path}").status_code == 404


def test_a_video_that_is_not_there_has_no_timeline(client: httpx2.Client) -> None:
    queued = client.post("/v1/video/create", json={"model": "longtake-cpu", "prompt": "rain"}).json()["id"]
    for path in ("timeline", "provenance"):
        answer = client.get(f"/v1/tasks/{queued}/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "task_not_completed")
