# SPDX-License-Identifier: Apache-2.0
"""The operator's own word about a provider: where its account lives, and the key that is good there only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from longtake.egress.target import Target, parse


@dataclass(frozen=True, slots=True)
class Access:
    """A provider account as the operator set it up. Never shows its key."""

    origins: frozenset[str] = frozenset()
    """As `Target.origin`. These may be private addresses, and only these get the key."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The credential, such as `{"Authorization": "Bearer …"}`."""

    @classmethod
    def to(cls, *base_urls: str, headers: Mapping[str, str] | None = None) -> Self:
        """Access to the origins of these URLs. Raises UrlRefused for one that is none."""
        return cls(origins=frozenset(parse(url).origin for url in base_urls), headers=dict(headers or {}))

    def covers(self, target: Target) -> bool:
        """Whether the target is the provider's own."""
        return target.origin in self.origins


NOBODY = Access()
"""No provider: only public addresses, and no key."""
