# SPDX-License-Identifier: Apache-2.0
"""Fills the templates from the field table, once for each language."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from longtake import __version__
from longtake.http.describe.operations import GROUPS
from longtake.http.describe.refusals import refusals_of
from longtake.http.describe.terms import Field, Words
from longtake.http.page.entries import Entry, entries, shapes_of
from longtake.http.page.language import Language, say
from longtake.http.page.samples import ADDRESS, KEY_WORD, LANGUAGES
from longtake.http.page.words import KINDS, PAGE, SCRIPT, SPELLINGS, bounds

if TYPE_CHECKING:
    import jinja2


@cache
def page(language: Language, version: str) -> str:
    """The whole page with ADDRESS to be replaced; `version` names the folder of its files."""

    def words(name: str) -> str:
        return say(PAGE[name], language)

    def spoken(text: Words) -> str:
        return say(text, language)

    def kind(field: Field) -> str:
        return say(KINDS[field.kind], language)

    def spellings(field: Field) -> list[str]:
        return [say(SPELLINGS[text], language) if text in SPELLINGS else text for text in field.spellings]

    def fine(field: Field) -> list[tuple[str, str]]:
        return _fine(field, language)

    return _template("docs.html").render(
        language=language,
        version=version,
        longtake_version=__version__,
        key_word=KEY_WORD,
        first=next(iter(entries().values()))[0],
        groups={say(GROUPS[name], language): group for name, group in entries().items()},
        t=words,
        say=spoken,
        kind=kind,
        fine=fine,
        spellings=spellings,
        samples=_samples,
        shapes=shapes_of,
        refusals=refusals_of,
        script_words=json.dumps({name: say(text, language) for name, text in SCRIPT.items()}, ensure_ascii=False),
    )


@cache
def summary() -> str:
    """The text of /llms.txt with ADDRESS to be replaced."""
    keyed = [entry for group in entries().values() for entry in group]
    return _template("llms.txt").render(entries=keyed, first=keyed[0], sample=_samples(keyed[0])[0][2])


@cache
def _template(name: str) -> jinja2.Template:
    # Not at the top: the server starts without it.
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def _samples(entry: Entry) -> list[tuple[str, str, str]]:
    return [(key, label, write(entry.request, ADDRESS)) for key, (label, write) in LANGUAGES.items()]


def _fine(field: Field, language: Language) -> list[tuple[str, str]]:
    """What stands in small letters below a field: pairs of a word and its content."""
    pairs: list[tuple[str, str]] = []
    if field.default is not None:
        pairs.append((say(PAGE["absent"], language), say(field.default, language)))
    room = bounds(field.kind, field.least, field.most)
    if room is not None:
        pairs.append(("", say(room, language)))
    if field.choices:
        pairs.append(("", " · ".join(field.choices)))
    return pairs
