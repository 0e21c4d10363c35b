# SPDX-License-Identifier: Apache-2.0
"""schemathesis against a working server: whatever it sends, no server error and no answer that the document lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from tests.http.conftest import KEY
from tests.http.contract import DOCUMENT
from tests.http.workshop import ADMIN_KEY, Workshop, opened_workshop

from longtake.http.describe.operations import OPERATIONS
from longtake.http.routes import ROUTES

TOO_STRICT = "positive_data_acceptance,negative_data_rejection"
"""What the document calls a number may come as a text, and an id that fits it may name nothing (wire.md 5.4, R9)."""

BOUNDARIES_OF = frozenset({"extendVideo", "createOpenAIVideo", "uploadFile"})
"""Of the submissions, which all have one reader of fields, only these are tried at every boundary of every field."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with opened_workshop(tmp_path_factory.mktemp("judged")) as workshop:
        yield workshop


def judged(workshop: Workshop, folder: Path, key: str, *options: str) -> str:
    """What schemathesis says; fails the test if it found anything."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{workshop.url}/openapi.json",
        "--header", f"Authorization: Bearer {key}", "--seed", "3", "--no-shrink", "--no-color",
        "--workers", "1", "--generation-database", "none", "--request-timeout", "20",
        "--exclude-checks", TOO_STRICT, *options,
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HYPOTHESIS")}
    submissions = [OPERATIONS[route.method, route.path].id for route in ROUTES if route.submits]
    spared = sorted(set(submissions) - BOUNDARIES_OF)
    settings = f"[[operations]]\ninclude-operation-id = {json.dumps(spared)}\nphases.coverage.enabled = false\n"
    (folder / "schemathesis.toml").write_text(settings, encoding="utf-8")
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_document_is_an_openapi_document() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_operation(workshop: Workshop, tmp_path: Path) -> None:
    # What deletes comes last: the examples stand on the sample.
    options = ("--exclude-method", "DELETE", "--phases", "examples,coverage,fuzzing", "--max-examples", "5")
    judged(workshop, tmp_path, KEY, *options)


def test_operations_in_a_row(workshop: Workshop, tmp_path: Path) -> None:
    judged(workshop, tmp_path, KEY, "--phases", "stateful", "--max-examples", "5")


def test_keys_as_an_admin(workshop: Workshop, tmp_path: Path) -> None:
    # Not revokeKey: it would sooner or later revoke the judge's own key.
    options = ("--include-path", "/v1/keys", "--phases", "examples,coverage,fuzzing", "--max-examples", "5")
    judged(workshop, tmp_path, ADMIN_KEY, *options)


def test_what_deletes(workshop: Workshop, tmp_path: Path) -> None:
    options = ("--include-method", "DELETE", "--phases", "examples,coverage,fuzzing", "--max-examples", "5")
    judged(workshop, tmp_path, KEY, *options)
