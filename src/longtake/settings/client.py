# SPDX-License-Identifier: Apache-2.0
"""What a client side reads of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client side reads: which server, and the key for it. Both may be empty."""

    url: str = ""
    api_key: str = ""


def read_client_settings(environ: Mapping[str, str] | None = None) -> ClientSettings:
    """LONGTAKE_URL and LONGTAKE_API_KEY."""
    environ = os.environ if environ is None else environ
    return ClientSettings(
        url=environ.get("LONGTAKE_URL", "").strip(), api_key=environ.get("LONGTAKE_API_KEY", "").strip()
    )
