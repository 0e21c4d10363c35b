# SPDX-License-Identifier: Apache-2.0
"""Every trap that makers lay has a test by name, and each test that is named exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from tests.providers.traps import TRAPS

ROOT = Path(__file__).resolve().parents[2]


@cache
def read(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """The tests of a file, and all texts that stand in it: rows of tables have their names among them."""
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))))
    tests = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(name for name in tests if name.startswith("test_")), frozenset(texts)


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_stepped_on(trap: str) -> None:
    assert TRAPS[trap], "a trap without a test"
    for named in TRAPS[trap]:
        path, _, test = named.partition("::")
        test, _, row = test.partition("#")
        tests, texts = read(path)
        assert test in tests, f"{path} has no {test}"
        assert not row or row in texts, f"{path} has no row {row!r}"


def test_no_trap_is_stepped_on_twice_by_the_same() -> None:
    named = [name for tests in TRAPS.values() for name in tests]
    assert len(named) == len(set(named))
