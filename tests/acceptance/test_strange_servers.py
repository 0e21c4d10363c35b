# SPDX-License-Identifier: Apache-2.0
"""Commands against servers that are none, and with names that file systems allow: a sentence, never a traceback."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.acceptance.conftest import run_longtake

TASK_ID = "a:018f0000-0000-7000-8000-000000000001"


def answer(body: bytes, status: str = "200 OK", length: int | str | None = None) -> bytes:
    announced = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n".encode() + body


def task(**changes: object) -> bytes:
    return answer(json.dumps({"id": TASK_ID, "state": "succeeded", **changes}).encode())


@contextlib.contextmanager
def server_that_says(text: bytes) -> Generator[str]:
    """A listener that answers whatever it is asked with this text; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer, contextlib.suppress(OSError):
                        peer.settimeout(5)
                        head = b""
                        while b"\r\n\r\n" not in head and (piece := peer.recv(1 << 16)):
                            head += piece
                        peer.sendall(text)
                        peer.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize(
    "text",
    [
        answer(b"<html>"),
        answer(b"[1, 2]"),
        answer(b"[" * 100_000),
        answer(b"{}"),
        answer(b'{"a": 1', length=99_999_999_999_999),
        task(state={"a": 1}, progress=[]),
        answer(b'{"state": "running", "progress": 1e999}', "500 \x1b[31mred"),
        answer(json.dumps({"error": {"message": "\x1b]0;title\x07\x1b[2J", "code": 5}}).encode(), "400 Bad"),
    ],
    ids=["HTML", "list", "deep", "empty", "length", "types", "reason", "escapes"],
)
def test_no_answer_breaks_a_command(text: bytes):
    with server_that_says(text) as url:
        environment = {"LONGTAKE_URL": url, "LONGTAKE_API_KEY": "k"}
        done = run_longtake("watch", TASK_ID, timeout_s=20, environment=environment)
    assert done.returncode in {1, 2, 6}, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"longtake: " in done.stderr
    assert b"\x1b" not in done.stderr
    assert b"\x07" not in done.stderr


def test_what_is_no_http_is_no_server():
    with server_that_says(b"\0\xff" * 50) as url:
        done = run_longtake("list", timeout_s=20, environment={"LONGTAKE_URL": url, "LONGTAKE_API_KEY": "k"})
    assert done.returncode == 6
    assert b"Traceback" not in done.stderr


def test_numbers_that_are_none_are_left_out():
    text = answer(
        b'{"state": "succeeded", "progress": "nan", "metadata": {"duration": 1e999}, "warnings": ["\\u001b[2J"]}'
    )
    with server_that_says(text) as url:
        done = run_longtake("watch", TASK_ID, timeout_s=20, environment={"LONGTAKE_URL": url, "LONGTAKE_API_KEY": "k"})
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def test_keys_and_addresses_that_cannot_be_sent_are_refused():
    for url, key, status in (
        ("http://127.0.0.1:99999", "k", 2),
        ("http://[::1", "k", 2),
        ("http://127.0.0.1:9", "a\nb", 4),
        ("http://127.0.0.1:9", "\u00e9", 4),
    ):
        done = run_longtake("list", environment={"LONGTAKE_URL": url, "LONGTAKE_API_KEY": key}, timeout_s=20)
        assert (done.returncode, b"Traceback" in done.stderr) == (status, False), (url, done.stderr)


def test_names_that_file_systems_allow(clip: Path, tmp_path: Path):
    """A name that is no UTF-8 is read, the longest name is written, and a longer one is refused before the work."""
    source = tmp_path / os.fsdecode(b"\xff\xfe cat.mp4")
    try:
        source.write_bytes(clip.read_bytes())
    except OSError:
        # Some file systems know only Unicode; a name of theirs is as good for the rest.
        source = tmp_path / 'cat\n".mp4'
        source.write_bytes(clip.read_bytes())
    longest = tmp_path / ("n" * 251 + ".mp4")
    wish = ("--at", "0.5", "--duration", "0.2", "--prompt", "on", "-q")
    done = run_longtake("extend", str(source), *wish, "-o", str(longest))
    assert done.returncode == 0, done.stderr
    assert longest.stat().st_size > 0
    for arguments in ((str(source), *wish, "-o", str(longest) + "n"), ("n" * 300, *wish, "-o", "x.mp4")):
        done = run_longtake("extend", *arguments, timeout_s=10)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == sorted([source, longest])
