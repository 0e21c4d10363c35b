# SPDX-License-Identifier: Apache-2.0
"""What answers say of how a video came to be, and the routes that tell all of it."""

from __future__ import annotations

from longtake.errors import InvalidRequest, TaskNotFinished, TaskNotFound
from longtake.http.describe import parameters
from longtake.http.describe.terms import Answer, Field, Operation, Shape, Words
from longtake.http.describe.terms import always as _always
from longtake.http.describe.terms import one_of as _words

PROVENANCE = Shape(
    name="Provenance",
    words=Words("What a result's file says of its making.", "结果文件自身携带的来源信息。"),
    fields=(
        _always(
            "c2pa",
            "string",
            "Whose certificate its Content Credentials (C2PA) are signed with: installation or operator; null: none.",
            "内容凭证（C2PA）由哪方证书签名：installation（本机）或 operator（运营方）；null 表示没有。",
            nullable=True,
        ),
        _always(
            "aigc",
            "object",
            "Its implicit label after GB 45438-2025, seven texts; null: it has none.",
            "GB 45438-2025 规定的隐式标识（七个字符串字段）；null 表示没有。",
            nullable=True,
        ),
        _words(
            "source_type",
            ("trainedAlgorithmicMedia", "algorithmicMedia"),
            "What its new pictures are, by the IPTC's digital source types.",
            "新画面的数字来源类型（IPTC）。",
        ),
    ),
)
STRETCH = Shape(
    name="Stretch",
    words=Words("A part of a video and who made it.", "视频的一段及其生成者。"),
    fields=(
        _always("from", "number", "Where it begins, in seconds.", "起点（秒）。"),
        _always("to", "number", "Where it ends, in seconds.", "终点（秒）。"),
        _always("task_id", "string", "The task that made it.", "生成该段的任务。"),
        _words("operation", ("create", "extend", "remix", "upload"), "How it was made.", "生成方式。"),
        _always(
            "provider", "string", "Who made it; null: it was uploaded.", "生成渠道；null 表示上传。", nullable=True
        ),
        _always("model", "string", "The model that really worked.", "实际使用的模型。", nullable=True),
        _always("mode", "string", "As in metadata.mode.", "同 metadata.mode。", nullable=True),
        _always("prompt", "string", "What was asked for.", "提示词。", nullable=True),
        _always(
            "segment",
            "integer",
            "Which of the task's pieces it is, from 0; null where it was made at once.",
            "该任务分段生成时的第几段（从 0 起）；一次生成时为 null。",
            nullable=True,
        ),
        _always(
            "cost_usd",
            "string",
            "What making it cost, in dollars, also of what a later cut took away; pieces share their task's by length.",
            "生成该段的费用（美元），包括后来被剪去的部分；分段按时长分摊任务费用。",
        ),
        _always("cost_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
    ),
)
STEP = Shape(
    name="LineageStep",
    words=Words("A task on the way to a video.", "视频来源路径上的一个任务。"),
    fields=(
        _always("task_id", "string", "The task.", "任务 id。"),
        _words("operation", ("create", "extend", "remix", "upload"), "What it did.", "操作类型。"),
        _always("created_at", "integer", "Seconds since 1970.", "创建时间（Unix 秒）。"),
        _always("start_time", "number", "Where its new part begins, in seconds.", "新部分的起点（秒）。"),
        _always("cost_usd", "string", "What it cost, in dollars.", "费用（美元）。"),
        _always("cost_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
        _always("sha256", "string", "Checksum of its video.", "视频文件的 SHA-256。", nullable=True),
        _always("bytes", "integer", "Size of its video.", "视频文件大小（字节）。", nullable=True),
        _always("url", "string", "Its video by a signed URL.", "视频的签名链接。", nullable=True),
        _always("head", "object", "What it kept of its source.", "保留的源视频部分。", nullable=True, of="Head"),
        _always("c2pa", "string", "As in metadata.provenance.", "同 metadata.provenance。", nullable=True),
        _always("aigc", "object", "As in metadata.provenance.", "同 metadata.provenance。", nullable=True),
    ),
)
PROVENANCE_DOCUMENT = Shape(
    name="ProvenanceDocument",
    words=Words("How a video came to be.", "视频的完整来源。"),
    fields=(
        _words("object", ("provenance",), "The kind of object.", "对象类型。"),
        _always("id", "string", "The task's id.", "任务 id。"),
        _always("stretches", "array", "Who made each second.", "每一秒由谁生成。", of="Stretch"),
        _always("path", "array", "From the oldest ancestor to the task.", "从最早的来源到本任务。", of="LineageStep"),
        _always("parent_is_gone", "boolean", "An older ancestor was deleted.", "更早的来源已删除。"),
        _always("cost_usd", "string", "What the path cost, in dollars.", "整条路径的费用（美元）。"),
        _always("cost_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
    ),
)
TIMELINE = Shape(
    name="Timeline",
    words=Words("A timeline as OpenTimelineIO writes it (Timeline.1).", "OpenTimelineIO 时间线（Timeline.1）。"),
    fields=(
        _words("OTIO_SCHEMA", ("Timeline.1",), "The kind of object.", "对象类型。"),
        _always("name", "string", "The task's id.", "任务 id。"),
        _always("metadata", "object", "longtake: the provenance document.", "longtake：来源文档。"),
        _always("global_start_time", "object", "Null: it begins at 0.", "null 表示从 0 开始。", nullable=True),
        _always("tracks", "object", "A stack of a video track and, with sound, an audio track.", "视频轨与音频轨。"),
    ),
)
_MEDIA = Field(
    name="media",
    kind="string",
    choices=("links", "names"),
    words=Words(
        "What clips refer to: signed links, or names of files beside the timeline.",
        "片段引用方式：签名链接，或与时间线同目录的文件名。",
    ),
    default=Words("Links.", "签名链接。"),
)
TIMELINE_OPERATION = Operation(
    id="readTimeline",
    group="tasks",
    title=Words("A video's stretches as a timeline", "导出时间线"),
    words=Words(
        "For editing programs, as OpenTimelineIO: a clip for each stretch, from the video of the task that made it.",
        "供剪辑软件使用的 OpenTimelineIO：每段一个片段，引用生成该段的任务的视频。",
    ),
    path=(parameters.TASK_PATH,),
    query=(_MEDIA,),
    answers=(Answer(words=Words("The timeline.", "时间线。"), shape=TIMELINE.name),),
    errors=(TaskNotFound, TaskNotFinished, InvalidRequest),
)
PROVENANCE_OPERATION = Operation(
    id="readProvenance",
    group="tasks",
    title=Words("Who made each second", "来源文档"),
    words=Words(
        "Who made each second of a finished video, by what, at what cost, and the files on the way to it.",
        "已完成视频的每一秒由谁、以何方式、以多少费用生成，以及途中的文件。",
    ),
    path=(parameters.TASK_PATH,),
    answers=(Answer(words=Words("The document.", "来源文档。"), shape=PROVENANCE_DOCUMENT.name),),
    errors=(TaskNotFound, TaskNotFinished),
)
