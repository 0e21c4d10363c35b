# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that are killed and started again under the same address."""

from __future__ import annotations

import contextlib
import random
import socket

PORTS = range(20_000, 32_000)
"""Below those that are given to whoever asks for any (ip_local_port_range)."""


def free_port() -> int:
    """A port that is free now, and that the system gives to nobody while its server is dead."""
    for port in random.SystemRandom().sample(PORTS, 50):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {PORTS} is free")
