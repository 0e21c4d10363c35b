# SPDX-License-Identifier: Apache-2.0
"""The words of the seam report: each verdict and fault has a sentence; reports of earlier builds are shown too."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import jinja2
import msgspec
import pytest

from longtake.seam_report import BlockStep, DriftReport, JoinFault, MotionJoin, PictureJoin, SeamReport, Verdict
from longtake.studio import templates
from longtake.studio.words import words

ALL = SeamReport(
    luma_step=9.0, median_step=2.0, ratio=4.5, click_db=12.0, verdict=Verdict.VISIBLE, faults=tuple(JoinFault),
    picture=PictureJoin(
        after_step=2.0, brightness=-7.25, u=1.0, v=1.0, delta_e=4.4, sharpness=0.5, flash=3.0,
        block=BlockStep(row=1, column=2, rows=7, columns=12, step=30.0, usual=2.0),
    ),
    motion=MotionJoin(before=2.0, at=3.0, after=6.5, direction=0.9, steady=0.9),
    level_db=-11.0, drift=DriftReport(brightness=8.0, u=0.0, v=0.0, contrast=0.9, sharpness=0.6),
)  # fmt: skip
OLD = msgspec.json.decode(b'{"luma_step": 1.5, "median_step": 1.25, "ratio": 1.2, "click_db": 3.0}', type=SeamReport)


def told(seam: SeamReport, language: Literal["en", "zh"]) -> str:
    """What the page says of a report."""
    said = words(language)
    source = (Path(templates.__file__).parent / "templates" / "seam.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    return environment.from_string(source + "{{ join(seam, '', 1, t) }}").render(
        seam=seam, t=lambda name, **holes: said[name].format(**holes) if holes else said[name]
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_verdict_and_fault_is_told(language: Literal["en", "zh"]) -> None:
    page = told(ALL, language)
    assert page.count("<li>") == len(JoinFault)
    for expected in ("-7.2", "4.4", "50", "2", "7", "12", "-11", "+8.0", "90", "60", "325"):
        assert expected in page
    for verdict in Verdict:
        assert words(language)[f"seam.{verdict}"].format(step="9.00", usual="2.00") in told(
            msgspec.structs.replace(ALL, verdict=verdict), language
        ).replace("&#39;", "'")


def test_a_report_of_an_earlier_build_is_told_without_a_verdict() -> None:
    page = told(OLD, "en")
    assert "The join steps 1.50 levels where 1.25 is usual." in page
    assert "click" not in page
    assert "<li>" not in page
