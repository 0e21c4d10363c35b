# SPDX-License-Identifier: Apache-2.0
"""Extensions of extensions by a maker with a known drift: each says how far it has come from the first video.

Four generations in a real child, each made of the file of the one before and led by what that one's report handed on,
as the planner does. A local engine's colours are not led back, so that all of its drift is there to be seen.
"""

from __future__ import annotations

import msgspec
import pytest
from tests.render.test_jobs import Bench, bench

from longtake.render.base import Produced
from longtake.seam_report import DriftReport, JoinFault
from longtake.types import SECOND_US, Look, Role

__all__ = ["bench"]
GENERATIONS = 4
DARKER, BLUER = -5.0, 2.0
"""What the toy engine does to the luma, and to U, of the last picture."""
_LOSS = 0.7
"""What encoding changes, in levels."""


def chain(bench: Bench, prompt: str) -> list[tuple[DriftReport, bool, Look]]:
    """What each generation says of its drift, and the look that it hands on."""
    request = bench.extension("toy", prompt, start_us=2 * SECOND_US)
    said: list[tuple[DriftReport, bool, Look]] = []
    for _ in range(GENERATIONS):
        done = bench.do(request)
        assert isinstance(done, Produced), done
        report = done.report
        assert report.seam is not None
        assert report.seam.drift is not None
        assert report.look is not None
        said.append((report.seam.drift, JoinFault.DRIFT in report.seam.faults, report.look))
        video = bench.checked(report)[Role.VIDEO]
        facts = next(made.facts for made in report.files if made.role is Role.VIDEO)
        assert facts is not None
        key = f"{prompt}-{len(said)}"
        bench.put(key, video.read_bytes())
        plan = msgspec.structs.replace(
            request.plan, start_us=facts.duration_us, source_asset_id=key, look=report.look
        )  # fmt: skip
        request = msgspec.structs.replace(request, plan=plan, source_key=key, source=facts)
    return said


@pytest.mark.parametrize(("prompt", "step", "off_from"), [("darker", DARKER, 2), ("bluer", BLUER, 3)])
def test_the_drift_of_each_generation_adds_up(bench: Bench, prompt: str, step: float, off_from: int) -> None:
    said = chain(bench, prompt)
    for generation, (drift, is_off, _) in enumerate(said, 1):
        told, other = (drift.brightness, drift.u) if prompt == "darker" else (drift.u, drift.brightness)
        assert told == pytest.approx(generation * step, abs=_LOSS), (generation, drift)
        assert abs(other) < _LOSS
        assert drift.contrast == pytest.approx(1, abs=0.05)
        assert is_off is (generation >= off_from), (generation, drift)
    assert len({look for _, _, look in said}) == 1, "that of the first video goes on through all of them"
