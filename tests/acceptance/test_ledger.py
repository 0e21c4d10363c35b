# SPDX-License-Identifier: Apache-2.0
"""A random mix of all that can happen to paid tasks, with a kill amid it: the ledger adds up, each pays what is due."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.conftest import ADMIN_KEY, Json, Server, run_longtake
from tests.fakes.upstream.process import RunningUpstream

SEED = 20_261_127
COUNT = 26
MODEL, CREDIT_MICROUSD = "grok-video-3", 30_000_000
LATE_MICROUSD = 300_000
"""What its maker takes for six seconds."""
WAIT_S = 150
PRICE = (
    f'[prices."{MODEL}"]\nsecond_usd = {{ 1080 = "0.07" }}\nrequest_usd = "0.005"\n'
    'input_second_usd = "0.01"\nmost_input_s = 15\n'
)
TROUBLES: list[dict[str, object]] = [
    {"status": 429, "headers": {"Retry-After": "1"}, "body": {"message": "slow down"}},
    {"status": 400, "body": {"error": {"code": "invalid_request", "message": "not this one"}}},
    {"status": 500, "text": "<html>broken</html>"},
    {"drop": "after"},
    {"drop": "before"},
]


def relay(name: str, url: str, priority: int) -> str:
    return (
        f'[[providers]]\nname = "{name}"\nkind = "unified"\nbase_url = "{url}/unified"\napi_key_env = "RELAY_KEY"\n'
        f'models = ["{MODEL}"]\npriority = {priority}\ncost_usd_per_second = {{ "{MODEL}" = "0.05" }}\n'
    )


@dataclass
class Mix:
    """What is asked for, and what came of it."""

    rng: random.Random
    server: Server
    key: str
    uploads: list[str] = field(default_factory=list[str])
    tasks: dict[str, int] = field(default_factory=dict[str, int])
    """Each task's price, as it was quoted right before."""
    refused: int = 0

    def body(self) -> tuple[str, Json]:
        """An operation, and a request for it."""
        rng = self.rng
        words = [rng.choice(["succeeded"] * 4 + ["failed", "moderated", "expired"]) for _ in range(3)]
        body: Json = {
            "model": MODEL,
            "prompt": f"a cat [outcome={','.join(words)}] [render={rng.choice([0.1, 0.5, 3])}]",
            "duration": rng.choice([6, 6, 10, 20, 31]),
        }
        verb = rng.choice(["create", "extend", "extend"])
        if verb == "extend":
            done = [task for task in self.tasks if self.state(task) == "succeeded"]
            body |= {"task_id": rng.choice([*self.uploads, *done]), "start_time": rng.choice([1, 2])}
            if rng.random() < 0.2 and (running := [task for task in self.tasks if task not in done]):
                body |= {"task_id": rng.choice(running), "wait_for_source": True}
        if rng.random() < 0.15:
            body |= rng.choice([{"duration": 0}, {"size": "9x9"}, {"task_id": "grok:nothing"}])
        return verb, body

    def state(self, task: str) -> str:
        return str(self.server.request("GET", f"/v1/tasks/{task}", key=self.key).json["state"])

    def ask(self) -> None:
        verb, body = self.body()
        quote = self.server.request("POST", "/v1/quote", body, key=self.key)
        answer = self.server.request("POST", f"/v1/video/{verb}", body, key=self.key)
        assert answer.status in {200, 400, 403, 404}, answer.body
        assert (quote.status == 200) >= (answer.status == 200), (quote.body, answer.body)
        if answer.status == 200:
            self.tasks[answer.json["id"]] = int(quote.json["price_microusd"])
        else:
            self.refused += 1


