# SPDX-License-Identifier: Apache-2.0
"""docs/reference/seed-page.md names only functions and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVED = re.compile(r"`([\w/]+\.py):(\w+)`")
SHOWN = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROWS = [
    line
    for line in (ROOT / "docs/reference/seed-page.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| on the page")
]


@cache
def functions_of(path: Path) -> frozenset[str]:
    """The names of all functions and methods of a source file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_the_page_has_all_its_lines() -> None:
    assert len(ROWS) >= 45
    documented = ("model", "prompt", "task_id", "aspect_ratio", "size", "start_time", "upscale")
    extend = "\n".join(ROWS[:25])
    assert [name for name in documented if f"| `{name}`:" not in extend] == []


def test_every_line_names_what_serves_it_and_what_shows_it() -> None:
    assert [row for row in ROWS if len(SERVED.findall(row)) != 1 or len(SHOWN.findall(row)) != 1] == []


def test_the_named_functions_and_tests_exist() -> None:
    named = [(SERVED, ROOT / "src" / "longtake"), (SHOWN, ROOT / "tests")]
    missing = [
        f"{file}: {function}"
        for pattern, folder in named
        for file, function in pattern.findall("\n".join(ROWS))
        if not (folder / file).is_file() or function not in functions_of(folder / file)
    ]
    assert missing == []
