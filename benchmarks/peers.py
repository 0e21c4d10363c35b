# SPDX-License-Identifier: Apache-2.0
"""longtake's OpenAI routes beside LiteLLM's proxy, and its Range answers beside nginx, in one run.

    python benchmarks/peers.py [--litellm FOLDER] [--seconds 3] [--only ranges] [--rounds 9]

LiteLLM lives in an environment of its own, which the first run makes in FOLDER with pip. It calls a fake upstream on
loopback (peers_wire.py) that answers from memory; longtake reads its own record and its own disk. That is
what each of them does by design, so retrieve and content are not the same work: LiteLLM has no record to read. It has
no database here, hence no keys, budgets and spend to look after, which favours it. nginx is asked for the same file
(peers_ranges.py).

Ratios within one run are what counts. All processes talk to loopback only and end with the run.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from peers_ranges import beside_nginx
from peers_servers import (
    ADMIN_KEY,
    LITELLM_KEY,
    Measured,
    Server,
    create,
    family,
    get,
    litellm_environment,
    measure,
    peak_mib,
    render_video,
    start_litellm,
    start_longtake,
    upload,
)  # fmt: skip


def table_line(operation: str, name: str, measured: Measured) -> str:
    return f"{operation:22}{name:10}{measured.rate:12.1f}{measured.cpu_us:12.0f}{measured.p50_ms:10.2f}"


def beside_litellm(ours: Server, theirs: Server, video: str, seconds: float) -> None:
    """Retrieve, list of models, and content."""
    print(f"{'':22}{'server':10}{'per s':>12}{'CPU us':>12}{'p50 ms':>10}")
    foreign = create(theirs)
    for label, path, connections in (
        ("retrieve, c64", "", 64),
        ("retrieve, c1", "", 1),
        ("content 5 MB, c8", "/content", 8),
    ):
        asked = get(f"/v1/videos/{video}{path}", ours.port, ADMIN_KEY)
        asked_there = get(f"/v1/videos/{foreign}{path}", theirs.port, LITELLM_KEY)
        for duration_s in (1.0, seconds):  # the first warms up
            mine = measure(ours, asked, connections, duration_s)
            other = measure(theirs, asked_there, connections, duration_s)
        print(table_line(label, "longtake", mine))
        print(table_line(label, "LiteLLM", other))
        print(
            f"{label:22}{'ratio':10}{mine.rate / other.rate:11.0f}x{other.cpu_us / mine.cpu_us:11.0f}x"
            f"{other.p50_ms / mine.p50_ms:9.0f}x",
            flush=True,
        )
    # The children that look into files and render have no counterpart over there.
    mine_mib, all_mib, other_mib = peak_mib([ours.pid]), peak_mib(family(ours.pid)), peak_mib(family(theirs.pid))
    print(
        f"peak memory {mine_mib:.0f} MiB ({all_mib:.0f} MiB with its children) against {other_mib:.0f} MiB: "
        f"1/{other_mib / mine_mib:.1f}; "
        f"start {ours.start_s:.2f} s against {theirs.start_s:.2f} s: 1/{theirs.start_s / ours.start_s:.1f}"
    )


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--litellm", type=Path, help="a folder for LiteLLM's environment, kept for the next run")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", choices=["ranges"], help="leave LiteLLM out")
    parser.add_argument("--rounds", type=int, default=9, help="of the servers in turns, for ranges")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="longtake-peers-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        render_video(folder / "video.mp4")
        ours = start_longtake(stack, folder)
        video = upload(ours, folder / "video.mp4")
        if arguments.only != "ranges":
            environment = litellm_environment(arguments.litellm or folder / "litellm")
            beside_litellm(ours, start_litellm(stack, folder, environment), video, arguments.seconds)
        beside_nginx(stack, folder, ours, video, arguments.rounds)


if __name__ == "__main__":
    main()
