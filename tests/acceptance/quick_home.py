# SPDX-License-Identifier: Apache-2.0
"""A home for tests of the way that a video takes, not of its picture."""

from __future__ import annotations

from pathlib import Path


def quick_home(folder: Path) -> Path:
    """The folder as a home whose server encodes as fast as x264 can: extending the sample costs a third less."""
    (folder / "longtake.toml").write_text('preset = "ultrafast"\n', encoding="utf-8")
    return folder
