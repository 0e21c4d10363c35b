# SPDX-License-Identifier: Apache-2.0
"""Videos and pictures by URL: fetched over real sockets while a task is prepared, or the task's end says why not."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from tests.egress.other_server import Reply, other_server, reply
from tests.fakes.house import ANNA, BERT, House, extension
from tests.fakes.toy_fleet import HANGS

from longtake.catalog.catalog import PriceFacts
from longtake.errors import IdempotencyConflict, InvalidRequest, UrlInputNotEnabled, UrlRefused
from longtake.settings import Settings
from longtake.types import (
    SECOND_US,
    ExactSize,
    ImageInput,
    Operation,
    Role,
    ShortSide,
    Step,
    Submission,
    TaskSource,
    UrlSource,
)

VIDEO = b"\x1a\x45\xdf\xa3 toy 320 180 4.0 24\n"
PICTURE = b"\x89PNG toypic 400 600\n"
PRICES = {"longtake-cpu": PriceFacts(second_usd={"480": "0.01", "1080": "0.02", "2160": "0.05"})}


def with_server(script, test, tmp_path, *, allowed=True, prices=None, **changes: Any):
    """Run a test coroutine in a house beside another server, which callers may name where `allowed`."""

    async def main():
        async with other_server(script) as server:
            hosts = (f"127.0.0.1:{server.port}",) if allowed else ()
            usual: dict[str, Any] = {"cpu_slots": 1, "url_hosts": hosts, "download_stall_s": 0.3}
            settings = Settings(home=tmp_path, **(usual | changes))
            house = House(tmp_path, settings=settings, prices=prices)
            await house.open()
            await house.scheduler.start()
            try:
                await asyncio.wait_for(test(house, server), 60)
            finally:
                await house.close()

    asyncio.run(main())


def serves(call):
    """A video, a picture, or what a server says that has neither."""
    return {
        "/cat.mp4": reply(200, VIDEO),
        "/first.png": reply(200, PICTURE),
        "/last.png": reply(200, PICTURE),
    }.get(call.path.partition("?")[0], reply(404, b"gone"))


async def until_called(server, count=1):
    async with asyncio.timeout(10):
        while len(server.calls) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def extended(url, **fields: Any):
    written = {"task_id": "video"}
    return msgspec.structs.replace(extension(UrlSource(url=url)), model="longtake-cpu", written=written, **fields)


async def refused(house, url, *, who=ANNA, **fields: Any):
    """The end of a task whose source could not be had."""
    task = (await house.service.submit(who, extended(url, **fields))).task
    ended = await house.end_of(task, who=who)
    assert ended.step is Step.FAILED
    assert ended.fault.param == "video"
    assert "://" not in ended.fault.message
    assert "127.0.0.1" not in ended.fault.message
    await house.check_clean()
    return ended.fault


def test_a_video_by_url_is_fetched_once_extended_and_deleted_with_its_task(tmp_path):
    async def test(house, server):
        task = (await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4?sig=abc", start_us=SECOND_US))).task
        assert (task.step, task.plan.provisional, task.plan.fetches) == (Step.QUEUED, True, True)
        ended = await house.end_of(task)
        assert ended.step is Step.SUCCEEDED, ended.fault
        assert (ended.plan.provisional, ended.plan.fetches) == (False, False)
        assert (ended.plan.width, ended.plan.height, ended.plan.start_us) == (320, 180, SECOND_US)
        assert [call.path for call in server.calls] == ["/cat.mp4?sig=abc"]
        source = await house.store.asset(ended.plan.source_asset_id)
        assert (source.tenant_id, source.size_bytes, source.facts.duration_us) == ("anna", len(VIDEO), 4 * SECOND_US)
        await house.check_clean()
        await house.service.delete(ANNA, task.id)
        assert await house.store.asset_ids() == frozenset()
        assert list(house.storage.keys()) == []

    with_server(serves, test, tmp_path)


def test_a_remix_is_as_long_as_what_was_fetched(tmp_path):
    async def test(house, server):
        remix = msgspec.structs.replace(extended(f"{server.url}/cat.mp4"), operation=Operation.REMIX)
        ended = await house.end_of((await house.service.submit(ANNA, remix)).task)
        assert (ended.step, ended.plan.new_us) == (Step.SUCCEEDED, 4 * SECOND_US)

    with_server(serves, test, tmp_path)


def test_pictures_by_url_give_the_shape_and_the_hold_becomes_final(tmp_path):
    async def test(house, server):
        await house.store.adjust_balance("anna", 1_000_000, house.clock())
        pictures = (
            ImageInput(role=Role.FIRST_FRAME, url=f"{server.url}/first.png"),
            ImageInput(role=Role.LAST_FRAME, url=f"{server.url}/last.png"),
        )
        submission = Submission(
            operation=Operation.CREATE, dialect="unified", prompt="a cat", model="longtake-cpu", images=pictures,
            size=ShortSide(pixels=480), new_us=4 * SECOND_US,
        )  # fmt: skip
        quote = await house.service.quote(ANNA, submission)
        assert (quote.plan.provisional, quote.price.microusd) == (True, 200_000)
        house.fleet.gate = asyncio.Event()
        task = (await house.service.submit(ANNA, submission)).task
        assert task.hold_microusd == 200_000
        final = await house.reach(task, lambda now: not now.plan.fetches)
        assert (final.plan.width, final.plan.height) == (480, 720)
        assert [image.role for image in final.plan.images] == [Role.FIRST_FRAME, Role.LAST_FRAME]
        assert (final.hold_microusd, final.plan.provisional) == (40_000, False)
        account = await house.store.account("anna")
        assert (account.held_microusd, account.balance_microusd) == (40_000, 960_000)
        house.fleet.gate.set()
        ended = await house.end_of(task)
        assert (ended.step, ended.cost_microusd) == (Step.SUCCEEDED, 40_000)
        account = await house.store.account("anna")
        assert (account.held_microusd, account.balance_microusd, account.spent_microusd) == (0, 960_000, 40_000)
        assert (await house.store.check_ledger()).problems == ()
        await house.check_clean()

    with_server(serves, test, tmp_path, prices=PRICES)


def test_a_picture_beside_a_source_that_is_waited_for(tmp_path):
    async def test(house, server):
        parent = await house.extend(await house.upload(), "first")
        last = ImageInput(role=Role.LAST_FRAME, url=f"{server.url}/last.png")
        child = await house.extend(parent, "then", images=(last,), wait_for_source=True, model="longtake-cpu")
        assert child.step is Step.WAITING
        ended = await house.end_of(child)
        assert ended.step is Step.SUCCEEDED, ended.fault
        assert ended.parent_id == parent.id
        assert ended.plan.images[0].asset_id
        await house.check_clean()

    with_server(serves, test, tmp_path)


HANGING = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + VIDEO, hangs=True)
DRIPPING = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + VIDEO, lingers_s=5)


@pytest.mark.parametrize(
    ("said", "code", "retryable"),
    [
        (reply(200, b"<!DOCTYPE html><p>log in"), "wrong_content", False),
        (reply(200, b'{"error": "no such file"}', content_type="video/mp4"), "wrong_content", False),
        (reply(200, b""), "wrong_content", False),
        (reply(200, PICTURE), "wrong_content", False),
        (reply(200, b"\x1a\x45\xdf\xa3 what is this"), "invalid_media", False),
        (reply(200, VIDEO * 100), "limit_exceeded", False),
        (reply(404, b"gone"), "download_failed", True),
        (Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + VIDEO), "download_failed", True),
        (Reply(b"no HTTP at all\r\n\r\n"), "download_failed", True),
        (HANGING, "download_timeout", True),
        (Reply(b"", hangs=True), "download_timeout", True),
        (reply(302, location="http://169.254.169.254/latest/meta-data"), "url_refused", False),
        (reply(302, location="http://127.0.0.1/"), "url_refused", False),
        (reply(302, location="http://[::ffff:10.0.0.1]/"), "url_refused", False),
        (reply(302, location="file:///etc/passwd"), "url_refused", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_trouble_ends_the_task_with_its_own_code(tmp_path, said, code, retryable):
    async def test(house, server):
        fault = await refused(house, f"{server.url}/cat.mp4?secret=1")
        assert (fault.code, fault.retryable) == (code, retryable)

    with_server(said, test, tmp_path, max_upload_bytes=1000)


def test_too_slow_in_all(tmp_path):
    async def test(house, server):
        assert (await refused(house, f"{server.url}/cat.mp4")).code == "download_timeout"

    with_server(DRIPPING, test, tmp_path, url_timeout_s=0.2)


def test_without_leave_this_machine_is_reached_neither_by_number_nor_by_name(tmp_path):
    async def test(house, server):
        for host in ("127.0.0.1", "[::1]", "0.0.0.0", "10.1.2.3", "user:pass@example.com", "2130706433"):
            with pytest.raises(UrlRefused) as said:
                house.service.check_url(f"http://{host}:{server.port}/cat.mp4", param="video")
            assert said.value.param == "video"
        house.service.check_url(f"http://localhost:{server.port}/cat.mp4", param="video")  # no look-up yet
        fault = await refused(house, f"http://localhost:{server.port}/cat.mp4")
        assert fault.code == "url_refused"
        with pytest.raises(UrlRefused):
            house.service.check_url("http://example.com:22/", param="video")
        assert server.connections == 0

    async def ports(house, server):
        settings = msgspec.structs.replace(house.settings, home=tmp_path / "b", url_ports=(80, 443, server.port))
        (tmp_path / "b").mkdir()
        other = House(tmp_path / "b", settings=settings)
        await other.open()
        await other.scheduler.start()
        try:
            await test(other, server)
        finally:
            await other.close()

    with_server(serves, ports, tmp_path, allowed=False)


def test_switched_off_it_is_refused_at_once(tmp_path):
    async def test(house, server):
        with pytest.raises(UrlInputNotEnabled) as said:
            house.service.check_url(f"{server.url}/cat.mp4", param="video")
        assert said.value.param == "video"

    with_server(serves, test, tmp_path, url_inputs="off")


def test_what_the_file_turns_out_to_be_is_checked_like_any_source(tmp_path):
    async def test(house, server):
        fault = (await house.end_of((
            await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4", start_us=9 * SECOND_US))
        ).task)).fault  # fmt: skip
        assert (fault.code, fault.param) == ("invalid_start_time", "start_time")
        with pytest.raises(InvalidRequest):
            await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4", size=ExactSize(width=3, height=4)))
        await house.check_clean()

    with_server(serves, test, tmp_path)


def test_a_cancel_ends_the_fetch_at_once(tmp_path):
    async def test(house, server):
        task = (await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4"))).task
        await until_called(server)
        assert (await house.service.cancel(ANNA, task.id)).step is Step.CANCELLED
        await house.check_clean()
        assert await house.store.asset_ids() == frozenset()

    with_server(Reply(b"", hangs=True), test, tmp_path)


def test_the_deadline_ends_it(tmp_path):
    async def test(house, server):
        task = (await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4"))).task
        assert (await house.end_of(task)).step is Step.EXPIRED
        await house.check_clean()

    with_server(Reply(b"", hangs=True), test, tmp_path, waiting_deadline_s=1)


def test_slow_servers_of_one_tenant_leave_places_to_others(tmp_path):
    async def test(house, server):
        slow = [(await house.service.submit(ANNA, extended(f"{server.url}/slow/{number}"))).task for number in range(9)]
        await until_called(server, 2)
        quick = (await house.service.submit(BERT, extended(f"{server.url}/cat.mp4", start_us=SECOND_US))).task
        assert (await house.end_of(quick, who=BERT)).step is Step.SUCCEEDED
        assert {call.path for call in server.calls if "slow" in call.path} == {"/slow/0", "/slow/1"}
        for task in slow:
            await house.service.cancel(ANNA, task.id)

    def script(call):
        return Reply(b"", hangs=True) if "/slow" in call.path else serves(call)

    with_server(script, test, tmp_path, fetch_slots=4, download_stall_s=30)


def test_slow_servers_hold_up_no_renderer_and_busy_renderers_no_fetch(tmp_path):
    async def test(house, server):
        slow = (await house.service.submit(ANNA, extended(f"{server.url}/slow"))).task
        await until_called(server)
        assert (await house.end_of(await house.extend(await house.upload(), "quick"))).step is Step.SUCCEEDED
        house.fleet.outcomes["busy"] = [HANGS]
        busy = await house.extend(await house.upload(), "busy")
        await house.reach(busy, lambda now: now.step is Step.GENERATING)
        fetched = (await house.service.submit(BERT, extended(f"{server.url}/cat.mp4"))).task
        await house.reach(fetched, lambda now: not now.plan.fetches, who=BERT)
        for task in (slow, busy):
            await house.service.cancel(ANNA, task.id)
        assert (await house.end_of(fetched, who=BERT)).step is Step.SUCCEEDED

    def script(call):
        return Reply(b"", hangs=True) if call.path == "/slow" else serves(call)

    with_server(script, test, tmp_path)


def test_a_stop_in_the_middle_leaves_nothing_half_and_the_next_start_fetches_again(tmp_path):
    async def test(house, server):
        task = (await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4"))).task
        await until_called(server)
        await house.restart()
        ended = await house.end_of(task)
        assert ended.step is Step.SUCCEEDED, ended.fault
        assert len(server.calls) == 2
        await house.check_clean()

    def script(call):
        return HANGING if call.number == 0 else serves(call)

    with_server(script, test, tmp_path)


def test_the_text_of_the_url_decides_what_is_the_same_request(tmp_path):
    async def test(house, server):
        first = await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4"), "k1")
        again = await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4"), "k1")
        assert (again.replayed, again.task.id) == (True, first.task.id)
        with pytest.raises(IdempotencyConflict):
            await house.service.submit(ANNA, extended(f"{server.url}/cat.mp4?v=2"), "k1")
        await house.end_of(first.task)
        assert len(server.calls) == 1

    with_server(serves, test, tmp_path)


def test_the_same_picture_twice_is_fetched_once(tmp_path):
    async def test(house, server):
        roles = (Role.FIRST_FRAME, Role.LAST_FRAME)
        images = tuple(ImageInput(role=role, url=f"{server.url}/first.png") for role in roles)
        submission = Submission(
            operation=Operation.CREATE, dialect="unified", prompt="a cat", model="longtake-cpu", images=images
        )
        ended = await house.end_of((await house.service.submit(ANNA, submission)).task)
        assert ended.step is Step.SUCCEEDED, ended.fault
        assert len({image.asset_id for image in ended.plan.images}) == len(server.calls) == 1
        await house.check_clean()

    with_server(serves, test, tmp_path)


def test_a_source_that_is_deleted_while_a_picture_is_fetched_is_used_all_the_same(tmp_path):
    async def test(house, server):
        source = await house.upload()
        last = ImageInput(role=Role.LAST_FRAME, url=f"{server.url}/last.png")
        task = await house.extend(TaskSource(task_id=source.id), images=(last,), model="longtake-cpu")
        await until_called(server)
        await house.service.delete(ANNA, source.id)
        go.set()
        ended = await house.end_of(task)
        assert ended.step is Step.SUCCEEDED, ended.fault

    go = asyncio.Event()

    async def script(call):
        await go.wait()
        return serves(call)

    with_server(script, test, tmp_path)
