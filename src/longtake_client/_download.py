# SPDX-License-Identifier: Apache-2.0
"""Fetching a finished video: from its address or the server's content route, taken up again where it broke off."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from longtake_client._calls import Call, Close, Flow, Sleep, Stream, Tell, path_id, read, work
from longtake_client._errors import APIConnectionError, APIError, APIStatusError, TaskFailed, TaskNotFinished
from longtake_client._flows import Bytes, Manner, backoff_s, querying, reach_file
from longtake_client._part import PartSink
from longtake_client._task import State, Task

VIDEO = "video"
_WHOLE, _REST, _NO_REST = 200, 206, 416
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class Sink(Protocol):
    """Where the bytes go."""

    def begin(self, etag: str, size_bytes: int | None) -> int:
        """Get ready for a file; how many of its first bytes are there already, from an earlier try."""
        ...

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...

    def restart(self) -> None:
        """Forget all bytes so far. Raises OSError where they are out of reach."""
        ...


class PipeSink:
    """An open file or pipe of the caller's, written from where it stands."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = 0

    def begin(self, etag: str, size_bytes: int | None) -> int:
        """Nothing is there yet."""
        del etag, size_bytes
        return 0

    def write(self, chunk: bytes) -> None:
        """Write them all."""
        self._file.write(chunk)
        self._written += len(chunk)

    def restart(self) -> None:
        """Only while nothing has been written."""
        if self._written:
            raise OSError("the download broke off and the server cannot send the rest alone: run it again")


def finished(task: Task) -> Task:
    """The task itself if it has a video. Raises TaskFailed or TaskNotFinished."""
    if not task.ended:
        raise TaskNotFinished(task)
    if task.state is not State.SUCCEEDED:
        raise TaskFailed(task)
    return task


def places(manner: Manner, task: Task | str, variant: str) -> Flow[list[Call]]:
    """Where a file of a finished task can be had, in the order to try.

    A video's own address needs no key and may lie on another server; the content route needs the key.
    """
    found: list[Call] = []
    if variant == VIDEO:
        known = task if isinstance(task, Task) and task.ended else None
        known = known or (yield from querying(manner, task.id if isinstance(task, Task) else task))
        url = finished(known).video_url
        if url is not None:
            found.append(manner.server.fetch(url))
    task_id = task.id if isinstance(task, Task) else task
    query = {} if variant == VIDEO else {"variant": variant}
    found.append(manner.server.call("GET", f"/v1/videos/{path_id(task_id)}/content", query=query))
    # A length that is told is the file's own only if nothing packs it on the way.
    return [replace(call, headers={**call.headers, "Accept": "*/*", "Accept-Encoding": "identity"}) for call in found]


def downloading(
    manner: Manner, task: Task | str, sink: Sink, *, variant: str = VIDEO, on_bytes: Bytes | None = None
) -> Flow[int]:
    """Write a file of a finished task into a sink; its size in bytes.

    Raises TaskNotFinished, TaskFailed, APIError and its kin, and OSError from the sink.
    """
    calls = yield from places(manner, task, variant)
    call, stream = yield from _first_good(manner, calls)
    fetch = _Fetch(manner, call, sink, on_bytes)
    return (yield from fetch.run(stream))


def _first_good(manner: Manner, calls: list[Call]) -> Flow[tuple[Call, Stream]]:
    for call in calls[:-1]:
        try:
            return call, (yield from reach_file(call, manner.max_retries, frozenset({_WHOLE})))
        except APIError:
            continue  # a link may have expired, or lead where this machine cannot go: the next place needs no link
    return calls[-1], (yield from reach_file(calls[-1], manner.max_retries, frozenset({_WHOLE})))


