# SPDX-License-Identifier: Apache-2.0
"""Log lines: JSON for machines, text for people, extras in both."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from longtake.telemetry import configure_logging


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """The root logger as it was. Ours speaks to it, whatever server another test keeps in this process."""
    root, ours = logging.getLogger(), logging.getLogger("longtake")
    handlers, level, propagates = list(root.handlers), root.level, ours.propagate
    ours.propagate = True
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.propagate = propagates


def test_json_lines_hold_extras_and_tracebacks() -> None:
    stream = io.StringIO()
    configure_logging("auto", stream=stream)  # a StringIO is no terminal
    logger = logging.getLogger("longtake.test")
    logger.info("done %s", "über", extra={"task": "a:b"})
    try:
        int("broken\nin two")
    except ValueError:
        logger.exception("failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["level"], first["logger"], first["message"], first["task"]) == (
        "info",
        "longtake.test",
        "done über",
        "a:b",
    )
    assert "ValueError: invalid literal" in second["traceback"]


def test_text_lines_hold_extras_and_tracebacks() -> None:
    stream = io.StringIO()
    configure_logging("text", stream=stream)
    configure_logging("text", stream=stream)  # twice is once
    logging.getLogger("longtake.test").warning("careful", extra={"task": "a:b"})
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("WARNING longtake.test: careful task=a:b")
