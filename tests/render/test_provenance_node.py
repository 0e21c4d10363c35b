# SPDX-License-Identifier: Apache-2.0
"""Content Credentials read by a second independent implementation, in another language: TrustNXT's c2pa-ts on Node.

It judges the signature, each hashed assertion and the binding to the file's bytes. It does not check chains of trust;
tests/render/credentials.py does.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.render.test_jobs import Bench
from tests.render.test_provenance import bench, extended, home, video

from longtake.render.base import Produced
from longtake.types import Role

__all__ = ["bench", "extended", "home"]
pytestmark = [pytest.mark.node, pytest.mark.npm]
SCRIPT = Path(__file__).resolve().parents[1] / "node" / "content_credentials.mjs"
GOOD = {"claimSignature.validated", "assertion.hashedURI.match", "assertion.bmffHash.match"}


def verdicts(*paths: Path) -> list[dict[str, Any]]:
    done = subprocess.run(["node", SCRIPT, *paths], capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_results_of_two_generations_are_valid_to_it(bench: Bench, extended: Produced) -> None:
    bench.put("first", video(bench, extended))
    request = bench.extension("classic", start_us=1_500_000)
    second = bench.do(type(request)(plan=request.plan, source_key="first", source=request.source))
    assert isinstance(second, Produced), second
    of_first, of_second = bench.checked(extended.report), bench.checked(second.report)
    judged = verdicts(of_first[Role.VIDEO], of_first[Role.NEW_PART], of_second[Role.VIDEO])
    assert [(one["valid"], one["statements"]) for one in judged] == [(True, 1), (True, 1), (True, 2)]
    for one in judged:
        assert set(one["codes"]) >= GOOD
        assert not any(code.startswith("!") for code in one["codes"])


@pytest.mark.parametrize(("where", "code"), [("mdat", "assertion.bmffHash.mismatch"), ("longtake-cpu", "")])
def test_it_finds_a_changed_byte(bench: Bench, extended: Produced, tmp_path: Path, where: str, code: str) -> None:
    data = bytearray(video(bench, extended))
    data[data.rindex(where.encode()) + len(where) + 40] ^= 1
    path = tmp_path / "changed.mp4"
    path.write_bytes(data)
    (judged,) = verdicts(path)
    assert judged["valid"] is False
    assert any(one.startswith("!") and code in one for one in judged["codes"])
