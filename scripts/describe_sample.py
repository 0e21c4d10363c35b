# SPDX-License-Identifier: Apache-2.0
"""Write what a probe says of the sample video, and its small pictures, beside it: `python scripts/describe_sample.py`.

They ship with it, so that a new server need not look into it. Run it again when render_sample.py has made another video
or a probe finds out more; tests compare.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from longtake.media.probe import probe
from longtake.media.thumbs import sprite, thumbnail

SAMPLE = Path(__file__).parents[1] / "src" / "longtake" / "catalog" / "sample.mp4"

if __name__ == "__main__":
    facts = msgspec.json.format(msgspec.json.encode(probe(SAMPLE)), indent=2)
    SAMPLE.with_suffix(".json").write_bytes(facts + b"\n")
    thumbnail(SAMPLE, SAMPLE.with_name("sample-thumbnail.jpg"))
    sprite(SAMPLE, SAMPLE.with_name("sample-sprite.jpg"))