class _Fetch:
    """One download: what is known of the file, and how far it has come."""

    def __init__(self, manner: Manner, call: Call, sink: Sink, on_bytes: Bytes | None) -> None:
        self._manner = manner
        self._call = call
        self._sink = sink
        self._on_bytes = on_bytes
        self._etag = ""
        self._size_bytes: int | None = None
        self._received = 0

    def run(self, stream: Stream) -> Flow[int]:
        """Read to the end, over as many connections as it takes; a try that brought new bytes does not count."""
        self._know(stream)
        self._received = yield from self._begin()
        if self._received:
            yield Close(stream)
            stream = yield from self._reopen()
        tries = most = 0
        while True:
            try:
                yield from self._read(stream)
            except APIConnectionError as error:
                tries = 0 if self._received > most else tries + 1
                most = max(most, self._received)
                if tries > self._manner.max_retries:
                    raise self._broken(error) from error
            else:
                return self._received
            yield Sleep(backoff_s(tries))
            try:
                stream = yield from self._reopen()
            except APIConnectionError as error:
                raise self._broken(error) from error

    def _know(self, stream: Stream) -> None:
        etag = stream.headers.get("etag", "")
        # Only a strong one may join two pieces (RFC 9110 13.1.5), and a packed file's pieces are not the file's own.
        self._etag = etag if etag.startswith('"') and _is_plain(stream.headers) else ""
        self._size_bytes = announced_bytes(stream.headers)

    def _begin(self) -> Flow[int]:
        return (yield from work(lambda: self._sink.begin(self._etag, self._size_bytes)))

    def _reopen(self) -> Flow[Stream]:
        """A stream of the rest, or of the whole where the server has another file by now or cannot send a rest."""
        if self._received and self._etag:
            headers = {**self._call.headers, "Range": f"bytes={self._received}-", "If-Range": self._etag}
            try:
                call = replace(self._call, headers=headers)
                stream = yield from reach_file(call, self._manner.max_retries, frozenset({_WHOLE, _REST}))
            except APIStatusError as error:
                if error.status_code != _NO_REST:
                    raise
            else:
                if stream.status == _REST and self._continues(stream):
                    return stream
                if stream.status == _WHOLE:
                    yield from self._restart(stream)
                    return stream
                yield Close(stream)
        stream = yield from reach_file(self._call, self._manner.max_retries, frozenset({_WHOLE}))
        yield from self._restart(stream)
        return stream

    def _continues(self, stream: Stream) -> bool:
        found = _CONTENT_RANGE.fullmatch(stream.headers.get("content-range", ""))
        if found is None or not _is_plain(stream.headers):
            return False
        return int(found[1]) == self._received and found[2] in {"*", str(self._size_bytes)}

    def _restart(self, stream: Stream) -> Flow[None]:
        yield from work(self._sink.restart)
        self._received = 0
        self._know(stream)

    def _read(self, stream: Stream) -> Flow[None]:
        try:
            while chunk := (yield from read(stream)):
                yield from work(lambda chunk=chunk: self._sink.write(chunk))
                self._received += len(chunk)
                if self._on_bytes is not None:
                    yield self._telling(self._on_bytes)
        finally:
            yield Close(stream)
        if self._size_bytes is not None and self._received != self._size_bytes:
            raise APIConnectionError("the file ended early")

    def _telling(self, on_bytes: Bytes) -> Tell:
        received = self._received
        return Tell(lambda: on_bytes(received, self._size_bytes))

    def _broken(self, error: APIConnectionError) -> APIConnectionError:
        of = "" if self._size_bytes is None else f" of {self._size_bytes}"
        return APIConnectionError(f"the download broke off after {self._received}{of} bytes: {error}")


def _is_plain(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "identity").lower() == "identity"


def announced_bytes(headers: Mapping[str, str]) -> int | None:
    """A file's size by Content-Length; None where it is not told or not the file's own."""
    text = headers.get("content-length", "")
    if not _is_plain(headers) or not text.isdecimal() or len(text) > 18:  # noqa: PLR2004
        return None
    return int(text)


def saving(
    manner: Manner, task: Task | str, target: str | os.PathLike[str], *, variant: str, on_bytes: Bytes | None
) -> Flow[Path]:
    """Write a file of a finished task to a path, whole or not at all; the path."""
    sink = yield from work(lambda: PartSink(target))
    yield from work(sink.check)
    try:
        yield from downloading(manner, task, sink, variant=variant, on_bytes=on_bytes)
        return (yield from work(sink.finish))
    except APIConnectionError:
        yield from work(sink.leave)
        raise
    except BaseException:
        yield from work(sink.drop)
        raise
