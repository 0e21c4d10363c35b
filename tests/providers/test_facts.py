# SPDX-License-Identifier: Apache-2.0
"""The catalogue's facts about models at providers: readable, dated, and found by name and server."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path

import pytest

from longtake.catalog.provider_facts import provider_facts, read_provider_facts
from longtake.catalog.sources import check_source
from longtake.providers.comfyui.workflow import read_workflow, shipped_workflows
from longtake.providers.facts import abilities_of, shipped_abilities
from longtake.types import Operation

ROOT = Path(__file__).parents[2]
KINDS = sorted(
    file.name.removesuffix(".toml") for file in files("longtake.catalog").joinpath("providers").iterdir()
)  # fmt: skip


def test_there_are_facts_for_the_shipped_kinds() -> None:
    assert KINDS == ["fal", "openai_videos", "unified", "xai"], "ComfyUI's are in its workflows"


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_dated_and_fits_the_port(kind: str) -> None:
    facts = provider_facts(kind)
    assert facts.kind == kind
    for row in facts.models:
        abilities = abilities_of(row)
        assert row.source.startswith("https://") or (ROOT / row.source).is_file(), row.name
        assert dt.date.fromisoformat(row.as_of) <= dt.date(2030, 1, 1)
        assert abilities.operations
        assert (Operation.EXTEND in abilities.operations) <= bool(abilities.source_by), row.name
        assert list(abilities.lengths_us) == sorted(abilities.lengths_us)
        assert abilities.min_new_us <= abilities.default_new_us <= (abilities.max_new_us or abilities.default_new_us)


@pytest.mark.parametrize("line", ['source = "somewhere"', 'as_of = "some day"', 'source = ""'])
def test_a_row_without_its_source_or_date_is_refused(line: str) -> None:
    good = 'kind = "k"\n[[models]]\nname = "*"\nsource = "https://maker.example/m"\nas_of = "2026-11-27"\n'
    assert read_provider_facts(good).find("any") is not None
    name = line.partition(" ")[0]
    bad = "\n".join(line if row.startswith(name) else row for row in good.splitlines())
    with pytest.raises(ValueError, match=rf"\* at k: {name}"):
        read_provider_facts(bad)


@pytest.mark.parametrize("name", shipped_workflows())
def test_every_shipped_workflow_says_where_its_numbers_are_from(name: str) -> None:
    counting = read_workflow(name).counting
    check_source(name, counting.source, counting.as_of)


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_is_hidden_behind_an_earlier_one(kind: str) -> None:
    facts = provider_facts(kind)
    for row in facts.models:
        found = facts.find(row.name.replace("*", "x-extend" if "extend" in row.name else "xyz"), row.server)
        assert found is row or "*" in row.name, f"{row.name} is never found"


def test_an_unknown_kind_or_model_creates_and_no_more() -> None:
    assert shipped_abilities("nobody", "nothing").operations == {Operation.CREATE}
    assert shipped_abilities("xai", "another").operations == {Operation.CREATE}
