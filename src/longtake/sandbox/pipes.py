# SPDX-License-Identifier: Apache-2.0
"""The child's ends of its pipes, taken away from everything else in the process."""

from __future__ import annotations

import os
import threading

from longtake.sandbox.framing import frame, read_frame


class ParentPipes:
    """Messages from and to the parent. Reading is for one thread, sending for any."""

    def __init__(self, read_descriptor: int, write_descriptor: int) -> None:
        self._read = read_descriptor
        self._write = write_descriptor
        self._sending = threading.Lock()

    @classmethod
    def take_standard(cls) -> ParentPipes:
        """Take over standard input and output.

        Afterwards input is empty and output goes to standard error, so that no print of a library, in Python or in C,
        can come between the messages; the private descriptors are not inherited by anything the child starts.
        """
        read_descriptor, write_descriptor = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        return cls(read_descriptor, write_descriptor)

    def receive(self) -> bytes | None:
        """The next message, None when the parent has closed its end or died. Raises FramingError."""
        return read_frame(lambda count: os.read(self._read, count))

    def send(self, payload: bytes) -> None:
        """Send one message. A parent that is gone ends this process: nobody is left to work for."""
        rest = memoryview(frame(payload))
        with self._sending:
            try:
                while rest:
                    rest = rest[os.write(self._write, rest) :]
            except OSError:
                os._exit(1)
