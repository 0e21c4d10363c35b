# SPDX-License-Identifier: Apache-2.0
"""The jobs: probe, extend, create, remix. Runs in the child; the only place where engine meets media."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from longtake.engines.base import Engine
from longtake.errors import LimitExceeded, MediaError
from longtake.media.assemble import create, extend
from longtake.media.contract import Assembled, Continuation, Target
from longtake.media.deliver import deliver
from longtake.media.enlarge import Enlarger
from longtake.media.frames import AudioBlock, VideoFrame
from longtake.media.join import Returned, join
from longtake.media.net import Net, load_net
from longtake.media.open import MediaLimits
from longtake.media.part import take_from
from longtake.media.probe import probe, read_image
from longtake.media.remake import remake
from longtake.media.stage import StageLimits, stage_head, stage_picture
from longtake.media.thumbs import sprite, thumbnail
from longtake.render.base import (
    CreateRequest,
    ExtendRequest,
    Probed,
    ProbeRequest,
    Produced,
    RemixRequest,
    RenderJob,
    RenderLimits,
    StageRequest,
)
from longtake.render.bridge import (
    CREATED_CHANNELS,
    CREATED_COLOR,
    CREATED_RATE_HZ,
    EngineStream,
    Images,
    create_request,
    extend_request,
    remix_request,
)
from longtake.render.lookup import find_engine, load_object
from longtake.render.messages import Setup
from longtake.render.outputs import Outputs
from longtake.render.pictures import MADE_SHARE, SPRITE_S, SmallPictures, go_on
from longtake.render.provenance import Marks, Origin, Provenance
from longtake.render.reporter import Reporter, Share, pulse
from longtake.seam_report import SeenAgain
from longtake.types import SECOND_US, ColorTags, Fit, MadeFile, Plan, RenderReport, Role, StagedHead

PROBED_SHARE = 0.6
MOST_DECODED_FOR_A_SHEET = 1500 * 1920 * 1080
"""Pixels of an upload that are decoded for its sheet while its sender waits: some five seconds of work."""
SIGNING_S = 900.0
"""A signature is over every byte of a file; longer than this is a stall."""


class LocalFiles(Protocol):
    """What a child needs of a storage adapter."""

    def path(self, key: str) -> Path:
        """The local file of a blob."""
        ...

    def work_path(self, prefix: str) -> Path:
        """The local folder for an attempt's output; made if missing."""
        ...


