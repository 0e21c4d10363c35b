# SPDX-License-Identifier: Apache-2.0
"""The catalogue's facts, and who makes what under which setting."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from longtake.billing.prices import price_of
from longtake.catalog.catalog import Catalog, read_catalog, shipped_catalog
from longtake.engines.classic.engine import ClassicEngine
from longtake.errors import ModelNotFound, NoMaker, OperationNotSupported
from longtake.routing.makers import Makers, stands_in
from longtake.settings import Settings
from longtake.types import Mode, Operation, Plan, Rate

ROOT = Path(__file__).parents[2]


def test_every_fact_has_a_source_and_a_date():
    for model in shipped_catalog():
        for source in (model.source, *([model.price.source] if model.price else [])):
            assert source.startswith("https://") or (ROOT / source).is_file(), model.name
        assert date.fromisoformat(model.as_of) <= date(2027, 1, 1)
        assert model.default_s <= model.max_s
        assert not set(model.family) & set("/?#% :")
        if model.lengths_s:
            assert list(model.lengths_s) == sorted(model.lengths_s)
            assert model.default_s in model.lengths_s


ROW = """
[[models]]
name = "m"
family = "m"
operations = ["create"]
default_s = 6
max_s = 6
source = "https://maker.example/docs/m.html"
as_of = "2026-11-27"
[models.price]
second_usd = { 720 = "0.10" }
source = "https://maker.example/prices"
as_of = "2026-11-27"
"""


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ('source = "https://maker.example/docs/m.html"\n', "", "source"),
        ('source = "https://maker.example/docs/m.html"', 'source = "the maker said so"', "m: source"),
        ('as_of = "2026-11-27"\n[models', 'as_of = "lately"\n[models', "m: as_of"),
        ('source = "https://maker.example/prices"\n', "", "the price of m: source"),
    ],
)
def test_a_row_without_its_source_or_date_is_refused(line, instead, says):
    assert line in ROW
    assert read_catalog(ROW).find("m").name == "m"
    with pytest.raises((ValueError, msgspec.ValidationError), match=says):
        read_catalog(ROW.replace(line, instead, 1))


@pytest.mark.parametrize("name", ["grok-video-3", " GROK-Video-3\n", "longtake-cpu", "Veo-3.1", "sora-2"])
def test_names_are_found_without_case_and_blanks(name):
    assert shipped_catalog().find(name).name


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(ModelNotFound) as refused:
        shipped_catalog().find("no-such-model")
    assert refused.value.param == "model"
    for name in ("no-such-model", "longtake-cpu", "grok-video-3"):
        assert name in refused.value.message


def test_two_models_may_not_share_a_name():
    model = shipped_catalog().find("sora-2")
    with pytest.raises(ValueError, match="SORA-2"):
        Catalog([model, msgspec.structs.replace(model, name="other", aliases=("SORA-2",))])


def test_the_catalogue_says_of_the_engine_what_the_engine_says():
    listed = shipped_catalog().find("longtake-cpu").capability
    told = ClassicEngine().capability()
    for field in ("operations", "default_new_us", "max_new_us", "short_sides", "max_images", "prompt_support"):
        assert getattr(listed, field) == getattr(told, field), field


def test_an_engine_counts_as_trained_unless_its_model_says_that_it_is_not():
    catalog = shipped_catalog()
    assert catalog.is_trained("classic") is False
    assert catalog.is_trained("an-engine-that-nobody-described") is True
    other = msgspec.structs.replace(catalog.find("sora-2"), engine="net")
    assert Catalog([other]).is_trained("net") is True
    assert Catalog([msgspec.structs.replace(other, trained=False)]).is_trained("net") is False


def test_a_stand_in_names_itself_and_keeps_the_asked_models_length_and_family():
    choice = Makers(shipped_catalog(), stand_in=True).choose("grok-video-3-pro", Operation.EXTEND)
    assert choice.maker.mode is Mode.STAND_IN
    assert (choice.maker.provider, choice.maker.model) == ("longtake", "longtake-cpu")
    assert choice.family == "grok"
    assert choice.capability.default_new_us == 10_000_000
    assert choice.capability.max_new_us == 30_000_000
    assert "grok-video-3-pro" in choice.warnings[0]
    assert "longtake-cpu" in choice.warnings[0]


def test_what_is_listed_of_a_stand_in_is_what_it_does():
    makers = Makers(shipped_catalog(), stand_in=True)
    listed = [listed for listed in makers.list_models() if listed.mode is Mode.STAND_IN]
    assert listed
    for model in (one.model for one in listed):
        for operation in model.operations:
            done = makers.choose(model.name, operation).capability
            said = (model.default_s, model.max_s, model.short_sides, model.max_images)
            assert said == (done.default_new_us / 1e6, done.max_new_us / 1e6, done.short_sides, done.max_images)


def test_the_built_in_model_is_no_stand_in():
    for stand_in in (True, False):
        choice = Makers(shipped_catalog(), stand_in=stand_in).choose("longtake-cpu", Operation.CREATE)
        assert (choice.maker.mode, choice.warnings) == (Mode.LOCAL, ())


def test_without_a_maker_the_keyless_alternative_is_named():
    makers = Makers(shipped_catalog(), stand_in=False)
    with pytest.raises(NoMaker) as refused:
        makers.choose("grok-video-3", Operation.EXTEND)
    assert (refused.value.status, refused.value.code) == (503, "get_channel_failed")
    assert "longtake-cpu" in refused.value.message
    assert [listed.model.name for listed in makers.list_models()] == ["longtake-cpu"]
    assert len(Makers(shipped_catalog(), stand_in=True).list_models()) == len(list(shipped_catalog()))


def test_a_model_that_cannot_do_it_says_unsupported_operation():
    only_creates = msgspec.structs.replace(
        shipped_catalog().find("grok-video-3"), name="painter", operations=frozenset({Operation.CREATE})
    )
    makers = Makers(Catalog([shipped_catalog().find("longtake-cpu"), only_creates]), stand_in=True)
    with pytest.raises(OperationNotSupported, match="unsupported operation"):
        makers.choose("painter", Operation.EXTEND)


def test_a_stored_maker_is_found_again_whatever_the_setting_is_now():
    maker = Makers(shipped_catalog(), stand_in=True).choose("sora-2", Operation.EXTEND).maker
    again = Makers(shipped_catalog(), stand_in=False).choice_of(maker, "sora-2")
    assert again.maker == maker
    assert again.capability.default_new_us == 4_000_000


@pytest.mark.parametrize(
    ("stand_in", "host", "providers", "sqlite", "expected"),
    [
        ("auto", "127.0.0.1", 0, True, True),
        ("auto", "127.0.0.1", 1, True, False),
        ("auto", "127.0.0.1", 0, False, False),
        ("auto", "0.0.0.0", 0, True, False),
        ("on", "0.0.0.0", 1, False, True),
        ("off", "127.0.0.1", 0, True, False),
    ],
)
def test_when_the_engine_stands_in(stand_in, host, providers, sqlite, expected):
    settings = Settings(home=Path(), host=host, stand_in=stand_in)
    assert stands_in(settings, providers=providers, sqlite=sqlite) is expected


def test_local_work_is_free_under_a_named_rule():
    maker = Makers(shipped_catalog(), stand_in=True).choose("sora-2", Operation.CREATE).maker
    plan = Plan(operation=Operation.CREATE, maker=maker, prompt="p", new_us=1, width=2, height=2, fps=Rate(num=24))
    price = price_of(plan)
    assert (price.microusd, price.rule) == (0, "local-1")
