# SPDX-License-Identifier: Apache-2.0
"""The parent's side of a child: start it, talk to it over pipes, watch its memory, end it for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from longtake.sandbox.framing import FramingError, frame, read_frame

STDERR_TAIL_BYTES = 16 << 10
SEND_TIMEOUT_S = 10.0
EXIT_POLL_S = 0.005
THREADS_END_S = 2.0


class ChildGone(Exception):
    """The child does not take messages any more."""


class Child:
    """One child process in its own session, with framed messages on its standard input and output.

    On Linux the child is killed when the *thread* that made this object ends (prctl PR_SET_PDEATHSIG is tied to the
    thread), so that thread must live as long as the child shall. `on_message` and `on_end` are called from a reader
    thread; on_end comes once, with a reason if the stream was broken and "" at its plain end. on_message may raise
    FramingError for a message that it cannot read.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        on_message: Callable[[bytes], None],
        on_end: Callable[[str], None],
    ) -> None:
        if not sys.executable:
            raise ChildGone("this Python does not know its own executable, so no child can be started")
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own module, fixed arguments)
                [sys.executable, "-P", "-m", module, *arguments],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                close_fds=True,
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )
        except OSError as error:
            raise ChildGone(f"no child could be started: {error}") from error
        self._on_message = on_message
        self._on_end = on_end
        self._returncode: int | None = None
        self._stderr = bytearray()
        self._stderr_lock = threading.Lock()
        assert self._process.stdin is not None
        self._input_descriptor = self._process.stdin.fileno()
        if os.name == "posix":
            os.set_blocking(self._input_descriptor, False)
        self._threads = [
            threading.Thread(target=target, name=f"child-{self.pid}-{name}", daemon=True)
            for name, target in (("messages", self._read_messages), ("stderr", self._read_stderr))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Its process id, also of its group."""
        return self._process.pid

    def send(self, payload: bytes) -> None:
        """Send one message. Raises ChildGone if it is not taken within SEND_TIMEOUT_S; for one thread at a time.

        The pipe does not block: a child that is stopped or stuck must not stop its supervisor too.
        """
        rest = memoryview(frame(payload))
        until_s = time.monotonic() + SEND_TIMEOUT_S
        while rest:
            try:
                rest = rest[os.write(self._input_descriptor, rest) :]
            except BlockingIOError:
                if time.monotonic() > until_s:
                    raise ChildGone("the child does not read its messages") from None
                time.sleep(EXIT_POLL_S)
            except OSError as error:
                raise ChildGone(f"the child does not take messages: {error}") from error

    def resident_bytes(self) -> int | None:
        """Its resident memory; None where the platform has no /proc."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_bytes().split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, AttributeError):
            return None

    def stderr_tail(self) -> str:
        """The last of what it has said on standard error."""
        with self._stderr_lock:
            return self._stderr.decode("utf-8", "replace").strip()

    def dismiss(self, grace_s: float) -> int:
        """Close its input, give it `grace_s` to end by itself, then kill what is left; its exit status."""
        if self._returncode is None:
            with contextlib.suppress(OSError):
                assert self._process.stdin is not None
                self._process.stdin.close()
        return self.end(grace_s)

    def end(self, grace_s: float = 0.0) -> int:
        """Kill its group after at most `grace_s`, reap it, close the pipes; its exit status, negative = signal."""
        if self._returncode is not None:
            return self._returncode
        self._await_exit(grace_s)
        self._kill_group()
        self._returncode = self._process.wait()
        for thread in self._threads:
            thread.join(THREADS_END_S)
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        if not any(thread.is_alive() for thread in self._threads):  # else a stray grandchild holds one open: leave it
            for pipe in pipes:
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()
        return self._returncode

    def _await_exit(self, grace_s: float) -> None:
        """Wait for the exit without reaping: as long as the zombie is there, its group id cannot be another's."""
        if not hasattr(os, "waitid"):  # Windows and older macOS
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
            return
        until_s = time.monotonic() + grace_s
        while True:
            with contextlib.suppress(ChildProcessError):
                if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                    return
            if time.monotonic() >= until_s:
                return
            time.sleep(EXIT_POLL_S)

    def _kill_group(self) -> None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(self.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _read_messages(self) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        why = ""
        try:
            while (payload := read_frame(lambda count: os.read(descriptor, count))) is not None:
                self._on_message(payload)
        except FramingError as error:
            why = str(error)
        except OSError as error:
            why = f"its pipe cannot be read: {error}"
        self._on_end(why)

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        descriptor = self._process.stderr.fileno()
        with contextlib.suppress(OSError):
            while chunk := os.read(descriptor, 4096):
                with self._stderr_lock:
                    self._stderr += chunk
                    del self._stderr[:-STDERR_TAIL_BYTES]


def describe_exit(returncode: int) -> str:
    """An exit status in words, such as `signal 9, SIGKILL`."""
    if returncode >= 0:
        return f"exit status {returncode}"
    with contextlib.suppress(ValueError):
        return f"signal {-returncode}, {signal.Signals(-returncode).name}"
    return f"signal {-returncode}"