class RenderWork:
    """Does jobs with the storage, engines and encoder settings of a Setup. Engines stay loaded between jobs."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._storage = cast("LocalFiles", cast("type", load_object(setup.storage))(Path(setup.root)))
        self._engines: dict[str, Engine] = {}
        self._net: Net | None = None
        self._provenance = Provenance(setup.provenance)

    def run(self, job: RenderJob, reporter: Reporter) -> Probed | Produced:
        """Do one job; files of a job that fails are removed. Raises MediaError, LimitExceeded, EngineError, OSError."""
        outputs = Outputs(job, self._storage.work_path(job.output))
        try:
            match job.request:
                case ProbeRequest():
                    return self._probe(job.request, outputs, job.limits, reporter)
                case ExtendRequest():
                    return self._extend(job.request, outputs, job.limits, reporter)
                case CreateRequest():
                    return self._create(job.request, outputs, job.limits, reporter)
                case RemixRequest():
                    return self._remix(job.request, outputs, job.limits, reporter)
                case StageRequest():
                    return self._stage(job.request, outputs, job.limits, reporter)
        except BaseException:
            outputs.discard()
            raise

    def _probe(self, request: ProbeRequest, outputs: Outputs, limits: RenderLimits, reporter: Reporter) -> Probed:
        path = self._storage.path(request.key)
        facts = probe(path, media_limits(limits))
        reporter.progress(PROBED_SHARE)
        if facts.is_image:
            return Probed(facts=facts, report=RenderReport(files=()))
        go_on(reporter)
        thumbnail(path, outputs.part(Role.THUMBNAIL))
        files = [outputs.finish(Role.THUMBNAIL)]
        if request.sheet:
            # What is damaged further on can still be extended from before it.
            with contextlib.suppress(MediaError), pulse(reporter, SPRITE_S):
                sprite(
                    path, outputs.part(Role.SPRITE), limits=media_limits(limits), most_decoded=MOST_DECODED_FOR_A_SHEET
                )
                files.append(outputs.finish(Role.SPRITE))
        return Probed(facts=facts, report=RenderReport(files=tuple(files)))

    def _extend(self, request: ExtendRequest, outputs: Outputs, limits: RenderLimits, reporter: Reporter) -> Produced:
        plan = request.plan
        check_length(plan, limits)
        source = self._storage.path(request.source_key)
        clip = self._storage.path(request.clip.key) if request.clip is not None else None
        origin = Origin(source=source, source_us=request.source.duration_us, clip=clip)
        marks = self._provenance.marks(outputs.task, plan, origin)
        target = self._target(plan, reporter, marks)
        if request.clip is not None and clip is not None:
            returned = Returned(
                path=clip,
                asked_us=request.clip.asked_us,
                sent_us=request.clip.sent_us,
            )
            joined = join(
                source,
                returned,
                outputs.part(Role.VIDEO),
                outputs.part(Role.NEW_PART),
                start_us=plan.start_us,
                new_us=plan.new_us,
                target=target,
                watch=Share(reporter, 0.0, MADE_SHARE),
                limits=media_limits(limits),
                look=plan.look,
            )
            made_us = joined.new_part_facts.duration_us if joined.new_part_facts else 0
            if request.part_from is not None and not request.interim:
                part = None
                if request.part_from:
                    go_on(reporter)
                    part = take_from(
                        outputs.part(Role.VIDEO), outputs.part(Role.NEW_PART), first=request.part_from, tags=marks.tags
                    )
                joined = replace(joined, new_part_facts=part)
            return _report(
                joined,
                None,
                outputs,
                reporter,
                target=target,
                marks=replace(marks, made_us=made_us),
                interim=request.interim,
                joints_us=request.joints_us,
            )
        stream = EngineStream(self._engine(plan), reporter)

        def make(continuation: Continuation) -> Iterator[VideoFrame | AudioBlock]:
            size = (continuation.width, continuation.height)
            images = self._images(request.images, size, plan.fit, continuation.color, limits)
            yield from stream.generate(extend_request(plan, images, continuation))

        assembled = extend(
            source,
            outputs.part(Role.VIDEO),
            outputs.part(Role.NEW_PART),
            start_us=plan.start_us,
            new_us=plan.new_us,
            target=target,
            make=make,
            watch=Share(reporter, 0.0, MADE_SHARE),
            limits=media_limits(limits),
        )
        # What later extensions are led back to goes on through those that are made here.
        kept = replace(assembled, look=plan.look if plan.geometry_kept else None)
        return _report(kept, stream, outputs, reporter, target=target, marks=marks)

    def _create(self, request: CreateRequest, outputs: Outputs, limits: RenderLimits, reporter: Reporter) -> Produced:
        plan = request.plan
        check_length(plan, limits)
        clip = self._storage.path(request.clip.key) if request.clip is not None else None
        marks = self._provenance.marks(outputs.task, plan, Origin(clip=clip))
        target = self._target(plan, reporter, marks)
        if clip is not None:
            delivered = deliver(
                clip,
                outputs.part(Role.VIDEO),
                new_us=plan.new_us,
                target=target,
                maker_decides=plan.maker_decides,
                watch=Share(reporter, 0.0, MADE_SHARE),
                limits=media_limits(limits),
            )
            return _report(delivered, None, outputs, reporter, target=target, marks=marks, interim=request.interim)
        stream = EngineStream(self._engine(plan), reporter)
        fps = plan.fps.fraction
        frames = max(1, round(plan.new_us * fps / SECOND_US))
        images = self._images(request.images, (plan.width, plan.height), plan.fit, CREATED_COLOR, limits)
        assembled = create(
            outputs.part(Role.VIDEO),
            frames=frames,
            fps=fps,
            width=plan.width,
            height=plan.height,
            audio=(CREATED_RATE_HZ, CREATED_CHANNELS),
            make=lambda: stream.generate(create_request(plan, images, frames, fps)),
            preset=self._setup.preset,
            crf=self._setup.crf,
            color=CREATED_COLOR,
            tags=marks.tags,
            watch=Share(reporter, 0.0, MADE_SHARE),
        )
        return _report(assembled, stream, outputs, reporter, target=target, marks=marks)

    def _remix(self, request: RemixRequest, outputs: Outputs, limits: RenderLimits, reporter: Reporter) -> Produced:
        plan = request.plan
        check_length(plan, limits)
        source = self._storage.path(request.source_key)
        marks = self._provenance.marks(outputs.task, plan, Origin(source=source))
        target = self._target(plan, reporter, marks)
        stream = EngineStream(self._engine(plan), reporter)
        assembled = remake(
            source,
            outputs.part(Role.VIDEO),
            length_us=plan.new_us,
            target=target,
            make=lambda footage: stream.generate(remix_request(plan, footage)),
            watch=Share(reporter, 0.0, MADE_SHARE),
            limits=media_limits(limits),
        )
        return _report(assembled, stream, outputs, reporter, target=target, marks=marks)

    def _stage(self, request: StageRequest, outputs: Outputs, limits: RenderLimits, reporter: Reporter) -> Produced:
        source, files, staged = self._storage.path(request.source_key), list[MadeFile](), StagedHead(sent_us=0)
        wish = StageLimits(
            length_us=request.length_us,
            max_bytes=request.max_bytes,
            short_side=request.short_side,
            max_fps=request.max_fps,
        )
        warnings: tuple[str, ...] = ()
        if request.video:
            made = stage_head(
                source,
                outputs.part(Role.VIDEO),
                start_us=request.start_us,
                limits=wish,
                watch=Share(reporter, 0.0, MADE_SHARE),
                preset=self._setup.preset,
                media_limits=media_limits(limits),
            )
            staged, warnings = StagedHead(sent_us=made.sent_us, copied=made.copied), made.warnings
            files.append(outputs.finish(Role.VIDEO, made.facts))
        if request.picture:
            go_on(reporter)
            stage_picture(
                source,
                outputs.part(Role.LAST_FRAME),
                start_us=request.start_us,
                kind=request.picture,
                limits=wish,
                media_limits=media_limits(limits),
            )
            files.append(outputs.finish(Role.LAST_FRAME, mime=f"image/{request.picture}"))
        return Produced(report=RenderReport(files=tuple(files), staged=staged, warnings=warnings))

    def _target(self, plan: Plan, reporter: Reporter, marks: Marks) -> Target:
        def beat() -> None:
            go_on(reporter)
            reporter.alive()

        return Target(
            width=plan.width,
            height=plan.height,
            fit=plan.fit,
            enhance=plan.enhance,
            enlarger=Enlarger(self._load_net, beat) if plan.enhance and self._setup.upscale_model else None,
            geometry_kept=plan.geometry_kept,
            preset=self._setup.preset,
            crf=self._setup.crf,
            tags=marks.tags,
        )

    def _load_net(self) -> Net:
        if self._net is None or self._net.closed:
            self._net = load_net(self._setup.upscale_model)
        return self._net

    def _engine(self, plan: Plan) -> Engine:
        name = plan.maker.engine
        if name not in self._engines:
            self._engines[name] = find_engine(name, self._setup.engines)
        return self._engines[name]

    def _images(
        self,
        images: tuple[tuple[Role, str], ...],
        size: tuple[int, int],
        fit: Fit,
        color: ColorTags,
        limits: RenderLimits,
    ) -> Images:
        return [
            (role, read_image(self._storage.path(key), *size, fit, color=color, limits=media_limits(limits)))
            for role, key in images
        ]


def media_limits(limits: RenderLimits) -> MediaLimits:
    """A job's limits as media wants them."""
    return MediaLimits(
        max_bytes=limits.source_bytes,
        max_pixels=limits.pixels,
        max_seconds=limits.source_s,
        max_frames=limits.source_frames,
    )


