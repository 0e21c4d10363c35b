# SPDX-License-Identifier: Apache-2.0
"""What is seen of a finished video: its thumbnail, its sheet, the picture of its joins, how far it has drifted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from longtake.errors import MediaError, WorkCancelled
from longtake.media.contract import Assembled, CancelCheck
from longtake.media.joins import strip_at
from longtake.media.likeness import Likeness
from longtake.media.open import RESULT_LIMITS
from longtake.media.seam_strip import Strip, write_strips
from longtake.media.source import Source, read_source
from longtake.media.thumbs import nobody, sprite
from longtake.render.outputs import Outputs
from longtake.render.reporter import Reporter, Share, pulse
from longtake.seam_report import Band, SeenAgain
from longtake.types import MadeFile, Role

MADE_SHARE = 0.94
"""The share of a job's progress that making the video has; the rest is its small pictures and checksums."""
SPRITE_S = 900.0
"""A sheet of a long video with few keyframes means decoding all of it; longer than this is a stall."""

_log = logging.getLogger("longtake.render")


def go_on(reporter: Reporter) -> None:
    """Raise WorkCancelled if the job was cancelled."""
    if reporter.cancelled():
        raise WorkCancelled("the work was cancelled")


class SmallPictures:
    """The thumbnail and the sheet of the finished video, the picture of its joins, and what was seen on the way."""

    def __init__(
        self, assembled: Assembled, outputs: Outputs, reporter: Reporter, joints_us: Sequence[int] = ()
    ) -> None:
        video = read_source(outputs.finished(Role.VIDEO), RESULT_LIMITS)
        share = Share(reporter, MADE_SHARE, 1.0)
        share.progress(0.2)
        self.files: list[MadeFile] = []
        self._bands: list[Band | None] = []
        strips: list[Strip | None] = []
        if assembled.strip is not None:
            strips = [*(_strip_again(video, joint_us, share) for joint_us in joints_us), assembled.strip]
            bands = iter(write_strips([one for one in strips if one], outputs.part(Role.SEAM)))
            self._bands = [next(bands) if one else None for one in strips]
            self.files.append(outputs.finish(Role.SEAM))
        go_on(reporter)
        joints = () if assembled.joint_us is None else (*joints_us, assembled.joint_us)
        last = next((one.before for one in strips if one), ())
        self._likeness = Likeness(joints, last, [one.after if one else () for one in strips]) if joints else None
        with pulse(reporter, SPRITE_S):
            sprite(
                video,
                outputs.part(Role.SPRITE),
                see=self._likeness.see if self._likeness else nobody,
                also_thumbnail=outputs.part(Role.THUMBNAIL),
            )
        self.files += [outputs.finish(Role.THUMBNAIL), outputs.finish(Role.SPRITE)]
        share.progress(1.0)

    def judged(self, assembled: Assembled) -> tuple[Assembled, tuple[SeenAgain, ...]]:
        """What was made with how far it is from the first video, and the same of the joins before its own."""
        if self._likeness is None or assembled.seam is None:
            return assembled, ()
        look = self._likeness.look(assembled.look)
        again: list[SeenAgain] = []
        for number, band in enumerate(self._bands[:-1]):
            drift, is_off = self._likeness.drift(number, look)
            again.append(SeenAgain(band=band, drift=drift, is_off=is_off))
        seam = self._likeness.judged(assembled.seam, look)
        if again and self._bands[-1] is not None:
            seam = msgspec.structs.replace(seam, band=self._bands[-1])
        return replace(assembled, seam=seam, look=look), tuple(again)


def _strip_again(video: Source, joint_us: int, share: Share) -> Strip | None:
    """The frames around a join of the finished video; a video that was paid for is delivered without them, too."""
    try:
        return strip_at(video, joint_us, CancelCheck(share))
    except MediaError as error:
        _log.warning("the join at %d us is not shown: %s", joint_us, error.message)
        return None
