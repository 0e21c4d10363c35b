# SPDX-License-Identifier: Apache-2.0
"""Real servers under random trouble for as long as told, then the same questions as after the fail-points.

    python -m tests.failpoints.cycles --seconds 600
    python -m tests.failpoints.cycles --seconds 600 --behind longtake

Clients submit with an Idempotency-Key and repeat until they are answered; some ask twice, some cancel. Meanwhile
servers are killed, at any time or at a write by name, held, and denied disk (RLIMIT_FSIZE of the running process:
neither the record nor a blob may grow), and upstreams are killed, held, and made to drop, break off, delay and refuse.
With `--behind longtake` the upstream is another longtake, asked by both of its formats, and both are killed. The seed
gives the same troubles and requests in the same order; when each of them strikes is up to the machine.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.failpoints.edges import Moment, of_walks
from tests.failpoints.inspection import wrong_at_longtake, wrong_at_upstreams, wrong_in_files, wrong_in_record
from tests.failpoints.nodes import Longtake, Node, Upstream
from tests.failpoints.scenarios import SCENARIOS
from tests.fakes.upstream.clips import make_clip

END_WITHIN_S = 300.0
MODELS = ("grok-video-3", "sora-2", "longtake-cpu")
TOLD = frozenset({"upstream_error", "submission_unconfirmed", "engine_crashed", "store_full", "store_failed"})
"""Ends that are no loss: the client is told, and nothing is taken for them. What they are is printed."""
PRICES = "".join(
    f'[prices."{model}"]\nrequest_usd = "0.000001"\nsecond_usd = {{ 2160 = "0.000001" }}\n' for model in MODELS
)


@dataclass
class Wish:
    """What a client wants, and what it was told."""

    key: str
    path: str
    body: dict[str, object]
    task_id: str = ""
    cancels: bool = False
    end: str = ""


@dataclass
class World:
    """Everything of one run."""

    folder: Path
    front: Longtake
    behind: list[Node]
    rng: random.Random
    wishes: list[Wish] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    is_over: threading.Event = field(default_factory=threading.Event)
    give_up_s: float = float("inf")

    def say(self, sentence: str) -> None:
        """Something does not add up."""
        self.wrong.append(sentence)
        print(f"WRONG {sentence}", flush=True)


def client(world: World, number: int, seed: str, source: str) -> None:
    """Ask for one thing after the other, and see each to its end."""
    rng = random.Random(f"{seed} client {number}")
    while not world.is_over.is_set():
        wish = _wish(rng, source, is_slow=isinstance(world.behind[0], Longtake))
        world.wishes.append(wish)
        _submit(world, wish)
        if rng.random() < 0.3:
            _submit(world, wish)
        if rng.random() < 0.15:
            wish.cancels = True
            time.sleep(rng.uniform(0, 2))
            _until(world, lambda wish=wish: _ask(world, "POST", f"/v1/tasks/{wish.task_id}/cancel"))
        _until(world, lambda wish=wish: _see(world, wish))


def _wish(rng: random.Random, source: str, *, is_slow: bool) -> Wish:
    model = rng.choices(MODELS, (5, 3, 1))[0]
    key = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    body: dict[str, object] = {"model": model, "prompt": f"number {key}", "duration": 1 if is_slow else 6}
    if is_slow or model == "longtake-cpu" or rng.random() < 0.2:
        body |= {"task_id": source, "start_time": 1, "duration": 1}
        return Wish(key, "/v1/video/extend", body)
    return Wish(key, "/v1/video/create", body)


def _submit(world: World, wish: Wish) -> None:
    def attempt() -> bool:
        status, answer = world.front.call("POST", wish.path, wish.body, key=wish.key)
        if status == 200 and wish.task_id not in {"", answer["id"]}:
            world.say(f"key {wish.key} was answered with {wish.task_id} and with {answer['id']}")
        if status == 200:
            wish.task_id = str(answer["id"])
        elif status < 500 and status != 429:
            world.say(f"a good request was refused with {status}: {answer}")
            wish.end = "refused"
        return status == 200 or bool(wish.end)

    _until(world, attempt)


def _ask(world: World, method: str, path: str) -> bool:
    return world.front.call(method, path)[0] == 200


def _see(world: World, wish: Wish) -> bool:
    status, answer = world.front.call("GET", f"/v1/tasks/{wish.task_id}")
    if status == 404:
        world.say(f"an acknowledged task is lost: {wish.task_id}")
        wish.end = "lost"
    elif status == 200 and answer["state"] not in {"queued", "running"}:
        code = (answer.get("error") or {}).get("code", "")
        wish.end = str(answer["state"]) + (f":{code}" if answer["state"] == "failed" else "")
    return bool(wish.end)


def _until(world: World, attempt: Callable[[], bool]) -> None:
    """Repeat what is not answered."""
    while time.monotonic() < world.give_up_s:
        try:
            if attempt():
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)


def trouble(world: World) -> str:
    """Make some; its name."""
    rng, front = world.rng, world.front
    node = rng.choice([front, front, *world.behind])
    kind = rng.choices(("kill", "point", "hold", "squeeze", "spoil"), (3, 4, 2, 1, 4))[0]
    if kind == "squeeze":
        node = rng.choice([other for other in (front, *world.behind) if isinstance(other, Longtake)])
        node.squeeze(rng.choice((1, 1 << 12, 1 << 16)))
        time.sleep(rng.uniform(0.3, 2))
        node.squeeze(resource.RLIM_INFINITY)
    elif kind == "hold":
        node.hold(rng.uniform(0.2, 3))
    elif kind == "spoil" and isinstance(world.behind[0], Upstream):
        _spoil(rng.choice(world.behind), rng)
    elif kind == "point":
        node = rng.choice([other for other in (front, *world.behind) if isinstance(other, Longtake)])
        usual = [*SCENARIOS["local"].edges, *SCENARIOS["remote"].edges]
        edges = usual if rng.random() < 0.7 else [edge for edge in of_walks() if "expired" not in edge]
        node.trap = (rng.choice(edges), rng.choice((Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT)))
        _restart(world, node)
        limit_s = time.monotonic() + rng.uniform(1, 8)
        while node.is_alive and time.monotonic() < limit_s:
            time.sleep(0.02)
        _restart(world, node)
    else:
        kind = "kill"
        _restart(world, node)
    return f"{kind} {node.name}"


def _restart(world: World, node: Node) -> None:
    world.wrong += node.kill()
    time.sleep(world.rng.uniform(0, 0.5))
    node.start()


def _spoil(node: Node, rng: random.Random) -> None:
    assert isinstance(node, Upstream)
    submits, asks, files = "create$|/videos$", "query|/videos/video_", "files/"
    busy: dict[str, object] = {"status": 503, "text": "busy"}
    choices: tuple[dict[str, object], ...] = (
        {"path": submits, "method": "POST", "drop": "before"},
        {"path": submits, "method": "POST", "drop": "after"},
        {"path": submits, "method": "POST", "drop": "amid"},
        {"path": submits, "method": "POST", "latency_s": 2.0},
        {"path": submits, "method": "POST", "after": True, **busy},
        {"path": asks, "method": "GET", "drop": "before", "times": 3},
        {"path": asks, "method": "GET", **busy, "times": 3},
        {"path": f"{files}|/content", "drop": "amid", "times": 2},
        {"path": f"{files}|/content", "drop": "before"},
    )
    node.spoil(*rng.sample(choices, rng.randint(1, 3)))


def _build(folder: Path, behind: str, seed: str) -> World:
    prices = folder / "prices.toml"
    prices.write_text(PRICES, encoding="utf-8")
    variables = {"LONGTAKE_PRICE_FILE": str(prices), "LONGTAKE_PRESET": "ultrafast", "LONGTAKE_CRF": "40"}
    keys: dict[str, str] = {}
    if behind == "fake":
        wishes: dict[str, object] = {"render_s": 0.5, "new_s": 6.0, "width": 160, "height": 96}
        once = Upstream("relay", folder, **wishes, counts_once=True)
        plain = Upstream("plain", folder, **wishes, counts_once=True)
        nodes: list[Node] = [once, plain]
        rows = (
            ("relay", "unified", f"{once.url}/unified", f'["{MODELS[0]}"]', "counts_once = true", "RELAY_KEY"),
            ("plain", "openai_videos", f"{plain.url}/openai", f'["{MODELS[1]}"]', "", "RELAY_KEY"),
        )
    else:
        other = Longtake("behind", folder, **variables)
        keys["A_KEY"] = other.key
        nodes = [other]
        of = 'server = "longtake"'
        rows = (
            ("a-unified", "unified", other.url, f'{{ "{MODELS[0]}" = "longtake-cpu" }}', of, "A_KEY"),
            ("a-openai", "openai_videos", other.url, f'{{ "{MODELS[1]}" = "longtake-cpu" }}', of, "A_KEY"),
        )
    toml = "".join(
        f'[[providers]]\nname = "{name}"\nkind = "{kind}"\nbase_url = "{url}"\nmodels = {models}\n'
        f'options = {{ {options} }}\napi_key_env = "{key}"\n'
        for name, kind, url, models, options, key in rows
    )
    front = Longtake("front", folder, toml, **variables, **keys)
    return World(folder, front, nodes, random.Random(f"{seed} troubles"))


def run(folder: Path, *, seconds: float, behind: str, seed: str, clients: int) -> World:
    """One run; what was wrong stands in the World."""
    world = _build(folder, behind, seed)
    nodes = [*world.behind, world.front]
    clip = folder / "clip.mp4"
    clip.write_bytes(make_clip(2.0, 160, 96, 1))
    try:
        for node in nodes:
            node.start()
        assert world.front.call("POST", "/v1/balance", {"tenant": "default", "amount_usd": "1000"})[0] == 200
        source = world.front.upload(clip)
        threads = [threading.Thread(target=client, args=(world, n, seed, source), daemon=True) for n in range(clients)]
        for thread in threads:
            thread.start()
        over_s = time.monotonic() + seconds
        while time.monotonic() < over_s:
            time.sleep(world.rng.uniform(0.3, 3))
            world.troubles[trouble(world)] += 1
        _heal(world)
        world.is_over.set()
        world.give_up_s = time.monotonic() + END_WITHIN_S
        for thread in threads:
            thread.join(END_WITHIN_S + 30)
        _inspect(world)
    finally:
        for node in nodes:
            if node.is_alive:
                node.kill()
    return world


def _heal(world: World) -> None:
    for node in (*world.behind, world.front):
        if isinstance(node, Upstream):
            node.spoil()
        if not node.is_alive:
            node.start()


def _inspect(world: World) -> None:
    for wish in world.wishes:
        is_told = wish.end.partition(":")[2] in TOLD
        if wish.end not in {"succeeded", "refused", "lost"} and not (
            (wish.cancels and wish.end == "cancelled") or is_told
        ):
            world.say(f"{wish.path} {wish.body['model']} ended as {wish.end or 'nothing yet'}: {wish.task_id}")
    servers = [node for node in (world.front, *world.behind) if isinstance(node, Longtake)]
    for server in servers:
        _settled(world, server)
    jobs = [job for node in world.behind if isinstance(node, Upstream) for job in node.jobs()]
    for server in servers:
        if (status := server.terminate()) != 0:
            world.say(f"{server.name} stopped with {status}")
        # What a dead process left is swept at the next start.
        server.start()
        server.terminate()
        for sentence in (*wrong_in_record(server.database), *wrong_in_files(server.home)):
            world.say(f"{server.name}: {sentence}")
    other = world.behind[0]
    found = (
        wrong_at_longtake(world.front.database, other.database)
        if isinstance(other, Longtake)
        else wrong_at_upstreams(world.front.database, jobs)
    )
    for sentence in found:
        world.say(sentence)


def _settled(world: World, server: Longtake) -> None:
    limit_s = time.monotonic() + 60
    while True:
        status, report = server.call("GET", "/v1/ledger/check")
        if status == 200 and not report["unsettled"]:
            break
        if time.monotonic() > limit_s:
            world.say(f"{server.name}: {report.get('unsettled')} tasks are not settled")
            break
        time.sleep(0.5)
    for problem in report.get("problems", []):
        world.say(f"{server.name}: ledger: {problem}")


def summary(world: World) -> str:
    """What was done and what came of it."""
    ends = Counter(f"{wish.body['model']} {wish.end}" for wish in world.wishes)
    lines = [f"{len(world.wishes)} tasks, {sum(world.troubles.values())} troubles"]
    lines += [f"  {count:5d} {name}" for name, count in sorted(ends.items())]
    lines += [f"  {count:5d} {name}" for name, count in sorted(world.troubles.items())]
    for node in (world.front, *world.behind):
        points = Counter(node.hits()) if isinstance(node, Longtake) else Counter[str]()
        lines.append(f"{node.name}: started {node.starts} times; killed itself at {sum(points.values())} points")
        lines += [f"  {count:5d} {point}" for point, count in sorted(points.items())]
    return "\n".join(lines)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--behind", choices=("fake", "longtake"), default="fake")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)))
    parser.add_argument("--clients", type=int, default=4)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="longtake-cycles-"))
    world = run(
        folder, seconds=arguments.seconds, behind=arguments.behind, seed=arguments.seed, clients=arguments.clients
    )
    print(summary(world))
    print(f"seed {arguments.seed}, {len(world.wrong)} wrong")
    for sentence in world.wrong:
        print(f"WRONG {sentence}")
    if world.wrong:
        print(f"everything is kept in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if world.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
