# SPDX-License-Identifier: Apache-2.0
"""The bytes: whole or not there, within limits, under keys that lead nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longtake.errors import BodyTooLarge, ConfigurationError, StoreFailed
from longtake.storage.local import LocalStorage
from longtake.storage.open_files import MOST_FILES

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
KEY = "0192f0c1-5b7e-7cc3-98c4-dc0c0c07398f"


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def read(storage: LocalStorage, key: str) -> bytes | None:
    blob = storage.open(key)
    if blob is None:
        return None
    with os.fdopen(blob.descriptor, "rb") as file:
        data = file.read()
    assert len(data) == blob.size_bytes
    return data


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def work_file(storage: LocalStorage, prefix: str, data: bytes = b"made") -> str:
    (storage.work_path(prefix) / "video.mp4").write_bytes(data)
    return f"{prefix}/video.mp4"


async def test_what_is_received_is_read_back(storage: LocalStorage, tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    chunks = [data[start : start + 70_000] for start in range(0, len(data), 70_000)]
    stored = await storage.receive(KEY, stream(*chunks), len(data))
    assert (stored.size_bytes, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert read(storage, KEY) == data
    assert storage.path(KEY).read_bytes() == data
    assert list(storage.keys()) == [KEY]
    empty = await storage.receive("empty", stream(), 5)
    assert (empty.size_bytes, read(storage, "empty")) == (0, b"")
    again = LocalStorage(tmp_path / "storage")
    again.check("marker", create=False)
    assert read(again, KEY) == data
    await storage.delete(KEY)
    await storage.delete(KEY)
    assert read(storage, KEY) is None
    assert list(storage.keys()) == ["empty"]
    assert storage.free_bytes() > 0


async def test_nothing_stays_of_what_is_too_large_or_breaks_off(storage: LocalStorage, tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        raise ConnectionError

    async def never_ends() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield b"x" * 65_536

    before = files_below(tmp_path)
    with pytest.raises(BodyTooLarge):
        await storage.receive(KEY, stream(b"x" * 1_500_000, b"x" * 1_500_000), 2_999_999)
    with pytest.raises(ConnectionError):
        await storage.receive(KEY, breaks(), 1 << 30)
    for wait_s in (0.0, 0.01, 0.05):
        receiving = asyncio.ensure_future(storage.receive(KEY, never_ends(), 1 << 40))
        await asyncio.sleep(wait_s)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    assert files_below(tmp_path) == before
    assert storage.open(KEY) is None


async def test_the_event_loop_goes_on_while_bytes_come_in(storage: LocalStorage) -> None:
    receiving = asyncio.ensure_future(storage.receive(KEY, stream(*[b"x" * (1 << 20)] * 64), 1 << 30))
    beats, last, longest_s = 0, time.perf_counter(), 0.0
    while not receiving.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        beats, last, longest_s = beats + 1, now, max(longest_s, now - last)
    assert (await receiving).size_bytes == 64 << 20
    assert beats > 10
    assert longest_s < 1.0


FULL = """
    import asyncio, resource, sys
    from pathlib import Path
    from longtake.errors import StoreFull
    from longtake.storage.local import LocalStorage

    async def stream():
        for _ in range(40):
            yield b"x" * 65536

    async def main():
        storage = LocalStorage(Path(sys.argv[1]))
        storage.check("marker", create=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
        try:
            await storage.receive("key", stream(), 1 << 30)
        except StoreFull as error:
            print("full:", error.message)
        print(sorted(path.name for path in Path(sys.argv[1]).rglob("*") if path.is_file()))

    asyncio.run(main())
"""


async def test_a_disk_without_room_is_said_so_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on file size makes the same refusal of a write as a full disk, without filling one.
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path / "full")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("full: the disk is full")
    assert second == "['longtake-storage']"


async def test_promotion_can_be_done_again(storage: LocalStorage) -> None:
    work_key = work_file(storage, "work/grok:7fd641dc/1")
    await storage.promote(work_key, KEY)
    await storage.promote(work_key, KEY)
    assert read(storage, KEY) == b"made"
    assert not storage.path(work_key).exists()
    await storage.promote(work_file(storage, "work/grok:7fd641dc/2", b"again"), KEY)
    assert read(storage, KEY) == b"again"
    with pytest.raises(StoreFailed, match="gone"):
        await storage.promote("work/grok:7fd641dc/3/video.mp4", "other")
    assert list(storage.keys()) == [KEY]


async def test_work_folders_are_listed_and_removed(storage: LocalStorage) -> None:
    for prefix in ("work/grok:a/1", "work/grok:a/2", "work/b/1"):
        work_file(storage, prefix)
    assert list(storage.work_prefixes()) == ["work/b", "work/grok:a"]
    assert list(storage.keys()) == []
    await storage.delete_work("work/grok:a/1")
    assert storage.path("work/grok:a/2/video.mp4").exists()
    assert not storage.path("work/grok:a/1/video.mp4").exists()
    await storage.delete_work("work/grok:a")
    await storage.delete_work("work/grok:a")
    assert list(storage.work_prefixes()) == ["work/b"]
    await storage.delete_work("work/b/1")
    assert list(storage.work_prefixes()) == [], "a task's folder goes with its last attempt's"
    await storage.delete_work("")
    assert list(storage.work_prefixes()) == []
    work_file(storage, "work/c/1")


async def test_half_written_files_do_not_outlive_a_restart_but_finished_work_does(
    storage: LocalStorage, tmp_path: Path
) -> None:
    finished = work_file(storage, "work/grok:a/1")
    (storage.work_path("work/grok:a/1") / "sprite.jpg.part").write_bytes(b"half")
    (storage.work_path("work/grok:b/1") / "video.mp4.part").write_bytes(b"half")
    part = storage.path(KEY).with_name(KEY + ".part")
    part.write_bytes(b"half")
    # /readyz checks a storage that is at work.
    storage.check("marker", create=False)
    assert part.exists()
    again = LocalStorage(tmp_path / "storage")
    again.check("marker", create=False)
    assert [name for name in files_below(tmp_path) if name.endswith(".part")] == []
    assert again.path(finished).exists()
    assert list(again.work_prefixes()) == ["work/grok:a"]
    assert list(again.keys()) == []


async def test_the_marker_tells_whose_files_these_are(tmp_path: Path) -> None:
    root = tmp_path / "storage"
    with pytest.raises(ConfigurationError, match="marker is missing"):
        LocalStorage(root).check("mine", create=False)
    assert not root.exists()  # it may be the mount point of a disk that is not there
    LocalStorage(root).check("mine", create=True)
    LocalStorage(root).check("mine", create=True)
    for create in (True, False):
        with pytest.raises(ConfigurationError, match="another installation"):
            LocalStorage(root).check("theirs", create=create)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        LocalStorage(tmp_path / "file").check("mine", create=True)


@pytest.mark.parametrize(
    "key",
    ["", ".", "..", "../x", "a/b", "/etc/x", "a\\b", "a\0b", ".hid", "x.part", "a~b", "é", "a b", "x" * 201, "a\n"],
)  # fmt: skip
async def test_keys_lead_nowhere_else(storage: LocalStorage, key: str) -> None:
    with pytest.raises(StoreFailed):
        storage.path(key)
    with pytest.raises(StoreFailed):
        await storage.receive(key, stream(b"x"), 10)
    for work_key in (f"work/{key}", f"work/a/{key}", f"work/a/{key}/b"):
        if key and key != "a/b":
            with pytest.raises(StoreFailed):
                storage.work_path(work_key)
    with pytest.raises(StoreFailed):
        storage.work_path(f"blobs/{key}")


async def test_keys_with_colons_come_back(storage: LocalStorage) -> None:
    await storage.receive("asset:1", stream(b"x"), 10)
    assert list(storage.keys()) == ["asset:1"]
    assert ":" not in storage.path("asset:1").name


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def start_of(storage: LocalStorage, key: str) -> bytes | None:
    blob = storage.open_again(key)
    if blob is None:
        return None
    try:
        return os.pread(blob.descriptor, 4, 0)
    finally:
        os.close(blob.descriptor)


async def test_a_file_that_was_open_is_gone_once_it_is_deleted_or_unlinked(storage: LocalStorage) -> None:
    for remove in (storage.delete, lambda key: asyncio.to_thread(storage.path(key).unlink)):
        await storage.receive(KEY, stream(b"made here"), 9)
        before = descriptors()
        assert [start_of(storage, KEY) for _ in range(3)] == [b"made"] * 3
        assert descriptors() == before + 1  # the one that is kept
        await remove(KEY)
        assert start_of(storage, KEY) is None
        assert descriptors() == before  # nothing holds its room on the disk


async def test_a_file_that_is_sent_when_it_is_deleted_is_sent_to_its_end(storage: LocalStorage) -> None:
    await storage.receive(KEY, stream(b"made here"), 9)
    assert start_of(storage, KEY) == b"made"
    blob = storage.open_again(KEY)
    assert blob is not None
    await storage.delete(KEY)
    assert os.pread(blob.descriptor, 9, 0) == b"made here"
    os.close(blob.descriptor)


async def test_only_so_many_files_are_kept_open(storage: LocalStorage) -> None:
    before = descriptors()
    for number in range(MOST_FILES + 10):
        await storage.receive(f"file-{number}", stream(b"%04d" % number), 4)
        assert start_of(storage, f"file-{number}") == b"%04d" % number
    assert descriptors() <= before + MOST_FILES
    assert [start_of(storage, f"file-{number}") for number in (0, MOST_FILES + 9)] == [
        b"0000",
        b"%04d" % (MOST_FILES + 9),
    ]
    del storage


async def test_each_reader_that_opens_a_file_begins_at_its_beginning(storage: LocalStorage) -> None:
    await storage.receive(KEY, stream(b"made here"), 9)
    assert start_of(storage, KEY) == b"made"
    assert (read(storage, KEY), read(storage, KEY)) == (b"made here", b"made here")
