# SPDX-License-Identifier: Apache-2.0
"""The wheel holds the package, its data and nothing else; the build configuration names what exists."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built by the project's own backend."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_and_its_data(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for name in (
        "longtake/__main__.py",
        "longtake/py.typed",
        "longtake_client/__init__.py",
        "longtake_client/py.typed",
        "longtake/catalog/models.toml",
        "longtake/catalog/sample.mp4",
        "longtake/catalog/sample.json",
        "longtake/catalog/sample-thumbnail.jpg",
        "longtake/catalog/sample-sprite.jpg",
        "longtake/store/sql/migrations/0001_first.sql",
        "longtake/store/sql/migrations/0002_money.sql",
        "longtake/store/sql/queries.sql",
        "longtake/http/page/static/docs.js",
        "longtake/http/page/templates/docs.html",
    ):
        assert name in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"longtake", "longtake_client", f"longtake-{PROJECT['version']}.dist-info"}
    assert [name for name in wheel.namelist() if name.endswith((".part", ".pyc", ".sqlite", ".log"))] == []
    assert sum(entry.compress_size for entry in wheel.infolist()) < 3_000_000


def test_entry_points_exist() -> None:
    points = {**PROJECT["scripts"], **PROJECT["entry-points"]["longtake.engines"]}
    assert points
    for target in points.values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_version_is_one() -> None:
    import longtake  # noqa: PLC0415

    assert longtake.__version__ == PROJECT["version"]


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines if "==" in line}
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {re.split(r"[\s;<>=]", requirement)[0].lower() for group in groups for requirement in group}
    assert names - pinned == set()
