# SPDX-License-Identifier: Apache-2.0
"""The conformance suite of a Fleet: whatever the child does, an attempt ends in one final event and the slot heals."""

from __future__ import annotations

import asyncio
import json
import logging
import time

import pytest
from tests.render.conftest import MakeFleet, do, follow, is_running, is_there, run, toy_job, toy_limits, until

from longtake.render.base import FINALS, Busy, Event, Failed, Lost, Produced, Progress, Started, Stopped


def answer(final: Event) -> object:
    assert isinstance(final, Produced), final
    return json.loads(final.report.pick)


def test_events_come_in_order_by_cursor_to_any_number_of_readers(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        handle = await fleet.start(toy_job("steps", count=4))
        first, second = await asyncio.gather(follow(fleet, handle), follow(fleet, handle))
        assert first == second
        assert isinstance(first[0], Started)
        assert not first[0].warm
        assert [event.done for event in first if isinstance(event, Progress)] == [0.25, 0.5, 0.75, 1.0]
        assert isinstance(first[-1], Produced)
        assert sum(isinstance(event, FINALS) for event in first) == 1
        assert await fleet.events(handle, 2, 0) == first[2:]
        began = time.monotonic()
        assert await fleet.events(handle, len(first), 0.2) == []
        assert 0.1 < time.monotonic() - began < 2

    run(main())


def test_a_child_is_ready_before_its_job_comes(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet(render_slots=2, child_idle_s=0.5)
        fleet.warm()
        fleet.warm()
        await until(lambda: len(fleet.child_pids()) == 1)
        (pid,) = fleet.child_pids().values()
        handle = await fleet.start(toy_job("look"))
        started, *_, final = await follow(fleet, handle)
        assert started == Started(place="local", pid=pid, warm=True)
        assert isinstance(final, Produced)
        await until(lambda: not is_there(pid))
        fleet.warm()
        await until(lambda: bool(fleet.child_pids()))
        await until(lambda: not fleet.child_pids())  # no job came
        await fleet.close()
        fleet.warm()
        assert fleet.child_pids() == {}

    run(main())


def test_what_cannot_be_loaded_ahead_is_told_by_the_job(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet(work="toy_work:Nothing")
        fleet.warm()
        await until(lambda: bool(fleet.child_pids()))
        final = await do(fleet, toy_job("chatter"))
        assert isinstance(final, Failed)
        assert final.code == "configuration_error"

    run(main())


def test_a_repeated_start_is_one_start_and_release_forgets(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet(render_slots=2)
        job = toy_job("steps", count=3)
        handles = {await fleet.start(job), await fleet.start(job)}
        assert len(handles) == 1
        handle = handles.pop()
        await fleet.release(handle)  # at work: must not forget
        assert answer((await follow(fleet, handle))[-1]) == 1
        assert await fleet.start(job) == handle
        assert (await fleet.capacity())["render"] == 2
        await fleet.release(handle)
        (event,) = await fleet.events(handle, 0, 0)
        assert isinstance(event, Lost)

    run(main())


def test_busy_is_refused_and_probes_have_a_lane_of_their_own(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet(render_slots=2)
        assert await fleet.capacity() == {"render": 2, "probe": 1}
        handles = [await fleet.start(toy_job("steps", count=100)) for _ in range(2)]
        with pytest.raises(Busy):
            await fleet.start(toy_job("steps"))
        assert await fleet.capacity() == {"render": 0, "probe": 1}
        assert answer(await do(fleet, toy_job("chatter", probe=True))) == 1
        for handle in handles:
            await fleet.cancel(handle, 5)
        for handle in handles:
            assert (await follow(fleet, handle))[-1] == Stopped()
        assert await fleet.capacity() == {"render": 2, "probe": 1}

    run(main())


def test_a_finished_slot_takes_the_next_attempt_at_once_with_its_warm_child(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        for number in range(1, 41):
            assert answer(await do(fleet, toy_job("chatter"))) == number

    run(main())


@pytest.mark.parametrize(
    "handle", ["", "local", "local/render-0/deadbeef/toy:1.1", "ray/x/y/z", "local/render-9/x/a/b/c"]
)
def test_an_unknown_handle_is_lost_and_harms_nothing(make_fleet: MakeFleet, handle: str):
    async def main():
        fleet = make_fleet()
        (event,) = await fleet.events(handle, 3, 0)
        assert isinstance(event, Lost)
        await fleet.cancel(handle, 0)
        await fleet.release(handle)

    run(main())


def test_cancel_is_polite_first_and_the_child_stays_warm(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        handle = await fleet.start(toy_job("steps", count=300, pause_s=0.05))
        await fleet.events(handle, 1, 5)
        pid = fleet.child_pids()["render-0"]
        began = time.monotonic()
        await fleet.cancel(handle, 10)
        await fleet.cancel(handle, 10)
        assert (await follow(fleet, handle))[-1] == Stopped(hard=False)
        assert time.monotonic() - began < 2
        await fleet.cancel(handle, 0)  # after the end: nothing
        assert answer(await do(fleet, toy_job("chatter"))) == 2
        assert fleet.child_pids()["render-0"] == pid

    run(main())


def test_cancel_right_after_start_ends_it(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        handle = await fleet.start(toy_job("steps", count=300, pause_s=0.05))
        await fleet.cancel(handle, 5)
        assert (await follow(fleet, handle))[-1] == Stopped(hard=False)

    run(main())


@pytest.mark.parametrize("do_what", ["deaf", "hang", "stop_itself"])
def test_a_deaf_child_is_killed_when_the_grace_is_over(make_fleet: MakeFleet, do_what: str):
    async def main():
        fleet = make_fleet()
        handle = await fleet.start(toy_job(do_what))
        await fleet.events(handle, 0, 5)
        pid = fleet.child_pids()["render-0"]
        began = time.monotonic()
        await fleet.cancel(handle, 0.5)
        assert (await follow(fleet, handle))[-1] == Stopped(hard=True)
        assert 0.4 < time.monotonic() - began < 3
        assert not is_there(pid)  # gone before the final event is seen
        assert answer(await do(fleet, toy_job("chatter"))) == 1

    run(main())


def test_stall_and_hard_limit(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet(render_slots=2)
        hanging = toy_job("hang", limits=toy_limits(stall_s=0.7))
        endless = toy_job("deaf", limits=toy_limits(stall_s=0.7, hard_s=1.5))
        stalled, slow = await asyncio.gather(do(fleet, hanging), do(fleet, endless))
        assert isinstance(stalled, Failed)
        assert (stalled.code, stalled.retryable) == ("timeout", True)
        assert "no progress" in stalled.message
        assert isinstance(slow, Failed)
        assert (slow.code, slow.retryable) == ("timeout", False)
        assert await fleet.capacity() == {"render": 2, "probe": 1}

    run(main())


def test_a_crash_is_lost_with_its_last_words_in_the_log(make_fleet: MakeFleet, caplog: pytest.LogCaptureFixture):
    async def main():
        fleet = make_fleet()
        crashed = await do(fleet, toy_job("crash"))
        assert isinstance(crashed, Lost)
        assert "SIGSEGV" in crashed.why
        assert "the last words" in caplog.text
        assert "Fatal Python error" in caplog.text  # faulthandler's traceback
        left = await do(fleet, toy_job("leave"))
        assert isinstance(left, Lost)
        assert "exit status 3" in left.why
        assert answer(await do(fleet, toy_job("chatter"))) == 1

    caplog.set_level(logging.ERROR)
    run(main())


def test_a_crash_takes_the_childs_own_children_with_it(make_fleet: MakeFleet, tmp_path):
    async def main():
        note = tmp_path / "pid"
        final = await do(make_fleet(), toy_job("spawn_and_crash", note=str(note)))
        assert isinstance(final, Lost)
        assert "SIGKILL" in final.why
        await until(lambda: not is_running(int(note.read_text())), 2)

    run(main())


@pytest.mark.parametrize("do_what", ["allocate", "grow_shared"])
def test_a_memory_bomb_meets_the_limit(make_fleet: MakeFleet, do_what: str):
    async def main():
        fleet = make_fleet()
        final = await do(fleet, toy_job(do_what, limits=toy_limits(memory_bytes=200 << 20)))
        assert isinstance(final, Failed)
        assert final.code == "limit_exceeded"
        assert "200 MiB" in final.message
        assert answer(await do(fleet, toy_job("chatter"))) == 1  # a fresh child

    run(main())


def test_a_file_without_end_meets_the_limit(make_fleet: MakeFleet, tmp_path):
    async def main():
        final = await do(make_fleet(), toy_job("write_large", path=str(tmp_path / "large")))
        assert isinstance(final, Failed)
        assert final.code == "limit_exceeded"

    run(main())


@pytest.mark.parametrize("text", ["ff" * 64, "00000004c1c1c1c1", "0000000281a1"], ids=["length", "msgpack", "other"])
def test_garbage_on_the_pipe_loses_the_attempt_only(make_fleet: MakeFleet, text: str):
    async def main():
        fleet = make_fleet()
        final = await do(fleet, toy_job("garbage", text=text))
        assert isinstance(final, Lost)
        assert answer(await do(fleet, toy_job("chatter"))) == 1

    run(main())


def test_a_flood_of_progress_is_thinned_out(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        handle = await fleet.start(toy_job("flood", count=50_000))
        events = await follow(fleet, handle)
        assert answer(events[-1]) == 50_000
        assert 2 < len(events) < 300

    run(main())


def test_an_ended_job_cannot_speak_into_the_next(make_fleet: MakeFleet):
    async def main():
        fleet = make_fleet()
        assert answer(await do(fleet, toy_job("linger"))) == 1
        handle = await fleet.start(toy_job("nudge"))
        events = await follow(fleet, handle)
        assert [type(event) for event in events] == [Started, Produced]

    run(main())


def test_errors_keep_their_words_and_accidents_only_their_type(make_fleet: MakeFleet, caplog: pytest.LogCaptureFixture):
    async def main():
        fleet = make_fleet()
        told = await do(fleet, toy_job("raise_media_error"))
        assert told == Failed(code="invalid_media", message="the file is no video: send MP4")
        assert not caplog.text
        accident = await do(fleet, toy_job("raise_value_error"))
        assert isinstance(accident, Failed)
        assert accident.code == "internal_error"
        assert "ValueError" in accident.message
        assert "nobodys" not in accident.message
        assert caplog.text.count("ValueError: /a/path/that/is/nobodys/business") == 1
        assert "raise_value_error" in caplog.text

    caplog.set_level(logging.ERROR)
    run(main())


def test_a_child_that_cannot_start_is_lost_not_a_hang(make_fleet: MakeFleet, tmp_path):
    async def main():
        broken = tmp_path / "broken" / "msgspec.py"
        broken.parent.mkdir()
        broken.write_text("raise RuntimeError('broken installation')")
        fleet = make_fleet(environ={"PYTHONPATH": str(broken.parent)})
        final = await do(fleet, toy_job("chatter"))
        assert isinstance(final, Lost)
        assert "broken installation" in final.why

    run(main())
