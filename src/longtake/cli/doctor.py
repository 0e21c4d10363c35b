# SPDX-License-Identifier: Apache-2.0
"""`longtake doctor`: whether this machine and these settings can serve, and what to do where not."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import msgspec

from longtake import __version__
from longtake.cli.connect import home_option, running_server
from longtake.cli.exits import Exit
from longtake.cli.output import Output, output_options
from longtake.errors import ConfigurationError
from longtake.render.trial import try_net
from longtake.settings import Settings, check_settings, read_client_settings, read_settings, unknown_variables

LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2 << 30
SECRET_SETTINGS = frozenset({"admin_key", "proxy"})  # a proxy's URL may hold a password

# Asked in a child: this process never loads a media library.
CODECS_CODE = """
import json, av, cv2
from av.codec import Codec
found = {}
for name in ("libx264", "aac", "h264", "hevc", "vp8", "vp9", "av1", "mpeg4"):
    mode = "w" if name in ("libx264", "aac") else "r"
    try:
        Codec(name, mode)
        found[name] = True
    except Exception:
        found[name] = False
print(json.dumps({"av": av.__version__, "cv2": cv2.__version__, "codecs": found}))
"""
NEEDED_CODECS = ("libx264", "aac", "h264")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `ok`, `warning` or `failed`, and what to do about it."""

    name: str
    state: str
    detail: str
    hint: str = ""


@click.command()
@home_option
@output_options
def doctor(home: Path | None, as_json: bool, quiet: bool) -> int:
    """Check Python, codecs, disk, the store, the settings and the server. Changes nothing."""
    output = Output(as_json=as_json, quiet=quiet)
    settings: Settings | None = None
    try:
        settings = read_settings({"home": home})
        check_settings(settings)
        problem = None
    except ConfigurationError as error:
        problem = error.message
    findings = [_settings_finding(problem), *map(_stray_finding, unknown_variables()), *_machine()]
    if settings is not None:
        findings += [*_net(settings), *_home(settings)]
    failed = [finding for finding in findings if finding.state == "failed"]
    shown = {} if settings is None else _shown(settings)
    value: dict[str, object] = {
        "version": __version__,
        "ok": not failed,
        "checks": [asdict(finding) for finding in findings],
        "settings": shown,
    }
    lines = [f"longtake {__version__}"]
    for finding in findings:
        lines.append(f"{finding.state:<8}{finding.name}: {finding.detail}")
        if finding.hint:
            lines.append(f"        {finding.hint}")
    lines += ["", "Settings (LONGTAKE_<NAME>, or longtake.toml in the home):"]
    lines += [f"  {name} = {text}" for name, text in shown.items()]
    output.data(value, "\n".join(lines), "failed" if failed else "ok")
    return int(Exit.FAILED if failed else Exit.OK)


def _settings_finding(problem: str | None) -> Finding:
    if problem is None:
        return Finding("settings", "ok", "they fit together")
    return Finding("settings", "failed", problem, "docs/reference/settings.md has them all")


def _stray_finding(sentence: str) -> Finding:
    return Finding("variables", "warning", sentence, "Correct or unset it.")


def _shown(settings: Settings) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        value: object = getattr(settings, field.name)
        is_secret = field.name in SECRET_SETTINGS and bool(value)
        values[field.name] = "(set)" if is_secret else str(value) if isinstance(value, Path) else value
    values["render_slots"] = settings.render_slots
    return values


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info >= LEAST_PYTHON:
        yield Finding("python", "ok", f"{version} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    else:
        yield Finding("python", "failed", f"{version} is too old", "Install Python 3.11 or newer.")
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter)
            [sys.executable, "-c", CODECS_CODE], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("media", "failed", f"a child process cannot run: {error}", "Is the machine out of memory?")
        return
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        yield Finding("media", "failed", f"the media libraries do not load: {last}", "Reinstall: pip install longtake")
        return
    found = json.loads(done.stdout)
    missing = [name for name in NEEDED_CODECS if not found["codecs"].get(name)]
    have = ", ".join(name for name, there in found["codecs"].items() if there)
    detail = f"PyAV {found['av']}, OpenCV {found['cv2']}; {have}"
    if missing:
        yield Finding("media", "failed", f"{detail}; missing: {', '.join(missing)}", "Install PyAV's wheel from PyPI.")
    else:
        yield Finding("media", "ok", detail)


def _net(settings: Settings) -> Iterator[Finding]:
    if not settings.upscale_model:
        return
    try:
        trial = try_net(settings.upscale_model, settings.child_memory_bytes)
    except ConfigurationError as error:
        yield Finding("upscale", "failed", error.message, "docs/howto/upscale.md says which nets fit.")
        return
    of = "luma" if trial.channels == 1 else "colours"
    detail = f"{trial.name} enlarges {of} {trial.scale}x; a picture of 640x360 takes {trial.time_s:.2g} s"
    yield Finding("upscale", "ok", detail)


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(place, os.W_OK):
        yield Finding("home", "failed", f"{place} cannot be written to", "Name another: --home or LONGTAKE_HOME")
    else:
        yield Finding("home", "ok", str(home) + ("" if home.exists() else " (made at the first start)"))
    free_bytes = shutil.disk_usage(place).free
    detail = f"{free_bytes / (1 << 30):.1f} GiB free"
    if free_bytes < LEAST_FREE_BYTES:
        yield Finding("disk", "warning", detail, "Little room for videos: free some, or move the home.")
    else:
        yield Finding("disk", "ok", detail)
    yield _store(settings)
    client = read_client_settings()
    if client.url:
        detail = f"commands talk to LONGTAKE_URL, with {'a' if client.api_key else 'no'} LONGTAKE_API_KEY"
        yield Finding("client", "ok" if client.api_key else "failed", detail)


def _store(settings: Settings) -> Finding:
    run = running_server(settings.home)
    if run is not None:
        return Finding("server", "ok", f"runs at {run.url} (process {run.pid})")
    path = settings.home / "longtake.sqlite"
    if not path.exists():
        return Finding("store", "ok", "no database yet; no server runs")
    import apsw  # noqa: PLC0415  (only needed to look at an existing database)

    try:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(f"{path.absolute().as_uri()}?mode=ro", flags=flags)
        try:
            answer = str(connection.pragma("quick_check"))  # pyright: ignore[reportUnknownMemberType]
        finally:
            connection.close()
    except (apsw.Error, OSError) as error:
        return Finding("store", "failed", f"{path} cannot be read: {error}", "Restore it from a backup.")
    if answer != "ok":
        return Finding("store", "failed", f"{path} is damaged: {answer}", "Restore it from a backup.")
    size_bytes = path.stat().st_size
    return Finding("store", "ok", f"{path}, {size_bytes / (1 << 20):.1f} MiB, sound; no server runs")
