# SPDX-License-Identifier: Apache-2.0
"""The thread beside the encoder: its order, its errors, its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.media.conftest import Spectator, Studio, ready_frames

from longtake.errors import WorkCancelled
from longtake.media.assemble import Target, extend
from longtake.media.beside import Beside
from longtake.media.source import read_source
from longtake.media.trim import trim


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def test_work_is_done_in_its_order_and_an_error_is_raised_where_the_result_is_taken() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ValueError("it broke")

    with Beside("longtake-test", Spectator()) as beside:
        first = beside.begin(lambda: done.append(1))
        broken = beside.begin(fail)
        last = beside.begin(lambda: done.append(2))
        last.result(10)
        first.result(0)
        with pytest.raises(ValueError, match="it broke"):
            broken.result(0)
    assert done == [1, 2]


def test_leaving_stops_what_was_begun_and_drops_the_rest() -> None:
    begun = threading.Event()

    def work_on(beside: Beside) -> None:
        begun.set()
        while True:
            beside.check()

    with Beside("longtake-test", Spectator()) as beside:
        working = beside.begin(lambda: work_on(beside))
        waiting = beside.begin(lambda: None)
        assert begun.wait(10)
    with pytest.raises(WorkCancelled):
        working.result(0)
    assert waiting.cancelled()


@dataclass
class Broken:
    """A watch that cannot be asked from the thread beside."""

    def progress(self, done: float, note: str = "") -> None:
        """Nobody listens."""

    def cancelled(self) -> bool:
        if threading.current_thread().name.startswith("longtake-beside"):
            raise RuntimeError("nobody can be asked")
        return False


@pytest.mark.parametrize("audio", [("aac", 48000, "stereo"), None])
def test_what_goes_wrong_while_the_head_is_copied_comes_through_and_nothing_stays(
    audio: tuple[str, int, str] | None, studio: Studio, tmp_path: Path
) -> None:
    source = studio.clip(audio=audio)
    target = Target(width=0, height=0, preset="ultrafast")
    with pytest.raises(RuntimeError, match="nobody can be asked"):
        extend(
            source, tmp_path / "o.part", tmp_path / "n.part", start_us=1_000_000, new_us=500_000, target=target,
            make=ready_frames(studio.film), watch=Broken(),
        )  # fmt: skip
    with pytest.raises(RuntimeError, match="nobody can be asked"):
        trim(read_source(source), tmp_path / "t.part", end_us=1_000_000, target=target, watch=Broken())
    assert list(tmp_path.iterdir()) == []
