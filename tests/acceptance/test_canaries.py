# SPDX-License-Identifier: Apache-2.0
"""No secret is anywhere but where it belongs: not in a log, an answer, a page, a file or a process's command line.

Real servers walk through success and through every failure that this wire has, at providers that repeat the key they
are given wherever they can. Then everything that came out is searched.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from tests.acceptance.canaries import (
    ADMIN_KEY,
    BASE_URL_PASSWORD,
    ENV_KEY,
    FILE_KEY,
    PROXY_PASSWORD,
    REFUSED_KEY,
    WRONG_KEY,
    Canaries,
    Heard,
    Processes,
    rude_proxy,
)
from tests.acceptance.conftest import SAMPLE_ID, Answer, Json, Server, run_longtake
from tests.fakes.upstream.jobs import repeated
from tests.fakes.upstream.process import RunningUpstream

from longtake.studio.sessions import COOKIE

PROXIED = "http://198.51.100.7:8000"
"""A documentation address (RFC 5737): nothing but the proxy is ever asked."""
ALLOWED = {
    "file run/server.json": ("run token",),
    "file longtake.sqlite": ("URL secret",),
    "file provenance/signing/signer.pem": ("signing key",),
    "command keys create": ("tenant key",),
    "answer POST /v1/sign-in": ("ticket",),
    "answer GET /sign-in, cookie": ("session",),
}
"""Where a secret belongs: each is told once to who asked for it, or kept where the installation keeps it."""
_WORDS = {"error": {"message": f"no: {repeated(ENV_KEY)}", "code": f"code-{ENV_KEY}"}, "message": ENV_KEY}
BAD_ANSWERS: dict[str, Json] = {
    "invalid": {"status": 400, "body": _WORDS},
    "funds": {"status": 402, "body": _WORDS},
    "breaks": {"status": 500, "body": _WORDS, "headers": {"X-Fal-Error-Type": ENV_KEY}},
    "page": {"status": 200, "text": f"<html><title>{ENV_KEY}</title>", "headers": {"X-Page": ENV_KEY}},
    "odd": {"status": 200, "body": {"id": {ENV_KEY: [ENV_KEY]}, "status": ENV_KEY, "error": _WORDS}},
    "deep": {"status": 200, "text": "[" * 20_000 + ENV_KEY + "]" * 20_000},
    "redirect": {"status": 302, "headers": {"Location": f"http://127.0.0.1:1/{ENV_KEY}"}, "body": _WORDS},
    "cut": {"drop": "amid"},
    "silent": {"drop": "after"},
}


def accounts(url: str, key_file: Path) -> str:
    """One account for each kind of walk, so that none of them makes another rest."""

    def table(name: str, kind: str, base: str, key: str, model: str) -> str:
        return (
            f'[[providers]]\nname = "{name}"\nkind = "{kind}"\nbase_url = "{base}"\n{key}\n'
            f'models = {{ "m-{name}" = "{model}" }}\n'
        )

    relay = f"{url}/unified"
    names = ["good", "failing", "moderated", "polled", *BAD_ANSWERS]
    return "\n".join(
        [
            *(table(name, "unified", relay, 'api_key_env = "CANARY_KEY"', "grok-video-3") for name in names),
            table("file", "xai", f"{url}/xai", f'api_key_file = "{key_file}"', "grok-imagine-video"),
            table("refused", "unified", relay, 'api_key_env = "REFUSED_KEY"', "grok-video-3"),
            table("proxied", "unified", PROXIED, 'api_key_env = "CANARY_KEY"', "grok-video-3"),
        ]
    )


@dataclass
class Walk:
    """A server, and somebody who notes all that it says."""

    server: Server
    heard: Heard
    environment: dict[str, str | None]

    def ask(self, method: str, path: str, body: object = None, *, key: str = "", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.server.request(method, path, body, named, key)
        kept = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        where = path.partition("?")[0]
        self.heard.note(f"answer {method} {where}, head", f"{answer.status} {json.dumps(kept)}")
        self.heard.note(f"answer {method} {where}", answer.body)
        if "set-cookie" in answer.headers:
            self.heard.note(f"answer {method} {where}, cookie", answer.headers["set-cookie"])
        return answer

    def read(self, *paths: str, **headers: str) -> None:
        for path in paths:
            assert self.ask("GET", path, **headers).status == 200, path

    def done(self, path: str, **body: object) -> Json:
        """A task at its end, read by all the ways there are."""
        answer = self.ask("POST", path, {"prompt": "a cat in the rain", "duration": 6, **body})
        assert answer.status == 200, answer.body
        task_id = str(answer.json["id"])
        ended = self.server.wait(task_id, 120)
        self.read(f"/v1/tasks/{task_id}", f"/v1/tasks/{task_id}/events", f"/v1/video/query?id={task_id}")
        self.read(f"/v1/videos/{task_id}")
        return ended

    def run(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> bytes:
        """A command on this home."""
        done = run_longtake(*arguments, "--home", str(self.server.home), environment=self.environment)
        assert done.returncode in statuses, (arguments, done.stdout, done.stderr)
        self.heard.note(f"command {' '.join(arguments[:2])}", done.stdout + done.stderr)
        return done.stdout


def tasks_of_all_kinds(walk: Walk, upstream: RunningUpstream) -> list[Json]:
    """Made, extended, and failed in each way that a provider has."""
    made = walk.done("/v1/video/create", model="m-good")
    assert made["state"] == "succeeded", made
    extended = walk.done("/v1/video/extend", model="m-good", task_id=made["id"], start_time=1)
    assert extended["state"] == "succeeded", extended
    other = walk.done("/v1/video/create", model="m-file")
    assert other["state"] == "succeeded", other
    for task in (made, extended, other):
        assert walk.ask("GET", f"/v1/videos/{task['id']}/content").body[4:8] == b"ftyp"
    trouble: Json = {"path": "unified/v1/video/query", "status": 500, "times": 2, "body": _WORDS}
    upstream.spoil(
        trouble,
        {"path": "unified/v1/video/query", "status": 200, "body": {"status": ENV_KEY, "id": ENV_KEY}},
    )
    ended = [made, extended, other, walk.done("/v1/video/create", model="m-polled")]
    upstream.spoil()
    for wish in ("failed", "moderated"):
        name = "failing" if wish == "failed" else wish
        ended.append(walk.done("/v1/video/create", model=f"m-{name}", prompt=f"a cat [outcome={wish}]"))
    for name, rule in BAD_ANSWERS.items():
        upstream.spoil({"path": "unified/v1/video/create", "times": -1, **rule})
        ended.append(walk.done("/v1/video/create", model=f"m-{name}"))
    upstream.spoil()
    ended += [walk.done("/v1/video/create", model=model) for model in ("m-refused", "m-proxied")]
    ended.append(walk.done("/v1/video/extend", model="longtake-cpu", task_id="http://8.8.8.8/a.mp4", start_time=1))
    assert {task["state"] for task in ended[4:]} == {"failed"}, [task["state"] for task in ended]
    return ended


def signing_secrets(home: Path) -> list[str | bytes]:
    """The key by which this home signs its videos: the lines of its file that hold it, and the number itself."""
    (path,) = home.rglob("signer.pem")
    _, first, second, *_ = path.read_text().splitlines()
    number = base64.b64decode(first + second)[36:68]  # of a P-256 key as PKCS 8 (RFC 5208, RFC 5915)
    return [first, second, number]


def everything_an_operator_reads(walk: Walk, names: list[str], ended: list[Json]) -> None:
    walk.read("/", "/healthz", "/readyz", "/openapi.json", "/docs", "/llms.txt", "/api/usage/token")
    walk.read("/v1/models", "/v1/tasks", "/v1/videos", "/v1/keys", "/v1/balance", "/v1/ledger/check", "/v1/providers")
    walk.read(*(f"/v1/route?model=m-{name}&operation=create" for name in names))
    tests = {name: walk.ask("POST", f"/v1/providers/{name}/test").json for name in names}
    assert tests["good"]["works"] is True
    assert "~key~" in tests["refused"]["said"], "the fake has repeated the key"
    assert walk.ask("GET", "/v1/tasks", key=WRONG_KEY).status == 401
    assert walk.ask("GET", f"/v1/tasks?api_key={WRONG_KEY}").status in {200, 400}
    assert walk.ask("POST", "/v1/video/create", b'{"model": ').status == 400
    some_id = ended[0]["id"]
    for arguments in (
        ("providers", "list"),
        ("providers", "test", "refused"),
        ("providers", "test", "good"),
        ("route", "m-refused"),
        ("doctor",),
        ("list",),
        ("get", some_id),
        ("models",),
        ("keys", "list"),
        ("ledger", "check"),
    ):
        for form in ((), ("--json",)):
            walk.run(*arguments, *form, statuses=(0, 1))


def everything_the_studio_shows(walk: Walk, ended: list[Json], names: list[str]) -> tuple[str, str]:
    """The ticket and the cookie's value."""
    page = {"accept": "text/html", "origin": walk.server.url}
    path = walk.ask("POST", "/v1/sign-in").json["path"]
    entered = walk.ask("GET", path, **page)
    cookie = SimpleCookie(entered.headers["set-cookie"])[COOKIE].value
    page["cookie"] = f"{COOKIE}={cookie}"
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert walk.ask("POST", "/sign-in", f"key={WRONG_KEY}".encode(), **page, **form).status == 401
    walk.read("/", "/create", f"/extend?task={SAMPLE_ID}", "/console/spend.csv", **page)
    for name in ("library", "create", "console/tasks", "console/providers", "console/spend", "console/keys"):
        walk.read(f"/{name}.json", *([f"/{name}"] if "/" in name else []), **page)
    for task in ended:
        for folder in ("/videos", "/console/tasks"):
            walk.read(f"{folder}/{task['id']}", f"{folder}/{task['id']}.json", **page)
    for name in names:
        assert walk.ask("POST", f"/console/providers/{name}/test", b"", **page, **form).status == 200
    shown = walk.ask("GET", f"/console/tasks/{ended[4]['id']}.json", **page).json["tries"][0]
    assert shown["asked"].startswith("POST /v1/video/create\n\n{")
    assert "~key~" in shown["last_answer"], "what the provider repeated is shown, but for the key"
    return path.partition("ticket=")[2], cookie


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_secret_gets_out(serve, upstream, tmp_path, log_format):
    heard, canaries = Heard(), Canaries()
    (tmp_path / "a.key").write_text(f"{FILE_KEY}\n", encoding="utf-8")
    upstream.set(key="", echoes=True, refused_key=REFUSED_KEY, new_s=1.0, render_s=0.2)
    with rude_proxy() as (proxy, proxied):
        environment: dict[str, str | None] = {
            "LONGTAKE_ADMIN_KEY": ADMIN_KEY,
            "LONGTAKE_LOG_FORMAT": log_format,
            "LONGTAKE_PROXY": proxy,
            "NO_PROXY": None,
            "no_proxy": None,
            "CANARY_KEY": ENV_KEY,
            "REFUSED_KEY": REFUSED_KEY,
        }
        server = serve(accounts(upstream.url, tmp_path / "a.key"), environment=environment)
        server.key = ADMIN_KEY
        walk, processes = Walk(server, heard, environment), Processes(server.process.pid, heard)
        processes.start()
        run_token = json.loads((server.home / "run" / "server.json").read_text())["token"]
        made_key = json.loads(walk.run("keys", "create", "--name", "x", "--tenant", "other", "--json"))["secret"]
        assert walk.ask("GET", "/v1/tasks", key=made_key).status == 200
        names = ["good", "file", "failing", "moderated", "polled", "refused", "proxied", *BAD_ANSWERS]
        ended = tasks_of_all_kinds(walk, upstream)
        everything_an_operator_reads(walk, names, ended)
        ticket, session = everything_the_studio_shows(walk, ended, names)
        heard.note_files(server.home)
        processes.close()
        assert any(url.startswith(PROXIED) for url in proxied)
        assert any(url.startswith("http://8.8.8.8") for url in proxied)
        assert processes.children, "a child was seen at work"
    assert server.stop() == 0
    heard.note("log", server.log.read_bytes())
    heard.note_files(server.home)
    with sqlite3.connect(server.home / "longtake.sqlite") as database:
        (url_secret,) = database.execute("select url_secret from installation").fetchone()
    for name, secret in (
        ("env key", ENV_KEY),
        ("file key", FILE_KEY),
        ("refused key", REFUSED_KEY),
        ("admin key", ADMIN_KEY),
        ("wrong key", WRONG_KEY),
        ("proxy password", PROXY_PASSWORD),
        ("tenant key", made_key),
        ("run token", run_token),
        ("ticket", ticket),
        ("session", session),
        ("URL secret", url_secret),
        *(("signing key", part) for part in signing_secrets(server.home)),
    ):
        canaries.add(name, secret)
    assert heard.leaks(canaries, ALLOWED) == []
    told = heard.leaks(canaries, {})
    for begin, belonging in ALLOWED.items():
        assert any(line.startswith(f"{belonging[0]}: {begin}") for line in told), f"{begin} was not looked into"
    assert upstream.seen()["leaks"] == []


