# SPDX-License-Identifier: Apache-2.0
"""The operator's own word about other servers: where an account lives, and the key that is good there only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from longtake.egress.secrets import NONE, Secrets, of_headers
from longtake.egress.target import Target, parse


@dataclass(frozen=True, slots=True)
class Access:
    """A provider account as the operator set it up. Never shows its key."""

    origins: frozenset[str] = frozenset()
    """As `Target.origin`. These may be private addresses, and only these get the key."""
    file_origins: frozenset[str] = frozenset()
    """Where else its results lie: these may be private addresses too, and never get the key."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The credential, such as `{"Authorization": "Bearer …"}`."""
    secrets: Secrets = field(default=NONE, repr=False)
    """What is masked in all that comes back."""

    @classmethod
    def to(
        cls,
        *base_urls: str,
        headers: Mapping[str, str] | None = None,
        key: str = "",
        file_hosts: Collection[str] = (),
    ) -> Self:
        """Access to the origins of these URLs; `key` is what the headers are made of, where it is not in them as it is.

        Raises UrlRefused for a URL or a host that is none.
        """
        headers = dict(headers or {})
        return cls(
            origins=frozenset(parse(url).origin for url in base_urls),
            file_origins=frozenset(parse(url).origin for url in _urls_of(file_hosts)),
            headers=headers,
            secrets=Secrets(*of_headers(headers.values()), key),
        )

    @classmethod
    def to_hosts(cls, *hosts: str) -> Self:
        """Access without a key to hosts that callers may name, over http and https; without a port, to the usual ones.

        Raises UrlRefused for one that is no host.
        """
        return cls.to(*_urls_of(hosts))

    def covers(self, target: Target) -> bool:
        """Whether the operator named where this leads: then its address is not judged."""
        return target.origin in self.origins or target.origin in self.file_origins

    def gives_key_to(self, target: Target) -> bool:
        """Whether the target is the provider's own, which gets the key."""
        return target.origin in self.origins

    def target(self, url: str, *, param: str | None = None) -> Target:
        """A URL taken apart. One that this provider has named, and that held its key, has it again: on its own origin.

        Raises UrlRefused.
        """
        target = parse(url, param=param)
        if not self.gives_key_to(target):
            return target
        unmasked = self.secrets.unmask(url)
        return target if unmasked == url else parse(unmasked, param=param)


def _urls_of(hosts: Iterable[str]) -> list[str]:
    return [f"{scheme}://{host}/" for host in hosts for scheme in ("http", "https")]


NOBODY = Access()
"""No provider: only public addresses, and no key."""
