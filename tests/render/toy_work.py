# SPDX-License-Identifier: Apache-2.0
"""A Work for real children in tests: behaves well or badly, as the job's own words say. Needs no media library."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from longtake.errors import MediaError
from longtake.render.base import CreateRequest, ProbeRequest, Produced, Progress, RenderJob
from longtake.render.messages import Setup
from longtake.render.reporter import Reporter
from longtake.types import RenderReport

HELD: list[object] = []


def autogroup() -> str:
    """What the kernel says of this session's share of the cores; empty where it shares them out by process alone."""
    path = Path("/proc/self/autogroup")
    return path.read_text() if path.exists() else ""


class ToyWork:
    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.jobs = 0

    def run(self, job: RenderJob, reporter: Reporter) -> Produced:
        self.jobs += 1
        wish: dict[str, object]
        match job.request:
            case ProbeRequest(key=key):
                wish = json.loads(key)
            case CreateRequest(plan=plan):
                wish = json.loads(plan.prompt)
            case _:
                raise AssertionError
        answer = getattr(self, str(wish.pop("do")))(reporter, **wish)
        return Produced(report=RenderReport(files=(), pick=json.dumps(answer)))

    def steps(self, reporter: Reporter, count: int = 5, pause_s: float = 0.12) -> int:
        for number in range(count):
            time.sleep(pause_s)
            reporter.progress((number + 1) / count, f"step {number + 1}")
            if reporter.cancelled():
                break
        return self.jobs

    def deaf(self, reporter: Reporter) -> None:
        while True:
            time.sleep(0.05)
            reporter.progress(0.5)

    def hang(self, reporter: Reporter) -> None:
        time.sleep(60)

    def stop_itself(self, reporter: Reporter) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def crash(self, reporter: Reporter) -> None:
        print("the last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(60)

    def leave(self, reporter: Reporter) -> None:
        os._exit(3)

    def spawn_and_crash(self, reporter: Reporter, note: str) -> None:
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        Path(note).write_text(str(sleeper.pid))
        os.kill(os.getpid(), signal.SIGKILL)

    def allocate(self, reporter: Reporter) -> None:
        while True:
            HELD.append(bytearray(8 << 20))

    def grow_shared(self, reporter: Reporter) -> None:
        """Memory that no RLIMIT_DATA counts; only the supervisor sees it."""
        for _ in range(64):
            shared = mmap.mmap(-1, 16 << 20)
            shared.write(b"x" * (16 << 20))
            HELD.append(shared)
        time.sleep(60)

    def garbage(self, reporter: Reporter, text: str) -> None:
        for path in Path("/proc/self/fd").iterdir():
            descriptor = int(path.name)
            try:
                if descriptor > 2 and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                    os.write(descriptor, bytes.fromhex(text))
            except OSError:
                continue
        time.sleep(60)

    def chatter(self, reporter: Reporter) -> int:
        print("a print that must not come between the messages", flush=True)
        os.write(1, b"\xff\xff\xff\xff nor this one")
        return self.jobs

    def flood(self, reporter: Reporter, count: int) -> int:
        for number in range(count):
            reporter._send(Progress(done=number / count))
        return count

    def linger(self, reporter: Reporter) -> int:
        """Progress after the end must not reach the next job."""
        HELD.append(reporter)
        return self.jobs

    def nudge(self, reporter: Reporter) -> int:
        for old in HELD:
            assert isinstance(old, Reporter)
            old.progress(1.0, "from a job long ended")
        return self.jobs

    def raise_value_error(self, reporter: Reporter) -> None:
        raise ValueError("/a/path/that/is/nobodys/business")

    def raise_media_error(self, reporter: Reporter) -> None:
        raise MediaError("the file is no video: send MP4")

    def write_large(self, reporter: Reporter, path: str) -> None:
        with Path(path).open("wb") as file:
            file.truncate(64 << 20)

    def look(self, reporter: Reporter) -> dict[str, object]:
        import resource  # noqa: PLC0415  (POSIX only)

        descriptors = {}
        for path in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                descriptors[path.name] = str(path.readlink())
        return {
            "environ": dict(os.environ),
            "descriptors": descriptors,
            "nice": os.nice(0),
            "autogroup": autogroup(),
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "group": os.getpgid(0) == os.getpid(),
            "session": os.getsid(0) == os.getpid(),
            "modules": [name for name in ("av", "cv2", "numpy") if name in sys.modules],
        }
