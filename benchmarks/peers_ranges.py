# SPDX-License-Identifier: Apache-2.0
"""longtake's Range answers beside nginx's, for benchmarks/peers.py: in turns, many short rounds, ratios of each round.

Two nginx: as it is by itself, which the aim is measured against, and with `tcp_nopush on`, as Debian ships it. All send
the same bytes over keep-alive connections and log nothing. What a round costs depends on TCP's congestion control:
BBR paces, and its timers can cost more than the bytes, so the one in use is printed.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from peers_servers import ADMIN_KEY, Measured, Server, get, measure, start_nginx

MIB = 1 << 20
ROUND_S = 0.7
AIM = 1.6
_CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")


@dataclass(frozen=True)
class Case:
    """Ranges of one size, asked for by so many connections at once."""

    size_bytes: int
    connections: int

    @property
    def name(self) -> str:
        """What it is called in the table."""
        size = f"{self.size_bytes // MIB} MiB" if self.size_bytes >= MIB else f"{self.size_bytes >> 10} KiB"
        return f"{size}, c{self.connections}"


# The aim is for the first one.
CASES = (Case(MIB, 16), Case(MIB, 1), Case(4 * MIB, 8), Case(64 << 10, 16))


def beside_nginx(stack: ExitStack, folder: Path, ours: Server, video: str, rounds: int) -> None:
    """Measure and print all cases, if nginx is installed."""
    if not (shutil.which("nginx") or Path("/usr/sbin/nginx").exists()):
        print("nginx is not installed: its comparison is left out")
        return
    file = folder / "video.mp4"
    servers = {
        "nginx": (start_nginx(stack, folder, file), "/video.mp4"),
        "longtake": (ours, f"/v1/videos/{video}/content"),
        "nopush": (start_nginx(stack, folder, file, "tcp_nopush on;"), "/video.mp4"),
    }
    print(f"ranges, {rounds} rounds in turns; congestion control: {_CONGESTION.read_text(encoding='ascii').strip()}")
    print(
        f"{'':14}{'server':10}{'per s':>9}{'CPU us':>9}{'with reader':>13}   CPU against nginx: median (best to worst)"
    )
    for case in CASES:
        part = f"Range: bytes={MIB}-{MIB + case.size_bytes - 1}\r\n"
        found: dict[str, list[Measured]] = {name: [] for name in servers}
        for number in range(rounds + 1):
            # Forth and back, so that nobody always has the same neighbour; the first round warms up.
            for name in list(servers)[:: 1 if number % 2 else -1]:
                server, path = servers[name]
                request = get(path, server.port, ADMIN_KEY, part)
                measured = measure(server, request, case.connections, ROUND_S)
                if number:
                    found[name].append(measured)
        for name, measurements in found.items():
            print(_line(case, name, measurements, found["nginx"]), flush=True)
    print(f"the aim is {AIM} at {CASES[0].name}")


def _line(case: Case, name: str, measurements: Sequence[Measured], peers: Sequence[Measured]) -> str:
    ratios = [ours.cpu_us / theirs.cpu_us for ours, theirs in zip(measurements, peers, strict=True)]
    rate = statistics.median(measured.rate for measured in measurements)
    cpu_us = statistics.median(measured.cpu_us for measured in measurements)
    both_us = statistics.median(measured.both_us for measured in measurements)
    return (
        f"{case.name:14}{name:10}{rate:9.0f}{cpu_us:9.0f}{both_us:13.0f}"
        f"   {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
    )
