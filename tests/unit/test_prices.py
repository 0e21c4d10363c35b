# SPDX-License-Identifier: Apache-2.0
"""Prices: amounts are exact, parts add up, a worst case is one, and whoever pays knows by which rule."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longtake.amounts import MOST_MICROUSD, read_usd, usd_text
from longtake.billing.prices import price_of
from longtake.billing.tariffs import UNKNOWN, Tariffs, read_price_file, read_prices
from longtake.catalog.catalog import Catalog, PriceFacts, shipped_catalog
from longtake.errors import ConfigurationError
from longtake.settings import read_settings
from longtake.types import ImageInput, Maker, Mode, Operation, Plan, Rate, Role, Tariff

REMOTE = Maker(provider="relay-a", model="theirs", engine="", mode=Mode.NATIVE)
LOCAL = Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.LOCAL)
STAND_IN = Maker(provider="longtake", model="longtake-cpu", engine="classic", mode=Mode.STAND_IN)
GROK = PriceFacts(
    second_usd={"720": "0.07", "480": "0.05"}, input_second_usd="0.01", most_input_s=15, image_usd="0.002"
)


def tariff_of(facts: PriceFacts, name: str = "grok-video-3") -> Tariff:
    found = Tariffs(shipped_catalog(), {name: facts}).of(REMOTE, name)
    assert found is not None
    return found


def plan_of(tariff: Tariff | None, operation: Operation = Operation.EXTEND, **fields: object) -> Plan:
    made = Plan(
        operation=operation,
        maker=REMOTE,
        prompt="go on",
        new_us=6_000_000,
        width=1280,
        height=720,
        fps=Rate(num=24),
        start_us=3_000_000,
        tariff=tariff,
    )
    return msgspec.structs.replace(made, **fields)


@pytest.mark.parametrize(
    ("text", "microusd"),
    [
        ("0.42", 420_000),
        ("12", 12_000_000),
        (" 0.000001 ", 1),
        ("-3.5", -3_500_000),
        ("+1.10", 1_100_000),
        ("0.10000000", 100_000),
        ("0.1", 100_000),
        ("1000000000", MOST_MICROUSD),
    ],
)
def test_amounts_are_read_exactly(text: str, microusd: int) -> None:
    assert read_usd(text) == microusd


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".5", "1e3", "0.0000001", "$5", "1,50", "١", "nan", "1000000000.01", "9" * 30, "0x10"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|amount"):
        read_usd(text)


@given(st.integers(-MOST_MICROUSD, MOST_MICROUSD))
def test_amounts_survive_being_written(microusd: int) -> None:
    text = usd_text(microusd)
    assert read_usd(text) == microusd
    assert Decimal(text) == Decimal(microusd) / 1_000_000
    assert len(text.partition(".")[2]) >= 2


def test_a_price_is_the_sum_of_its_named_parts() -> None:
    image = ImageInput(role=Role.LAST_FRAME, asset_id="a")
    price = price_of(plan_of(tariff_of(GROK), images=(image,)))
    assert [(line.item, line.microusd) for line in price.lines] == [
        ("new_seconds", 420_000),
        ("input_seconds", 30_000),
        ("images", 2_000),
    ]
    assert (price.microusd, price.known) == (452_000, True)


def test_sizes_have_their_own_prices_and_what_no_price_covers_is_not_known() -> None:
    tariff = tariff_of(PriceFacts(second_usd={"480": "0.05", "720": "0.07"}))
    for width, height, microusd, known in (
        (752, 416, 300_000, True),
        (480, 854, 300_000, True),
        (896, 504, 300_000, True),  # within 5 % of 480
        (960, 540, 420_000, True),
        (1920, 1080, 420_000, False),
    ):
        price = price_of(plan_of(tariff, width=width, height=height))
        assert (price.microusd, price.known) == (microusd, known), (width, height)


def test_a_create_has_no_input_seconds_and_they_are_capped() -> None:
    tariff = tariff_of(GROK)
    assert price_of(plan_of(tariff, Operation.CREATE)).microusd == 420_000
    assert price_of(plan_of(tariff, start_us=300_000_000)).microusd == 420_000 + 150_000


@given(
    lengths_us=st.tuples(st.integers(1, 600_000_000), st.integers(0, 600_000_000)),
    sizes=st.tuples(st.integers(2, 2304), st.integers(2, 4096)),
    prices=st.dictionaries(st.sampled_from(["480", "720", "1080", "2160"]), st.integers(0, 10**7), max_size=4),
    others=st.tuples(st.integers(0, 10**6), st.integers(0, 10**7)),
    operation=st.sampled_from([Operation.CREATE, Operation.EXTEND, Operation.REMIX]),
)
def test_prices_are_exact_but_for_the_last_micro_dollar_and_no_final_price_passes_its_hold(
    lengths_us: tuple[int, int],
    sizes: tuple[int, int],
    prices: dict[str, int],
    others: tuple[int, int],
    operation: Operation,
) -> None:
    tariff = tariff_of(
        PriceFacts(
            second_usd={side: usd_text(amount) for side, amount in prices.items()},
            input_second_usd=usd_text(others[0]),
            most_input_s=15,
            request_usd=usd_text(others[1]),
        )
    )
    final = plan_of(tariff, operation, new_us=lengths_us[0], start_us=lengths_us[1], width=sizes[0], height=sizes[1])
    price = price_of(final)
    assert price.microusd == sum(line.microusd for line in price.lines)
    exact = sum(
        Fraction(line.quantity_us, 1_000_000) * line.unit_microusd
        if line.quantity_us is not None
        else line.quantity * line.unit_microusd
        for line in price.lines
    )
    assert 0 <= price.microusd - exact < 2
    hold = price_of(msgspec.structs.replace(final, provisional=True, new_us=1, most_new_us=600_000_000, start_us=0))
    assert price.microusd <= hold.microusd


def test_what_is_made_here_is_free_unless_its_operator_says_otherwise() -> None:
    shipped, own = Tariffs(shipped_catalog()), Tariffs(shipped_catalog(), {"longtake-cpu": GROK, "sora-2": GROK})
    assert shipped.of(LOCAL, "longtake-cpu") is None is shipped.of(STAND_IN, "sora-2")
    assert own.of(STAND_IN, "sora-2") is None
    priced = own.of(LOCAL, "longtake")
    assert priced is not None
    assert priced.rule.startswith("seconds-1/longtake-cpu/own-")
    free = price_of(plan_of(None))
    assert (free.microusd, free.rule, free.known, free.lines) == (0, "local-1", True, ())


def test_a_model_without_a_price_is_known_to_have_none() -> None:
    assert Tariffs(shipped_catalog()).of(REMOTE, "kling") == UNKNOWN


def test_a_model_that_only_longtake_toml_names_has_the_operators_price_or_none_that_is_known():
    assert Tariffs(shipped_catalog()).of(REMOTE, "my-ltx") == UNKNOWN
    priced = Tariffs(shipped_catalog(), {"my-ltx": GROK}, others={"my-ltx"}).of(REMOTE, "my-ltx")
    assert priced is not None
    assert priced.seconds == tariff_of(GROK).seconds
    price = price_of(plan_of(UNKNOWN))
    assert (price.microusd, price.known) == (0, False)


def test_the_catalogues_prices_have_a_source_and_a_date_and_name_their_rule() -> None:
    priced = [model for model in shipped_catalog() if model.price is not None]
    assert priced
    for model in priced:
        assert model.price is not None
        assert model.price.source.startswith("https://")
        assert dt.date.fromisoformat(model.price.as_of)
        tariff = Tariffs(shipped_catalog()).of(REMOTE, model.name)
        assert tariff is not None
        assert tariff.rule == f"seconds-1/{model.name}/{model.price.as_of}"


def test_an_operators_price_goes_first_and_another_price_has_another_name() -> None:
    cheap, dear = (tariff_of(PriceFacts(request_usd=usd), "sora-2") for usd in ("1", "2"))
    assert (cheap.request_microusd, dear.request_microusd) == (1_000_000, 2_000_000)
    assert cheap.rule != dear.rule
    assert cheap == tariff_of(PriceFacts(request_usd="1"), "Sora-2 ")


def test_a_price_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('[prices."veo3.1"]\nsecond_usd = { 720 = "0.2", 1080 = "0.4" }\n', encoding="utf-8")
    tariff = Tariffs(shipped_catalog(), read_price_file(path)).of(REMOTE, "veo-3.1")
    assert tariff is not None
    assert [(size.short_side, size.microusd) for size in tariff.seconds] == [(720, 200_000), (1080, 400_000)]


@pytest.mark.parametrize(
    "text",
    [
        "[prices.sora-2]\nrequest_usd = 0.5\n",  # a float is not exact
        '[prices.sora-2]\nrequest_usd = "-1"\n',
        '[prices.sora-2]\nrequest_usd = "cheap"\n',
        '[prices.sora-2]\nper_request = "1"\n',
        '[prices.sora-2]\ninput_second_usd = "1"\n',
        '[prices.sora-2]\nsecond_usd = { big = "1" }\n',
        '[prices.nobody]\nrequest_usd = "1"\n',
        "[prices",
        "",
    ],
)
def test_a_price_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="price"):
        Tariffs(shipped_catalog(), read_price_file(path))
    with pytest.raises(ConfigurationError, match="PRICE_FILE"):
        read_price_file(tmp_path / "none.toml")


def test_two_names_of_one_model_share_its_price() -> None:
    catalog: Catalog = shipped_catalog()
    assert Tariffs(catalog).of(REMOTE, "veo-3.1") == Tariffs(catalog).of(REMOTE, "veo3.1") != UNKNOWN


def test_parts_cost_their_seconds_once_and_a_request_and_an_input_each() -> None:
    """Each part is given what there is by then: 3, 13 and 23 s, of which 15 are counted at most."""
    facts = msgspec.structs.replace(GROK, request_usd="0.10")
    made = plan_of(tariff_of(facts), new_us=25_000_000, segments=(10_000_000, 10_000_000, 5_000_000))
    price = price_of(made)
    assert {line.item: line.microusd for line in price.lines} == {
        "new_seconds": 25 * 70_000,
        "input_seconds": (3 + 13 + 15) * 10_000,
        "request": 300_000,
    }
    created = msgspec.structs.replace(made, operation=Operation.CREATE, start_us=0)
    assert {line.item: line.quantity_us for line in price_of(created).lines}["input_seconds"] == (10 + 15) * 1_000_000
    waiting = msgspec.structs.replace(made, provisional=True)
    assert price_of(waiting).microusd >= price.microusd


def test_prices_stand_in_longtake_toml_and_a_price_file_counts_before_it(tmp_path: Path) -> None:
    (tmp_path / "longtake.toml").write_text(
        '[prices."sora-2"]\nrequest_usd = "1"\n[prices."kling"]\nrequest_usd = "2"\n', encoding="utf-8"
    )
    (tmp_path / "mine.toml").write_text('[prices."sora-2"]\nrequest_usd = "3"\n', encoding="utf-8")
    settings = read_settings({"home": tmp_path}, {})
    assert {name: facts.request_usd for name, facts in read_prices(settings, {}).items()} == {
        "sora-2": "1",
        "kling": "2",
    }
    both = read_prices(msgspec.structs.replace(settings, price_file=str(tmp_path / "mine.toml")), {})
    assert {name: facts.request_usd for name, facts in both.items()} == {"sora-2": "3", "kling": "2"}
    assert Tariffs(shipped_catalog(), both).of(REMOTE, "kling-v1-6") == Tariffs(shipped_catalog(), both).of(
        REMOTE, "kling"
    )


@pytest.mark.parametrize("text", ["prices = 3", '[prices."sora-2"]\nrequest_euro = "1"', '[prices]\n"sora-2" = 3'])
def test_prices_in_longtake_toml_are_read_strictly(tmp_path: Path, text: str) -> None:
    (tmp_path / "longtake.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"\[prices(\.\"sora-2\")?\] in longtake.toml"):
        read_prices(read_settings({"home": tmp_path}, {}), {})