def check_length(plan: Plan, limits: RenderLimits) -> None:
    """Raise LimitExceeded if the result would be longer than it may be."""
    result_s = (plan.start_us + plan.new_us) / SECOND_US
    if result_s > limits.result_s:
        raise LimitExceeded(f"the result would be {result_s:g} s long; at most {limits.result_s} s may be made here")


def _report(
    assembled: Assembled,
    stream: EngineStream | None,
    outputs: Outputs,
    reporter: Reporter,
    *,
    target: Target,
    marks: Marks,
    interim: bool = False,
    joints_us: Sequence[int] = (),
) -> Produced:
    """Sign and finish the video, make its small pictures unless it is `interim`, and say what was done.

    `joints_us` are joins before its own, which are looked at again.
    """
    go_on(reporter)
    with pulse(reporter, SIGNING_S):
        provenance, unsigned = marks.sign(outputs, assembled, interim=interim)
    files: list[MadeFile] = [outputs.finish(Role.VIDEO, assembled.facts)]
    again: tuple[SeenAgain, ...] = ()
    if not interim:
        if assembled.new_part_facts is not None:
            files.append(outputs.finish(Role.NEW_PART, assembled.new_part_facts))
        small = SmallPictures(assembled, outputs, reporter, joints_us)
        files += small.files
        assembled, again = small.judged(assembled)
    by_net, net_warnings = (target.enlarger.made_by, target.enlarger.warnings) if target.enlarger else ("", ())
    warnings = (*assembled.warnings, *net_warnings, *(stream.warnings if stream is not None else ()), *unsigned)
    return Produced(
        report=RenderReport(
            files=tuple(files),
            head=assembled.head,
            seam=assembled.seam,
            pick=stream.pick if stream is not None else "",
            pick_error=stream.pick_error if stream is not None else None,
            scaler=(by_net or "filters") if target.enhance else "",
            warnings=tuple(dict.fromkeys(warnings)),
            joined=assembled.joined,
            seen_again=again,
            look=assembled.look,
            provenance=provenance if provenance.c2pa or provenance.aigc else None,
        )
    )
