# SPDX-License-Identifier: Apache-2.0
"""The accounts of longtake.toml: what is read, what is refused, and that a key is never shown."""

from __future__ import annotations

import pytest

from longtake.accounts import read_accounts, remark_on
from longtake.errors import ConfigurationError
from longtake.settings import Settings, read_settings

RELAY = """
[[providers]]
name = "relay-a"
kind = "unified"
base_url = "http://127.0.0.1:9001"
api_key_env = "RELAY_A_KEY"
models = { "grok-video-3" = "longtake-cpu" }
priority = 10
weight = 1
max_in_flight = 50
"""


def write(home, text: str) -> Settings:
    (home / "longtake.toml").write_text(text, encoding="utf-8")
    return Settings(home=home)


def test_an_account_is_read_with_its_key(tmp_path):
    (account,) = read_accounts(write(tmp_path, RELAY), {"RELAY_A_KEY": "sk-canary"})
    assert account.settings.models_by_name == {"grok-video-3": "longtake-cpu"}
    assert (account.settings.priority, account.settings.max_in_flight) == (10, 50)
    assert not account.needs_key
    assert account.api_key == "sk-canary"
    assert "canary" not in repr(account)
    assert "canary" not in str(account)


def test_settings_leave_the_accounts_alone(tmp_path):
    write(tmp_path, "crf = 23\n" + RELAY)
    assert read_settings({"home": tmp_path}, {}).crf == 23


def test_a_list_of_models_means_the_same_names(tmp_path):
    text = RELAY.replace('{ "grok-video-3" = "longtake-cpu" }', '["a", "b"]')
    (account,) = read_accounts(write(tmp_path, text), {"RELAY_A_KEY": "x"})
    assert account.settings.models_by_name == {"a": "a", "b": "b"}


def test_without_its_key_an_account_is_there_all_the_same(tmp_path):
    (account,) = read_accounts(write(tmp_path, RELAY), {})
    assert account.needs_key


def test_a_key_from_a_file_beside_longtake_toml(tmp_path):
    (tmp_path / "relay.key").write_text(" sk-file \n", encoding="utf-8")
    text = RELAY.replace('api_key_env = "RELAY_A_KEY"', 'api_key_file = "relay.key"')
    (account,) = read_accounts(write(tmp_path, text), {})
    assert account.api_key == "sk-file"


def test_a_file_elsewhere(tmp_path):
    elsewhere = tmp_path / "etc" / "mine.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(RELAY, encoding="utf-8")
    found = read_accounts(Settings(home=tmp_path / "home"), {"LONGTAKE_CONFIG": str(elsewhere)})
    assert [account.settings.name for account in found] == ["relay-a"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('api_key_env = "RELAY_A_KEY"', 'api_key = "sk-canary"', "environment variable"),
        ('name = "relay-a"', 'name = "longtake"', "choose another"),
        ('name = "relay-a"', 'name = "no spaces"', "name"),
        ('base_url = "http://127.0.0.1:9001"', 'base_url = "file:///etc"', "base_url"),
        ('base_url = "http://127.0.0.1:9001"', 'base_url = "http://u:p@relay"', "base_url"),
        ('base_url = "http://127.0.0.1:9001"', 'base_url = "http://:canary@relay"', "base_url"),
        ('base_url = "http://127.0.0.1:9001"', 'base_url = "http://@relay"', "base_url"),
        ('base_url = "http://127.0.0.1:9001"', 'base_url = "http://[canary"', "base_url"),
        ("weight = 1", "weight = 0", "weight"),
        ("weight = 1", "wieght = 1", "number 1 (relay-a), line 2, in longtake.toml has 'wieght', which no account has"),
        ("weight = 1", "wieght = 1", "did you mean weight?"),
        ("weight = 1", "colour = 1", "it may have name, kind, base_url, models, api_key_env"),
        ("weight = 1", 'api_key_file = "x"', "not both"),
        ("[[providers]]", "[providers]", "[[providers]]"),
        ('kind = "unified"\n', "", "kind"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, before, after, says):
    with pytest.raises(ConfigurationError, match=r"providers|provider") as caught:
        read_accounts(write(tmp_path, RELAY.replace(before, after)), {"RELAY_A_KEY": "sk-canary"})
    assert says in caught.value.message
    assert "canary" not in caught.value.message


def test_two_of_one_name_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="two"):
        read_accounts(write(tmp_path, RELAY + RELAY), {"RELAY_A_KEY": "x"})


def test_the_line_of_a_table_is_named_behind_a_byte_order_mark(tmp_path):
    second = RELAY.replace('name = "relay-a"', 'name = "relay-b"').replace("priority", "priorty")
    settings = write(tmp_path, "\ufeff" + RELAY + second)
    line = 1 + (RELAY + second).splitlines().index("[[providers]]", 2)
    with pytest.raises(ConfigurationError, match=rf"number 2 \(relay-b\), line {line}, .* did you mean priority\?"):
        read_accounts(settings, {"RELAY_A_KEY": "x"})


def test_what_keeps_an_account_from_getting_jobs_is_named_with_what_to_write(tmp_path):
    by_file = RELAY.replace('name = "relay-a"', 'name = "relay-b"').replace(
        'api_key_env = "RELAY_A_KEY"', 'api_key_file = "relay.key"'
    )
    empty = RELAY.replace('name = "relay-a"', 'name = "relay-c"').replace('{ "grok-video-3" = "longtake-cpu" }', "[]")
    off = empty.replace('name = "relay-c"', 'name = "relay-d"\nenabled = false')
    well = RELAY.replace('name = "relay-a"', 'name = "relay-e"').replace('"RELAY_A_KEY"', '"OTHER"')
    accounts = read_accounts(write(tmp_path, RELAY + by_file + empty + off + well), {"RELAY_A_KEY": "", "OTHER": "x"})
    a, b, c, d, e = (remark_on(account.settings, has_key=not account.needs_key) for account in accounts)
    assert a == "the environment variable RELAY_A_KEY is not set, or empty: set it and start the server anew"
    assert b == "its api_key_file relay.key is not there, or empty: it gets jobs once the key is there"
    assert c.startswith(f"{a}; it names no models: write models = [")
    assert (d, e) == ("", "")


def test_a_table_without_the_word_models_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"\(relay-a\), line 2, in longtake.toml: .*`models`"):
        read_accounts(write(tmp_path, RELAY.replace("models =", "options =")), {})
