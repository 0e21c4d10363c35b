# SPDX-License-Identifier: Apache-2.0
"""Nets in real children: tried before the server starts, used by a job within its limits."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest
from tests.media.conftest import packaged
from tests.media.nets import enlarging_net
from tests.render.conftest import ENVIRON, create_plan, do, run

from longtake.cli.main import run as run_command
from longtake.compose import running
from longtake.errors import ConfigurationError
from longtake.render.base import Final, Produced, RemixRequest, RenderJob, RenderLimits
from longtake.render.local import LocalFleet
from longtake.render.trial import try_net
from longtake.settings import Settings
from longtake.storage.local import LocalStorage
from longtake.types import Maker, Mode, Operation, Role

GENEROUS_BYTES = 2 << 30
NUMBERS = itertools.count(1)


def remix(root: Path, net: str, memory_bytes: int = GENEROUS_BYTES, **changes: object) -> tuple[Produced, Path]:
    """What a child makes of a clip of 176x144 that shall become 352x288."""
    storage = LocalStorage(root)
    storage.check("test", create=True)
    task = f"longtake:{next(NUMBERS)}"

    async def chunks() -> AsyncIterator[bytes]:
        yield packaged("carphone_distorted.mp4").read_bytes()

    maker = Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.LOCAL)
    fields: dict[str, object] = {
        "operation": Operation.REMIX, "maker": maker, "new_us": 200_000, "width": 352, "height": 288,
        "geometry_kept": False, "enhance": True, "source_asset_id": task,
    }  # fmt: skip
    request = RemixRequest(plan=create_plan("warm light", **(fields | changes)), source_key=task)
    job = RenderJob(
        task=task, attempt=1, request=request,
        output=f"work/{task}/1", limits=RenderLimits(stall_s=50, hard_s=100, memory_bytes=memory_bytes),
    )  # fmt: skip
    finals: list[Final] = []

    async def main() -> None:
        await storage.receive(task, chunks(), 1 << 30)
        fleet = LocalFleet(
            storage="longtake.storage.local:LocalStorage", root=root, render_slots=1, preset="ultrafast",
            environ=ENVIRON, upscale_model=net,
        )  # fmt: skip
        try:
            finals.append(await do(fleet, job, 90))
        finally:
            await fleet.close()

    run(main(), 100)
    final = finals[0]
    assert isinstance(final, Produced), final
    video = next(made for made in final.report.files if made.role is Role.VIDEO)
    return final, storage.path(video.key)


def size_of(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


@pytest.mark.parametrize("net", ["", "longtake-x2", "x4.onnx"])
def test_a_job_says_what_enlarged_its_pictures(net: str, tmp_path: Path) -> None:
    if net.endswith(".onnx"):
        net = str(enlarging_net(tmp_path / net, 3, 4))
    produced, video = remix(tmp_path, net)
    assert size_of(video) == (352, 288)
    assert produced.report.scaler == (Path(net).name or "filters")
    assert not any("upscale" in warning for warning in produced.report.warnings)


def test_where_nothing_shall_be_enhanced_no_scaler_is_named(tmp_path: Path) -> None:
    produced, _ = remix(tmp_path, "longtake-x2", enhance=False)
    assert produced.report.scaler == ""


def test_a_net_that_is_gone_by_then_costs_no_task(tmp_path: Path) -> None:
    produced, video = remix(tmp_path, str(tmp_path / "gone.onnx"))
    assert size_of(video) == (352, 288)
    assert produced.report.scaler == "filters"
    assert any("gone.onnx" in warning for warning in produced.report.warnings)


def test_a_net_past_the_memory_limit_costs_no_task(tmp_path: Path) -> None:
    """1,500 layers of a tile of 192x160 are 184 MB, twice; the trial's are far smaller."""
    net = enlarging_net(tmp_path / "wide.onnx", inner=1500)
    produced, video = remix(tmp_path, str(net), memory_bytes=400 << 20)
    assert size_of(video) == (352, 288)
    assert produced.report.scaler == "filters"
    assert [warning for warning in produced.report.warnings if "more memory" in warning]


# ---- before the start ------------------------------------------------------------------------------------------------


def test_a_net_is_tried_in_a_child(tmp_path: Path) -> None:
    trial = try_net(str(enlarging_net(tmp_path / "mine.onnx", 3, 4)), GENEROUS_BYTES)
    assert (trial.name, trial.channels, trial.scale) == ("mine.onnx", 3, 4)
    assert trial.time_s > 0


def bad(path: Path) -> str:
    path.write_bytes(b"nothing")
    return str(path)


def test_a_net_that_does_not_fit_is_refused_before_the_start(tmp_path: Path) -> None:
    for wish, words in ((bad(tmp_path / "bad.onnx"), "no ONNX file"), (str(tmp_path / "none.onnx"), "cannot be read")):
        settings = Settings(home=tmp_path / "home", port=0, upscale_model=wish)

        async def start(settings: Settings = settings) -> None:
            async with running(settings, sample=False):
                pytest.fail("it started")

        with pytest.raises(ConfigurationError) as refused:
            asyncio.run(start())
        assert refused.value.param == "upscale_model"
        assert words in refused.value.message


def test_a_net_too_large_for_a_child_is_refused_before_the_start(tmp_path: Path) -> None:
    net = enlarging_net(tmp_path / "wide.onnx", inner=4000)
    with pytest.raises(ConfigurationError, match=r"fails on a picture|trying it ended"):
        try_net(str(net), 300 << 20)


@pytest.mark.parametrize(("wish", "state"), [("longtake-x2", "ok"), ("bad", "failed")])
def test_doctor_tries_it(
    wish: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    net = bad(tmp_path / "bad.onnx") if wish == "bad" else wish
    monkeypatch.setenv("LONGTAKE_UPSCALE_MODEL", net)
    monkeypatch.setenv("LONGTAKE_HOME", str(tmp_path / "home"))
    assert (run_command(["doctor", "--json"]) == 0) is (state == "ok")
    (finding,) = (one for one in json.loads(capsys.readouterr().out)["checks"] if one["name"] == "upscale")
    assert finding["state"] == state
    assert ("640x360" in finding["detail"]) is (state == "ok")
