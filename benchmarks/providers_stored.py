# SPDX-License-Identifier: Apache-2.0
"""From a provider's "ready" to a stored result: how long each stage takes, and up to which rate this machine keeps up.

    python benchmarks/providers_stored.py [--tasks 5000] [--rates 0.5,1.5,3] [--seconds 20] [--burst 200]

The provider is the fake of providers.py. Its results are MP4s of 4 s and 720x1280 with sound, some 2 MB, as makers send
them. First one result comes while no render child runs; then results come at each rate; then a burst comes at once,
which fills the machine's cores: what it stores a second is the most that it can, and above that rate results wait for
each other whatever the code does. Times are from the moment the provider told us; before it a job may be ready for as
long as the pause between two questions.

A shared machine shows in the last columns: how long the server's own loop waited for a core, and what others took.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import apsw
import av
import numpy as np

from peers_servers import ADMIN_KEY, Server, exchange
from providers import (
    CREATE,
    LIMIT_S,
    SETTLE_S,
    Upstream,
    post,
    press,
    share_of,
    start_longtake,
    start_upstream,
    stored_ms,
)

STEPS = ("fetching", "assembling", "storing", "succeeded")
SIDE_PX = (720, 1280)
FRAMES, RATE, SOUND_HZ = 96, 24, 48_000
IDLE_S = 8.0
CHILD_IDLE_S = 5
"""So that the first result finds no child."""


def render_real_clip(path: Path) -> None:
    """4 s of a moving texture with sound, about 2 MB."""
    wide, high = SIDE_PX
    noise = np.random.default_rng(7)
    texture = np.kron(noise.integers(40, 200, (high // 4, wide // 2), dtype=np.uint8), np.ones((4, 4), np.uint8))
    grain = noise.integers(-12, 12, (high, 2 * wide), dtype=np.int16)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        pictures = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "25"})
        pictures.width, pictures.height, pictures.pix_fmt = wide, high, "yuv420p"
        sound = out.add_stream("aac", rate=SOUND_HZ, layout="stereo")
        for number in range(FRAMES):
            picture = np.full((high * 3 // 2, wide), 128, dtype=np.uint8)
            picture[:high] = texture[:, number * 5 : number * 5 + wide]
            picture[:high] = np.clip(picture[:high] + grain[:, number * 7 : number * 7 + wide], 16, 235)
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts = number
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        for number in range(FRAMES * SOUND_HZ // RATE // 1024):
            block = av.AudioFrame.from_ndarray(
                noise.normal(0, 0.05, (2, 1024)).astype(np.float32), "fltp", layout="stereo"
            )
            block.sample_rate, block.pts, block.time_base = SOUND_HZ, number * 1024, Fraction(1, SOUND_HZ)
            out.mux(sound.encode(block))
        out.mux(sound.encode(None))


# ---- what the machine did --------------------------------------------------------------------------------------------


@dataclass
class Machine:
    """Processor seconds so far: of the server, of its children, of everybody; and how long its loop had no core."""

    server_s: float
    children_s: float
    all_s: float
    waited_s: float
    at_s: float

    @classmethod
    def now(cls, pid: int) -> Machine:
        """As the kernel counts it."""
        tick_s = 1 / os.sysconf("SC_CLK_TCK")
        own = _stat(pid)
        ended = float(own[13]) + float(own[14])
        live = 0.0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    fields = _stat(int(entry.name))
                    if int(fields[1]) == pid:
                        live += float(fields[11]) + float(fields[12])
        everybody = [
            int(value) for value in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
        ]
        waited_ns = int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[1])
        return cls(
            server_s=(float(own[11]) + float(own[12])) * tick_s,
            children_s=(ended + live) * tick_s,
            all_s=(sum(everybody[:3]) + everybody[5] + everybody[6]) * tick_s,
            waited_s=waited_ns / 1e9,
            at_s=time.perf_counter(),
        )


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


# ---- what became of results ------------------------------------------------------------------------------------------


def stages_s(home: Path, told_ms: dict[str, float]) -> dict[str, list[float]]:
    """How long each result took to each step and to its end, from the moment that it was told; those that ended."""
    connection = apsw.Connection(str(home / "longtake.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        reached: dict[str, dict[str, int]] = {}
        for task, step, at_ms in connection.execute("select task, step, at_ms from events order by task, sequence"):
            if task in told_ms:
                reached.setdefault(str(task), {}).setdefault(str(step), int(str(at_ms)))
    finally:
        connection.close()
    ended = {task: steps for task, steps in reached.items() if "succeeded" in steps}
    return {step: [(steps[step] - told_ms[task]) / 1000 for task, steps in ended.items()] for step in STEPS}


@dataclass
class Stretch:
    """One load of results."""

    server: Server
    upstream: Upstream
    home: Path

    def polls_share(self) -> float:
        """Of one core: what the server takes while there are no results."""
        before = Machine.now(self.server.pid)
        time.sleep(IDLE_S)
        after = Machine.now(self.server.pid)
        return (after.server_s - before.server_s) / (after.at_s - before.at_s)

    def run(self, name: str, count: int, per_s: float, polls_share: float) -> tuple[float, float]:
        """Make so many ready, wait until they are stored, and print what that took.

        Seconds of a core for each, of a child and of the server beside its polls.
        """
        known = {job["caller_key"] for job in self.upstream.seen()["ready"]}
        before_stored = len(stored_ms(self.home))
        self.upstream.tell("mark")
        before = Machine.now(self.server.pid)
        self.upstream.tell("ready", count=count, per_s=per_s)
        until_s = time.perf_counter() + count / per_s + LIMIT_S
        while len(stored_ms(self.home)) < before_stored + count and time.perf_counter() < until_s:
            time.sleep(0.1)
        after, seen = Machine.now(self.server.pid), self.upstream.seen()
        told_ms = {
            job["caller_key"].rpartition(".")[0]: job["told_ms"]
            for job in seen["ready"]
            if job["caller_key"] not in known and job["told_ms"] is not None
        }
        stages = stages_s(self.home, told_ms)
        ends_s = sorted(told_ms[task] / 1000 + took for task, took in zip_ends(self.home, told_ms))
        per_second = (len(ends_s) - 1) / (ends_s[-1] - ends_s[0]) if len(ends_s) > 1 else 0.0
        wall_s = after.at_s - before.at_s
        children_s = after.children_s - before.children_s
        others_s = after.all_s - before.all_s - children_s - after.server_s + before.server_s
        print(
            f"{name:14}{len(ends_s):>5} of {count:<5}{per_second:7.2f}"
            + "".join(f"{share_of(stages[step], 0.5):9.2f}" for step in STEPS)
            + f"{share_of(stages['succeeded'], 0.99):9.2f}"
            + f"{(after.server_s - before.server_s) / wall_s:9.0%}{children_s / wall_s:9.0%}"
            + f"{children_s / max(1, len(ends_s)) * 1000:10.0f}{seen['late_s'].get('99', 0) * 1000:9.0f}"
            + f"{(after.waited_s - before.waited_s) / wall_s:9.0%}{others_s / wall_s:9.0%}",
            flush=True,
        )
        stored = max(1, len(ends_s))
        return children_s / stored, (after.server_s - before.server_s) / stored - polls_share * wall_s / stored


def zip_ends(home: Path, told_ms: dict[str, float]) -> list[tuple[str, float]]:
    """Each result that is stored, and how long after it was told, in seconds."""
    stored = stored_ms(home)
    return [(task, (stored[task] - told) / 1000) for task, told in told_ms.items() if task in stored]


HEAD = (
    f"{'':14}{'stored':>14}{'a second':>8}{'told to':>8}{'':>28}{'stored':>9}{'server':>9}{'children':>9}"
    f"{'child CPU':>10}{'polls':>9}{'loop had':>9}{'others':>9}\n"
    f"{'results':14}{'':14}{'':8}" + "".join(f"{step:>9}" if len(step) < 9 else f"{step[:8]:>9}" for step in STEPS)
    + f"{'p99 s':>9}{'CPU':>9}{'CPU':>9}{'ms each':>10}{'p99 ms':>9}{'no core':>9}{'CPU':>9}"
)  # fmt: skip


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--rates", default="0.5,1.5,3", help="results a second, with commas")
    parser.add_argument("--seconds", type=float, default=20.0, help="of results at each rate")
    parser.add_argument("--burst", type=int, default=200, help="results at once")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="longtake-stored-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        home = folder / "home"
        render_real_clip(folder / "clip.mp4")
        os.environ["LONGTAKE_CHILD_IDLE_S"] = str(CHILD_IDLE_S)
        upstream = start_upstream(stack, folder)
        server = start_longtake(stack, home, upstream)
        request = post("/v1/videos", server, ADMIN_KEY, CREATE)
        json.loads(exchange(server.port, request)[1])
        answered = 1 + press(server, request, LIMIT_S, arguments.tasks)["answers"]
        seen = upstream.wait_for(answered)
        size_mb = (folder / "clip.mp4").stat().st_size / 1e6
        print(f"{seen['jobs']} jobs in flight; each result has {size_mb:.1f} MB\n{HEAD}", flush=True)
        time.sleep(SETTLE_S)
        stretch = Stretch(server, upstream, home)
        polls_share = stretch.polls_share()
        stretch.run("first, cold", 1, 1.0, polls_share)
        time.sleep(CHILD_IDLE_S + 3)
        stretch.run("again, cold", 1, 1.0, polls_share)
        for text in arguments.rates.split(","):
            per_s = float(text)
            stretch.run(f"{per_s:g} a second", max(1, round(per_s * arguments.seconds)), per_s, polls_share)
        child_s, server_s = stretch.run("a burst", arguments.burst, 1e6, polls_share)
        cores = os.cpu_count() or 1
        print(
            f"\na result takes {child_s * 1000:.0f} ms of a child's core and {server_s * 1000:.0f} ms of the server's; "
            f"polls take {polls_share:.0%} of one.\nOne renderer is full at {1 / child_s:.1f} results a second, "
            f"{cores} cores at {(cores - polls_share) / (child_s + server_s):.1f}: above that they wait for each other."
        )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
