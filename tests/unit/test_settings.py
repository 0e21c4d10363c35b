# SPDX-License-Identifier: Apache-2.0
"""Settings: where they come from, which one wins, and what does not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from longtake.errors import ConfigurationError
from longtake.media import encode
from longtake.render.identity import installation_id, own_identity
from longtake.settings import PRESETS, Settings, check_settings, read_client_settings, read_settings, unknown_variables


def test_flags_win_over_variables_over_the_file_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "longtake.toml").write_text('port = 1\ncrf = 1\npreset = "fast"\nhome = "/elsewhere"\n')
    environ = {"LONGTAKE_HOME": str(tmp_path), "LONGTAKE_PORT": "2", "LONGTAKE_CRF": "2"}
    settings = read_settings({"port": 3, "host": None}, environ)
    assert (settings.port, settings.crf, settings.preset, settings.host) == (3, 2, "fast", "127.0.0.1")
    assert settings.home == tmp_path
    assert read_settings({"home": tmp_path / "other"}, environ).home == tmp_path / "other"


def test_texts_become_numbers_and_lists() -> None:
    environ = {"LONGTAKE_STALL_S": "1.5", "LONGTAKE_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16,"}
    settings = read_settings({"home": "/nowhere"}, environ)
    assert settings.stall_s == 1.5
    assert settings.trusted_proxies == ("10.0.0.1", "10.1.0.0/16")


def test_a_named_file_is_read_and_must_exist(tmp_path: Path) -> None:
    named = tmp_path / "other.toml"
    with pytest.raises(ConfigurationError, match="LONGTAKE_CONFIG"):
        read_settings({"home": tmp_path}, {"LONGTAKE_CONFIG": str(named)})
    named.write_text("port = 9")
    assert read_settings({"home": tmp_path}, {"LONGTAKE_CONFIG": str(named)}).port == 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("port = ", "TOML", id="not-toml"),
        pytest.param("prot = 1", "prot", id="unknown-name"),
        pytest.param('stand_in = "maybe"', "stand_in", id="no-such-choice"),
        pytest.param("crf = 1.5", "crf", id="wrong-type"),
    ],
)
def test_what_cannot_be_read_is_named(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "longtake.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        read_settings({"home": tmp_path}, {})


PUBLIC = {"host": "0.0.0.0", "public_url": "https://video.example.com"}


@pytest.mark.parametrize(
    ("values", "param"),
    [
        pytest.param({"port": 70_000}, "port", id="port"),
        pytest.param({"host": "0.0.0.0"}, "public_url", id="public-bind-without-url"),
        pytest.param({"public_url": "ftp://x"}, "public_url", id="not-http"),
        pytest.param({"public_url": "https://x/?a=1"}, "public_url", id="url-with-query"),
        pytest.param({**PUBLIC, "admin_key": "k" * 23}, "admin_key", id="weak-key"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, object], param: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings(read_settings({"home": "/nowhere", **values}, {}))
    assert caught.value.param == param


@pytest.mark.parametrize("values", [{}, {"admin_key": "weak"}, PUBLIC, {**PUBLIC, "admin_key": "k" * 24}])
def test_what_fits_is_taken(values: dict[str, object]) -> None:
    check_settings(read_settings({"home": "/nowhere", **values}, {}))


def test_half_the_cores_render_unless_told_otherwise() -> None:
    assert Settings(home=Path("/nowhere")).render_slots >= 1
    assert Settings(home=Path("/nowhere"), cpu_slots=5).render_slots == 5


def test_the_clients_settings_are_their_own() -> None:
    client = read_client_settings({"LONGTAKE_URL": " http://x ", "LONGTAKE_API_KEY": "k\n"})
    assert (client.url, client.api_key) == ("http://x", "k")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu_slots", "-1"),
        ("crf", "52"),
        ("crf", "0"),
        ("preset", "slow"),
        ("preset", "superfast!"),
        ("stall_s", "0"),
        ("hard_stop_s", "nan"),
        ("child_memory_bytes", "0"),
        ("local_deadline_s", "-5"),
        ("max_upload_bytes", "-1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(name: str, value: str) -> None:
    settings = read_settings({"home": "/nowhere"}, {f"LONGTAKE_{name.upper()}": value})
    with pytest.raises(ConfigurationError) as refused:
        check_settings(settings)
    assert refused.value.param == name
    assert f"LONGTAKE_{name.upper()}" in refused.value.message


@pytest.mark.parametrize(
    ("content", "environ", "words"),
    [
        pytest.param("", {"LONGTAKE_STAND_IN": "x"}, "STAND_IN is 'x': set it to one of auto, on, off", id="choice"),
        pytest.param("", {"LONGTAKE_PORT": "abc"}, "LONGTAKE_PORT is 'abc': set it to a whole number", id="number"),
        pytest.param('port = "x"', {}, "port in longtake.toml is 'x': set it to a whole number", id="file"),
        pytest.param('trusted_proxies = "10.0.0.0/8"', {}, "set it to a list of texts", id="list"),
        pytest.param("prot = 1", {}, "longtake.toml has 'prot', which is no setting: did you mean port?", id="slip"),
        pytest.param(
            "[[provider]]", {}, "longtake.toml has 'provider', which is no setting: did you mean providers?", id="table"
        ),
        pytest.param("admin_key = 123456", {}, "admin_key in longtake.toml is no text: set it to a text", id="secret"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_source_and_what_would_do(
    content: str, environ: dict[str, str], words: str, tmp_path: Path
) -> None:
    (tmp_path / "longtake.toml").write_text(content)
    with pytest.raises(ConfigurationError) as refused:
        read_settings({"home": tmp_path}, environ)
    assert words in refused.value.message


def test_variables_that_nothing_reads_are_named() -> None:
    read = {
        "LONGTAKE_HOME": "x",
        "LONGTAKE_URL": "x",
        "LONGTAKE_API_KEY": "x",
        "LONGTAKE_CONFIG": "x",
        "LONGTAKE_CRF": "1",
    }
    assert unknown_variables({**read, "PATH": "x"}) == []
    slip, far = unknown_variables({**read, "LONGTAKE_PROT": "1", "LONGTAKE_DATABASE_URL": "x"})[::-1]
    assert slip == "LONGTAKE_PROT is set, but there is no such setting: did you mean LONGTAKE_PORT?"
    assert far.startswith("LONGTAKE_DATABASE_URL is set, but there is no such setting: docs/")


def test_presets_are_those_of_the_encoder() -> None:
    assert encode.PRESETS == PRESETS


def test_certificate_and_key_come_together_and_belong_together(tmp_path: Path) -> None:
    pem = own_identity(tmp_path / "one", installation_id(tmp_path / "one"))
    other = own_identity(tmp_path / "two", installation_id(tmp_path / "two"))
    certificate, key, wrong = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "wrong.pem"
    certificate.write_bytes(pem.certificates)
    key.write_bytes(pem.key)
    wrong.write_bytes(other.key)
    check_settings(Settings(home=tmp_path, c2pa_cert=str(certificate), c2pa_key=str(key)))
    for refused, param in (
        (Settings(home=tmp_path, c2pa_cert=str(certificate)), "c2pa_key"),
        (Settings(home=tmp_path, c2pa_key=str(key)), "c2pa_cert"),
        (Settings(home=tmp_path, c2pa_cert=str(certificate), c2pa_key=str(wrong)), "c2pa_cert"),
        (Settings(home=tmp_path, c2pa_cert=str(tmp_path / "none"), c2pa_key=str(key)), "c2pa_cert"),
        (Settings(home=tmp_path, aigc_producer="x" * 201), "aigc_producer"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            check_settings(refused)
        assert caught.value.param == param