def test_a_base_url_with_a_password_is_refused_without_showing_it(tmp_path):
    heard, canaries = Heard(), Canaries()
    canaries.add("base_url", BASE_URL_PASSWORD)
    for user in ("anna", ""):
        url = f"http://{user}:{BASE_URL_PASSWORD}@127.0.0.1:9"
        (tmp_path / "longtake.toml").write_text(
            f'[[providers]]\nname = "a"\nkind = "unified"\nbase_url = "{url}"\nmodels = ["m"]\n', encoding="utf-8"
        )
        for command in ("serve", "list"):
            done = run_longtake(command, "--home", str(tmp_path))
            assert done.returncode not in {0, None}
            assert b"base_url" in done.stdout + done.stderr
            heard.note(command, done.stdout + done.stderr)
    assert heard.leaks(canaries, {}) == []


LEAKS: dict[str, bytes] = {
    "as it is": f"provider a: bad key {ENV_KEY}".encode(),
    "in a query": b"GET /v1?key=cnry-env-Qw7%2F8%2Bx%3DTz.sk",
    "in JSON": b'{"key": "cnry-env-Qw7\\/8+x=Tz.sk"}',
    "in hex": b"00" + ENV_KEY.encode().hex().encode() + b"ff",
    "as a password": b"Basic dXNlcjpjbnJ5LWVudi1RdzcvOCt4PVR6LnNr",
    "in a page of the database": bytes(100) + ENV_KEY.encode() + bytes(100),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_would_be_found(tmp_path, leak):
    canaries = Canaries()
    canaries.add("env key", ENV_KEY)
    canaries.add("URL secret", bytes(range(200, 232)))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "server.json").write_bytes(LEAKS[leak])
    (tmp_path / "longtake.sqlite-wal").write_bytes(b"x" + bytes(range(200, 232)))
    heard = Heard()
    heard.note_files(tmp_path)
    assert heard.leaks(canaries, ALLOWED) == ["env key: file run/server.json"]
    heard.note("log", LEAKS[leak] + bytes(range(200, 232)).hex().encode())
    assert heard.leaks(canaries, ALLOWED) == ["URL secret: log", "env key: file run/server.json", "env key: log"]
