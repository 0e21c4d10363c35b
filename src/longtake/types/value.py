# SPDX-License-Identifier: Apache-2.0
"""What all values are."""

from __future__ import annotations

import msgspec

SECOND_US = 1_000_000


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """Base of all values: immutable, compared by content, encoded to JSON without their defaults."""
