# SPDX-License-Identifier: Apache-2.0
"""A video or picture to send: a path, bytes or a file object, read piece by piece as one part of a form."""

from __future__ import annotations

import base64
import io
import os
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from longtake_client._errors import InvalidUse

CHUNK_BYTES = 1 << 18

FileSource: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO"
"""A file's path, its bytes, or an open binary file that is read from where it stands."""


@dataclass(frozen=True)
class Form:
    """A multipart/form-data body (RFC 7578) of one file in the field `file`. Can be read again unless it is a pipe."""

    source: FileSource = field(repr=False)
    filename: str
    size_bytes: int | None
    """None = not known before the end, as with a pipe."""
    start: int | None
    """Where an open file stood when it was given; None = it can be read only once, or is none."""
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))
    sent: Callable[[int, int | None], object] | None = None
    """Told how many bytes of the file have gone, of how many."""

    @property
    def repeatable(self) -> bool:
        """Whether a retry can send it again."""
        return self.start is not None or not hasattr(self.source, "read")

    def headers(self) -> dict[str, str]:
        """Its content type and, if known, length."""
        headers = {"Content-Type": f"multipart/form-data; boundary={self.boundary}"}
        if self.size_bytes is not None:
            headers["Content-Length"] = str(len(self._head()) + self.size_bytes + len(self._tail()))
        return headers

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece. Raises OSError where the file cannot be read."""
        yield self._head()
        sent = 0
        with _opened(self) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                sent += len(chunk)
                if self.sent is not None:
                    self.sent(sent, self.size_bytes)
        yield self._tail()

    def _head(self) -> bytes:
        name = "".join("_" if sign in '\\"\r\n' else sign for sign in self.filename)
        head = (
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return head.encode(errors="replace")  # a name on disk need not be UTF-8

    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()


def form_of(
    source: FileSource, filename: str | None = None, sent: Callable[[int, int | None], object] | None = None
) -> Form:
    """A form that sends a file. Raises InvalidUse for what is no file, OSError where it cannot be looked at."""
    if isinstance(source, bytes | bytearray | memoryview):
        return Form(source, filename or "upload", memoryview(source).nbytes, 0, sent=sent)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.is_file():
            raise InvalidUse(f"{str(path)!r} is no file: give a path, bytes or an open binary file")
        return Form(source, filename or path.name, path.stat().st_size, None, sent=sent)
    if isinstance(source, io.TextIOBase):
        raise InvalidUse("the file was opened as text: open it with mode 'rb'")
    name = filename or os.path.basename(str(getattr(source, "name", "") or "upload"))  # noqa: PTH119  (any text)
    try:
        start = source.tell() if source.seekable() else None
        size_bytes = None if start is None else source.seek(0, os.SEEK_END) - start
        if start is not None:
            source.seek(start)
    except OSError:
        start = size_bytes = None
    return Form(source, name, size_bytes, start, sent=sent)


@contextmanager
def _opened(form: Form) -> Generator[BinaryIO]:
    source = form.source
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            yield file
    else:
        if form.start is not None:
            source.seek(form.start)
        yield source


def inline_picture(source: object) -> str:
    """A picture as the page's `images` take it. A text is sent as it is (address, data URI or an upload's id).

    Raises InvalidUse for what is no picture, OSError for a file that cannot be read.
    """
    if isinstance(source, str):
        return source
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(cast("bytes", source))
    elif isinstance(source, os.PathLike):
        data = Path(cast("os.PathLike[str]", source)).read_bytes()
    else:
        raise InvalidUse(f"images holds {type(source).__name__}: give an address, an upload's id, a Path or bytes")
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()
