# SPDX-License-Identifier: Apache-2.0
"""Fills the pages' templates. Whatever a task holds is escaped: prompts and file names are strangers' words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from longtake import __version__
from longtake.errors import RouteNotFound
from longtake.studio.files import static_version
from longtake.studio.shapes import clock, dollars, moment, seconds
from longtake.studio.visit import Shown, Visit
from longtake.studio.words import words

if TYPE_CHECKING:
    import jinja2

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """The templates, compiled when they are first asked for."""

    def render(self, shown: Shown, visit: Visit, part: str = "") -> bytes:
        """The page as UTF-8; with `part` only its block of this name, for a script that renews it.

        Raises RouteNotFound for a part that the page does not have.
        """
        template = self._environment.get_template(shown.template)
        said = words(visit.language)
        values: dict[str, object] = {
            "page": shown.facts,
            "language": visit.language,
            "t": _Sayer(said),
            "visitor": visit.call.principal,
            "here": visit.call.path,
            "other_language": other_language_link(visit),
            "version": static_version(),
            "longtake_version": __version__,
        }
        if not part:
            return template.render(values).encode()
        block = template.blocks.get(part)
        if block is None or not part.startswith("part_"):
            raise RouteNotFound(f"this page has no part {part[:40]!r}")
        return "".join(block(template.new_context(values))).encode()

    @cached_property
    def _environment(self) -> jinja2.Environment:
        # Not at the top: the server starts without it.
        import jinja2  # noqa: PLC0415

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            clock=clock, dollars=dollars, moment=moment, seconds=seconds, segment=_segment, data=_data
        )
        return environment


def other_language_link(visit: Visit) -> str:
    """This very page in the other language; the first page for an answer to a form, which has no address of its own."""
    other = "en" if visit.language == "zh" else "zh"
    if visit.call.method not in {"GET", "HEAD"}:
        return f"/?lang={other}"
    kept = {name: value for name, value in visit.call.query().items() if name not in {"lang", "part"}}
    return f"?{urlencode(kept | {'lang': other})}"


class _Sayer:
    """`t("library.empty")`, or with holes: `t("extend.total", seconds="9.0")`."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said

    def __call__(self, name: str, /, **holes: object) -> str:
        sentence = self._said[name]
        return sentence.format(**holes) if holes else sentence

    def group(self, section: str) -> dict[str, str]:
        """The words that a script needs: all of a section, and how things are made."""
        own = {
            name.removeprefix(f"{section}."): text
            for name, text in self._said.items()
            if name.startswith(f"{section}.")
        }
        return own | {name.replace(".", "_"): text for name, text in self._said.items() if name.startswith("mode.")}


def _segment(text: str) -> str:
    """One segment of a path."""
    return quote(text, safe=":")


def _data(value: object) -> str:
    """JSON for a data block: nothing in it can end the block."""
    from markupsafe import Markup  # noqa: PLC0415

    text = json.dumps(value, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
