# SPDX-License-Identifier: Apache-2.0
"""What a model name stands for, and what is refused at the start."""

from __future__ import annotations

import pytest

from longtake.accounts import read_aliases
from longtake.catalog.catalog import shipped_catalog
from longtake.errors import ConfigurationError
from longtake.routing.names import ModelNames
from longtake.settings import Settings, read_settings


def names(aliases: dict[str, list[str]] | None = None, *offered: str) -> ModelNames:
    return ModelNames(shipped_catalog(), offered, aliases)


def test_an_alias_stands_for_models_in_order_each_once():
    found = names({"grok": ["grok-video-3", "ltx-2", "GROK-VIDEO-3"], "best": ["ltx-2", "grok"]}, "ltx-2")
    assert found.resolve("grok") == ("grok-video-3", "ltx-2")
    assert found.resolve(" Best\n") == ("ltx-2", "grok-video-3")
    assert found.aliases == {"grok": ("grok-video-3", "ltx-2"), "best": ("ltx-2", "grok-video-3")}
    assert found.resolve("nothing") == ()


@pytest.mark.parametrize(("offered", "asked"), [("veo3.1", "Veo-3.1"), ("veo-3.1", "veo3.1")])
def test_an_accounts_model_is_found_by_every_name_that_the_catalogue_knows_for_it(offered: str, asked: str):
    assert names(None, offered).resolve(asked) == (offered,)


def test_of_two_spellings_that_are_offered_the_callers_own_comes_first():
    found = names(None, "veo3.1", "veo-3.1")
    assert found.resolve("veo-3.1") == ("veo-3.1", "veo3.1")
    assert found.resolve("veo3.1")[0] == "veo3.1"


@pytest.mark.parametrize(
    ("aliases", "says"),
    [
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "in a circle: a -> b -> c -> a"),
        ({"a": ["A"]}, "in a circle"),
        ({"a": ["no-such-model"]}, "'no-such-model', which is no model here"),
        ({"a": []}, "stands for nothing"),
        ({"grok-video-3": ["sora-2"]}, "is a model's own name"),
        ({"KLING": ["sora-2"]}, "is a model's own name"),
        ({"ltx-2": ["sora-2"]}, "is a model's own name"),
        ({"a": ["sora-2"], "A": ["sora-2"]}, "differ only in case"),
    ],
)
def test_aliases_that_cannot_work_are_refused_at_the_start(aliases: dict[str, list[str]], says: str):
    with pytest.raises(ConfigurationError) as refused:
        names(aliases, "ltx-2")
    assert says in refused.value.message


def read(home, text: str):
    (home / "longtake.toml").write_text(text, encoding="utf-8")
    assert read_settings({"home": home}, {}).home == home
    return read_aliases(Settings(home=home), {})


def test_aliases_are_read_from_longtake_toml(tmp_path):
    text = '[aliases]\ngrok = ["grok-video-3", "ltx-2"]\n"fast one" = "ltx-2"\n'
    assert read(tmp_path, text) == {"grok": ("grok-video-3", "ltx-2"), "fast one": ("ltx-2",)}


@pytest.mark.parametrize("text", ["aliases = 3", "[aliases]\na = 3", "[aliases]\na = [3]", '[aliases]\n" a" = ["b"]'])
def test_aliases_that_are_none_are_named(tmp_path, text: str):
    with pytest.raises(ConfigurationError, match="aliases"):
        read(tmp_path, text)
