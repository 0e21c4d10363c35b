# SPDX-License-Identifier: Apache-2.0
"""Make docs/extension.webp, the README's looping picture, from a real extension and its measured numbers.

`longtake demo --json > task.json && python scripts/render_picture.py task.json`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw, ImageFont

TARGET = Path(__file__).resolve().parents[1] / "docs" / "extension.webp"
WIDTH, STRIP = 560, 54
FRAMES_A_SECOND = 12
SECONDS_BEFORE, SECONDS_AFTER = 2.0, 5.0
SOURCE_COLOR, NEW_COLOR, BACK_COLOR, TEXT_COLOR = (86, 132, 190), (222, 146, 56), (18, 20, 24), (228, 230, 234)


def pictures(video: Path, seam_s: float) -> Iterator[tuple[float, Image.Image]]:
    """The video's frames around the seam at the wished rate, with their times."""
    with av.open(str(video)) as container:
        next_s = seam_s - SECONDS_BEFORE
        for frame in container.decode(video=0):
            time_s = float(frame.time or 0)
            if time_s > seam_s + SECONDS_AFTER:
                return
            if time_s + 0.5 / FRAMES_A_SECOND >= next_s:
                next_s += 1 / FRAMES_A_SECOND
                height = round(WIDTH * frame.height / frame.width / 2) * 2
                yield time_s, frame.to_image().resize((WIDTH, height), Image.Resampling.LANCZOS)


def label(picture: Image.Image, time_s: float, seam_s: float, line: str) -> Image.Image:
    """The picture above a strip: where we are, which side of the seam, what was measured."""
    sheet = Image.new("RGB", (picture.width, picture.height + STRIP), BACK_COLOR)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    whole_s = SECONDS_BEFORE + SECONDS_AFTER
    top = picture.height

    def x(moment_s: float) -> int:
        return round((moment_s - seam_s + SECONDS_BEFORE) / whole_s * picture.width)

    draw.rectangle((0, top, x(seam_s), top + 4), fill=SOURCE_COLOR)
    draw.rectangle((x(seam_s), top, picture.width, top + 4), fill=NEW_COLOR)
    draw.rectangle((x(time_s) - 2, top - 4, x(time_s) + 2, top + 8), fill=TEXT_COLOR)
    font = ImageFont.load_default(15)
    is_new = time_s >= seam_s
    words = "new part" if is_new else "source"
    draw.text((10, top + 11), f"{time_s:4.1f} s  {words}", fill=NEW_COLOR if is_new else SOURCE_COLOR, font=font)
    draw.text((10, top + 32), line, fill=TEXT_COLOR, font=ImageFont.load_default(13))
    return sheet


def main(arguments: list[str]) -> int:
    """Render the picture; the exit status."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    task: dict[str, Any] = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    metadata = task["metadata"]
    head, seam = metadata["head"], metadata["seam"]
    line = (
        f"{head['copied']} of {head['frames']} head frames are the source's own; "
        f"seam step {seam['luma_step']:.2f} luma levels, usual {seam['median_step']:.2f}"
    )
    seam_s = float(Fraction(str(metadata["start_time"])))
    sheets = [label(picture, time_s, seam_s, line) for time_s, picture in pictures(Path(task["saved"]), seam_s)]
    TARGET.parent.mkdir(exist_ok=True)
    sheets[0].save(
        TARGET, save_all=True, append_images=sheets[1:], duration=1000 // FRAMES_A_SECOND, loop=0, quality=60, method=6
    )
    print(f"{TARGET}: {len(sheets)} pictures, {TARGET.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
