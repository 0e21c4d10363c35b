# SPDX-License-Identifier: Apache-2.0
"""Write the generated parts of docs/reference: settings, error codes, routes, the commands' help, openapi.json.

`python scripts/render_docs.py` rewrites what stands between `<!-- generated: NAME -->` and `<!-- end -->`;
with `--check` it changes nothing and exits 1 where a page is not up to date.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from longtake.cli.main import COMMANDS, longtake
from longtake.engines.classic.steering.words import table
from longtake.http.describe.openapi import document
from longtake.http.describe.refusals import refusals
from longtake.http.routes import ROUTES

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "longtake"
MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _class(file: str, name: str) -> ast.ClassDef:
    tree = ast.parse((SOURCE / file).read_text(encoding="utf-8"))
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _plain(expression: ast.expr | None) -> str:
    """A default as people write it: products and shifts worked out."""
    text = "" if expression is None else ast.unparse(expression)
    if re.fullmatch(r"[\d\s*<_.]+", text):
        value: object = eval(text, {"__builtins__": {}})  # digits and operators of our own source only
        return f"`{value}`"
    return "" if text in {"", "''", "()"} else f"`{text.strip(chr(39))}`"


def settings() -> Iterator[str]:
    """A table of all settings from their class."""
    yield "| variable | in longtake.toml | default | meaning |"
    yield "|---|---|---|---|"
    body = _class("settings/server.py", "Settings").body
    for node, after in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            words = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            name = node.target.id
            in_file = "" if name == "home" else f"`{name}`"
            yield f"| `LONGTAKE_{name.upper()}` | {in_file} | {_plain(node.value)} | {words} |"


def errors() -> Iterator[str]:
    """A table of all error codes that a caller can meet, from the error tree."""
    yield "| status | type | code | again later? | meaning | what to do |"
    yield "|---|---|---|---|---|---|"
    for row in refusals():
        again = "yes" if row.retryable else "no"
        yield f"| {row.status} | `{row.type}` | `{row.code}` | {again} | {row.meaning.en} | {row.remedy.en} |"


def routes() -> Iterator[str]:
    """A table of all routes from the one that the application uses."""
    yield "| method | path | who may | what |"
    yield "|---|---|---|---|"
    words = {"key": "an API key", "signed": "the signed URL", "open": "everyone"}
    for route in ROUTES:
        yield f"| {route.method} | `{route.path}` | {words[route.access.value]} | {route.summary} |"


def commands() -> Iterator[str]:
    """The help of every command."""
    context = click.Context(longtake, info_name="longtake", terminal_width=100, max_content_width=100)
    for name in COMMANDS:
        command = longtake.get_command(context, name)
        if command is not None:
            yield from _help(command, context, name)


def _help(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for below, child in command.commands.items():
            yield from _help(child, context, below)


def prompts() -> Iterator[str]:
    """The words that steer the built-in engine, from its table."""
    yield "| effect | English | Chinese | alone |"
    yield "|---|---|---|---|"
    for effect, words in table().effects.items():
        alone = ", ".join(part for part in (words.alone, words.last) if part)
        cells = (f"{effect.value} · {words.chinese_name}", words.english, words.chinese, alone)
        yield "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "settings": settings,
    "errors": errors,
    "routes": routes,
    "commands": commands,
    "prompts": prompts,
}


def render(text: str) -> str:
    """A page with its generated parts made anew."""
    return MARKED.sub(lambda found: f"{found[1]}{chr(10).join(PARTS[found[2]]())}\n{found[3]}", text)


def openapi() -> str:
    """The OpenAPI document."""
    return json.dumps(document(ROUTES), ensure_ascii=False, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check all pages; the exit status."""
    stale: list[str] = []
    pages = {page: render(page.read_text(encoding="utf-8")) for page in sorted((ROOT / "docs").rglob("*.md"))}
    pages[ROOT / "docs" / "reference" / "openapi.json"] = openapi()
    for page, fresh in pages.items():
        if not page.exists() or fresh != page.read_text(encoding="utf-8"):
            stale.append(str(page.relative_to(ROOT)))
            if "--check" not in arguments:
                page.write_text(fresh, encoding="utf-8")
    for name in stale:
        print(name)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
