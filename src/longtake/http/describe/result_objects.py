# SPDX-License-Identifier: Apache-2.0
"""More about a result."""

from __future__ import annotations

from longtake.http.describe.terms import Shape, Words, always, maybe, one_of

METADATA = Shape(
    name="Metadata",
    words=Words(
        "More about the result; until it is completed mode and money only.", "结果的更多信息；完成前只有 mode 与费用。"
    ),
    fields=(
        one_of(
            "mode",
            ("native", "native_trimmed", "bridged", "local", "stand_in"),
            "How the new part is made; stand_in: the built-in engine does another model's work.",
            "新部分的生成方式；stand_in 表示由内置引擎代替所请求的模型。",
        ),
        maybe("url", "string", "The same as video_url.", "与 video_url 相同。", nullable=True),
        maybe(
            "hold_usd", "string", "When submitted: what it may cost at most, in dollars.", "提交时：最高费用（美元）。"
        ),
        maybe("hold_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
        maybe("cost_usd", "string", "What it has cost, in dollars.", "实际费用（美元）。"),
        maybe("cost_microusd", "integer", "The same in millionths of a dollar.", "同上，单位为百万分之一美元。"),
        maybe("head", "object", "The source's part of the result.", "结果中源视频的部分。", of="Head"),
        maybe(
            "seam",
            "object",
            "How the join looks and sounds; of several, the one that shows most.",
            "接缝的画面与声音；有多处时为最明显的一处。",
            nullable=True,
            of="Seam",
        ),
        maybe(
            "segments",
            "array",
            "The parts in which the new part is made, where the model makes less at once.",
            "新部分分段生成时的各段。",
            of="Segment",
        ),
        maybe("joined", "object", "How a provider's clip was joined.", "渠道视频的拼接方式。", of="Joined"),
        maybe(
            "pick",
            "string",
            "The engine's way: live, texture, camera or still of an extension, else what it joined or painted.",
            "引擎采用的方式：扩展时为 live、texture、camera 或 still，其他情况为拼接方式或所绘场景。",
        ),
        maybe(
            "pick_error",
            "number",
            "How well that way foretold the source's own last moments: below 1 is better than a frozen picture; null "
            "where it was not tried.",
            "该方式预测源视频结尾的误差：小于 1 优于静止画面；未试验时为 null。",
            nullable=True,
        ),
        maybe(
            "scaler",
            "string",
            "Where upscale enlarged pictures: the net that did it, or filters.",
            "upscale 放大画面时所用的方式：神经网络的名称，或 filters（滤镜）。",
        ),
        maybe(
            "provenance",
            "object",
            "What the file itself says of its making.",
            "文件自身携带的来源信息。",
            of="Provenance",
        ),
        maybe("duration", "number", "Seconds of the whole.", "总时长（秒）。"),
        maybe("frames", "integer", "Frames of the whole.", "总帧数。"),
        maybe("start_time", "number", "Where the new part begins, in seconds.", "新部分的起点（秒）。"),
        maybe("bytes", "integer", "Size of the file.", "文件大小（字节）。"),
        maybe("sha256", "string", "Checksum of the file.", "文件的 SHA-256。"),
        maybe("new_part_url", "string", "The new part alone.", "仅新部分的链接。"),
        maybe("spritesheet_url", "string", "A sheet of small pictures.", "小图拼版链接。"),
        maybe(
            "seam_picture_url",
            "string",
            "A picture of the join: the three frames before and after it, and under each what changed in it; "
            "several joins one under the other.",
            "接缝图：前后各三帧，下方为逐帧差异；有多个接缝时自上而下排列。",
        ),
    ),
)
HEAD = Shape(
    name="Head",
    words=Words("The source's part of a result.", "结果中源视频的部分。"),
    fields=(
        always("frames", "integer", "How many frames it has.", "帧数。"),
        always("copied", "integer", "How many of them are copied bit for bit.", "逐位复制的帧数。"),
    ),
)
