# SPDX-License-Identifier: Apache-2.0
"""Both clients against a real longtake server: a video is uploaded, continued, followed, saved and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import SAMPLE_ID, Server, duration_s
from tests.client.conftest import Caller

import longtake_client as lt

SMALL: dict[str, Any] = {"prompt": "on", "duration": 0.5, "model": "longtake-cpu"}


def test_a_video_is_continued(call: Caller, server: Server, clip: Path, tmp_path: Path) -> None:
    handle = call(server.url, "extend", video=clip, start_time=1, **SMALL)
    told: list[lt.State] = []
    task = call(server.url, "task.wait", handle.id, on_progress=lambda task: told.append(task.state))
    assert (task.ended, told[-1], task.progress) == (True, lt.State.SUCCEEDED, 100)
    assert task.video_url is not None
    assert call(server.url, "record", handle.id).raw["step"] == "succeeded"
    saved = call(server.url, "save", task, tmp_path / "longer.mp4")
    assert duration_s(saved) == pytest.approx(1.5, abs=0.06)
    part = call(server.url, "task.save", handle.id, tmp_path / "part.mp4", variant="new_part")
    assert duration_s(part) == pytest.approx(0.5, abs=0.06)
    again = call(server.url, "extend", task_id=handle.id, **SMALL)
    longer = call(server.url, "task.wait", again.id)
    assert call(server.url, "record", again.id).parent_id == handle.id
    assert call(server.url, "tasks", limit=1)[0].id == longer.id
    call(server.url, "delete", again.id)
    with pytest.raises(lt.NotFoundError) as raised:
        call(server.url, "query", again.id)
    assert raised.value.code == "task_not_exist"
    assert raised.value.request_id


def test_one_key_makes_one_task(call: Caller, server: Server) -> None:
    wish: dict[str, Any] = {
        "task_id": SAMPLE_ID,
        "start_time": 1,
        "size": "480p",
        **SMALL,
        "idempotency_key": f"twice-{call.kind}",
    }
    assert call(server.url, "extend", **wish).id == call(server.url, "extend", **wish).id
    with pytest.raises(lt.UnprocessableEntityError) as raised:
        call(server.url, "extend", **{**wish, "start_time": 2})
    assert raised.value.code == "idempotency_conflict"


def test_refusals_say_what_to_mend(call: Caller, server: Server) -> None:
    with pytest.raises(lt.BadRequestError) as raised:
        call(server.url, "extend", task_id=SAMPLE_ID, start_time=99, **SMALL)
    assert (raised.value.code, raised.value.param) == ("invalid_start_time", "start_time")
    assert raised.value.message_zh
    with pytest.raises(lt.AuthenticationError):
        call(server.url, "models", options={"api_key": "unknown"})
    assert "longtake-cpu" in [model.id for model in call(server.url, "models") if "extend" in model.operations]


def test_a_running_task_is_cancelled(call: Caller, server: Server) -> None:
    handle = call(server.url, "create", prompt="rain", model="longtake-cpu", duration=30, size="1080p")
    assert call(server.url, "cancel", handle.id).id == handle.id
    with pytest.raises(lt.TaskFailed) as raised:
        call(server.url, "task.wait", handle.id)
    assert raised.value.task.state is lt.State.CANCELLED


def test_a_video_is_made_anew(call: Caller, server: Server) -> None:
    made = call(server.url, "create", prompt="sea at dawn", model="longtake-cpu", duration=0.5, size="480p")
    call(server.url, "task.wait", made.id)
    wish: dict[str, Any] = {"task_id": made.id, "prompt": "zoom in", "model": "longtake-cpu"}
    remixed = call(server.url, "remix", **wish, size="480p", aspect_ratio="16:9")
    task = call(server.url, "task.wait", remixed.id)
    assert task.state is lt.State.SUCCEEDED
    assert call(server.url, "record", remixed.id).parent_id == made.id