def test_after_a_random_mix_the_ledger_adds_up(serve, upstream, clip, tmp_path):
    rng = random.Random(SEED)
    toml = relay("relay-a", upstream.url, 2) + relay("relay-b", upstream.url, 1) + PRICE
    server = serve(toml)
    made = server.request("POST", "/v1/keys", {"tenant": "studio", "credit_usd": "30"})
    assert made.status == 200, made.body
    mix = Mix(rng, server, str(made.json["secret"]))
    mix.uploads = [server.upload(clip, key=mix.key)]
    for number in range(COUNT):
        if rng.random() < 0.4:
            upstream.spoil({"path": rng.choice(["create", "extend"]), "method": "POST", **rng.choice(TROUBLES)})
        mix.ask()
        time.sleep(rng.uniform(0, 0.4))
        if rng.random() < 0.25 and mix.tasks:
            task = rng.choice(list(mix.tasks))
            assert server.request("POST", f"/v1/tasks/{task}/cancel", key=mix.key).status == 200
        if number == COUNT // 2:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait(10)
            mix.server = server = serve(toml, server.home)
    upstream.spoil()
    late, long = made_all_the_same(mix), ordered(mix, duration=20)
    ends = {task: server.wait(task, WAIT_S, key=mix.key) for task in mix.tasks}
    limit = time.monotonic() + WAIT_S
    while server.request("GET", "/v1/ledger/check").json["unsettled"]:
        assert time.monotonic() < limit, "a cancelled job's end was never seen"
        time.sleep(0.5)
    told = f"seed {SEED}: " + json.dumps({task: (end["state"], end["error"]) for task, end in ends.items()}, indent=1)
    assert {end["state"] for end in ends.values()} <= {"succeeded", "failed", "cancelled"}, told
    assert mix.refused, told
    assert (ends[long]["state"], len(ends[long]["metadata"]["segments"])) == ("succeeded", 2), told
    assert server.request("GET", f"/v1/tasks/{late}", key=mix.key).json["cost_microusd"] == LATE_MICROUSD
    paid = 0
    for task, quoted_microusd in mix.tasks.items():
        now = server.request("GET", f"/v1/tasks/{task}", key=mix.key).json
        cost, state = int(now["cost_microusd"]), now["state"]
        paid += cost
        if state == "succeeded":
            assert 0 < cost <= quoted_microusd, (now, told)
        elif state == "failed":
            assert cost == 0, (now, told)
        else:
            assert 0 <= cost <= quoted_microusd, (now, told)
    balance = server.request("GET", "/v1/balance", key=mix.key).json
    assert (balance["held_microusd"], balance["spent_microusd"]) == (0, paid), told
    assert balance["balance_microusd"] == CREDIT_MICROUSD - paid, told
    check_jobs(upstream, set(mix.tasks), told)
    checked = run_longtake("ledger", "check", environment={"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY})
    assert checked.returncode == 0, checked.stdout
    assert b"the ledger adds up" in checked.stdout
    spoil_a_row(server)
    assert run_longtake("ledger", "check", "--home", str(server.home), environment=AT_HOME).returncode == 1


def made_all_the_same(mix: Mix) -> str:
    """A task that is cancelled while its maker works on it, who cannot stop, and bills what it made."""
    task = ordered(mix, duration=6, prompt="a cat [render=4]")
    limit = time.monotonic() + WAIT_S
    while mix.server.request("GET", f"/v1/tasks/{task}", key=mix.key).json["step"] != "polling":
        assert time.monotonic() < limit, "it never came to its maker"
        time.sleep(0.05)
    assert mix.server.request("POST", f"/v1/tasks/{task}/cancel", key=mix.key).status == 200
    return task


def ordered(mix: Mix, **wishes: object) -> str:
    """An ordinary task, quoted before."""
    body: Json = {"model": MODEL, "prompt": "a cat", **wishes}
    quote = mix.server.request("POST", "/v1/quote", body, key=mix.key)
    task = str(mix.server.request("POST", "/v1/video/create", body, key=mix.key).json["id"])
    mix.tasks[task] = int(quote.json["price_microusd"])
    return task


def check_jobs(upstream: RunningUpstream, tasks: set[str], told: str) -> None:
    """Each try was sent once."""
    keys = [str(job["caller_key"]) for job in upstream.jobs() if str(job["caller_key"]).rpartition(".")[0] in tasks]
    assert len(keys) == len(set(keys)), told
    assert keys, told
    assert all(job["submits"] == 1 for job in upstream.jobs() if job["caller_key"] in keys), told


AT_HOME = {"LONGTAKE_URL": None, "LONGTAKE_API_KEY": None}


def spoil_a_row(server: Server) -> None:
    """One micro-USD that nobody paid: what the check is there to find."""
    import apsw  # noqa: PLC0415

    server.stop()
    with apsw.Connection(str(Path(server.home) / "longtake.sqlite")) as record:
        record.execute("update balances set amount_microusd = amount_microusd + 1")
