# SPDX-License-Identifier: Apache-2.0
"""The only reader of the environment and of longtake.toml.

Order of precedence: command line, `LONGTAKE_*` variables, `longtake.toml` (named by `LONGTAKE_CONFIG`, else in the
home folder), defaults. Every setting is a field of Settings; its variable is the field's name in capitals behind
`LONGTAKE_`.
"""

from longtake.settings.checks import LEAST_STRONG_KEY_CHARS, PRESETS, check_settings, is_host
from longtake.settings.client import ClientSettings, read_client_settings
from longtake.settings.proxies import PROXY_HINT, ProxySettings, is_proxy, read_proxies
from longtake.settings.reading import default_home, read_file, read_settings, table_lines, unknown_variables
from longtake.settings.server import LOOPBACK_HOSTS, Settings

__all__ = [
    "LEAST_STRONG_KEY_CHARS",
    "LOOPBACK_HOSTS",
    "PRESETS",
    "PROXY_HINT",
    "ClientSettings",
    "ProxySettings",
    "Settings",
    "check_settings",
    "default_home",
    "is_host",
    "is_proxy",
    "read_client_settings",
    "read_file",
    "read_proxies",
    "read_settings",
    "table_lines",
    "unknown_variables",
]
