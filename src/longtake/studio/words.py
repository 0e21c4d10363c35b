# SPDX-License-Identifier: Apache-2.0
"""All that the pages say, in both languages: one table, words.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

from longtake.http.page.language import Language

TABLE = Path(__file__).with_name("words.toml")


@cache
def words(language: Language) -> Mapping[str, str]:
    """Each sentence by its name, such as `library.empty`."""
    table = cast("dict[str, dict[str, dict[str, str]]]", tomllib.loads(TABLE.read_text(encoding="utf-8")))
    return {
        f"{section}.{name}": said[language] for section, sentences in table.items() for name, said in sentences.items()
    }
