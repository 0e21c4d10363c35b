# SPDX-License-Identifier: Apache-2.0
"""The objects that say how a join came out."""

from __future__ import annotations

from longtake.http.describe.terms import Field, Shape, Words, always, maybe

SEAM = Shape(
    name="Seam",
    words=Words(
        "How a join looks and sounds. Steps are mean luma differences in 8-bit levels. What is not always there is "
        "missing in results of earlier builds.",
        "接缝的画面与声音。数值为 8 位亮度的平均差；旧版本的结果仅含前四项。",
    ),
    fields=(
        always("luma_step", "number", "The step at the join.", "接缝处的差值。"),
        always("median_step", "number", "The clip's usual step.", "视频通常的差值。"),
        always("ratio", "number", "One by the other: near 1 is natural.", "两者之比，接近 1 为自然。"),
        always("click_db", "number", "The sound's step at the join, in dB.", "接缝处声音的跳变（dB）。", nullable=True),
        Field(
            name="verdict",
            kind="string",
            choices=("unseen", "slight", "visible", "frozen", "flash"),
            words=Words("How the join looks, in one word.", "对接缝画面的评价。"),
        ),
        maybe(
            "faults",
            "array",
            "What is wrong: jump, brightness, color, sharpness, block, frozen, flash, reversed, pace; of the sound "
            "click, level; drift from the first video of the line. What another one explains is left out.",
            "问题列表：jump、brightness、color、sharpness、block、frozen、flash、reversed、pace；声音为 click、level；"
            "drift 表示偏离最初的视频。由其他问题引起的不再列出。",
            of="string",
        ),
        maybe(
            "after_step",
            "number",
            "The usual step of the first new frames: near median_step the motion goes on.",
            "新部分开头通常的差值；接近 median_step 表示运动延续。",
        ),
        maybe("brightness", "number", "Step of the mean luma, in levels.", "平均亮度的变化（级）。"),
        maybe("u", "number", "Step of the mean U, in levels.", "U 平均值的变化（级）。"),
        maybe("v", "number", "Step of the mean V, in levels.", "V 平均值的变化（级）。"),
        maybe(
            "delta_e",
            "number",
            "Distance of the mean colours in CIELAB without lightness; 2.3 is just noticed.",
            "平均颜色在 CIELAB 中的距离（不含明度）；2.3 为刚可察觉。",
        ),
        maybe(
            "sharpness",
            "number",
            "Of the first new frames over that of the last old ones; 1 = the same.",
            "新部分开头与源结尾的清晰度之比；1 为相同。",
        ),
        maybe(
            "flash",
            "number",
            "How far the first 8 frames are brighter or darker than what is before and after them, in levels.",
            "前 8 帧比前后画面更亮或更暗的程度（级）。",
        ),
        maybe("block", "object", "The part that steps furthest.", "变化最大的区域。", nullable=True, of="SeamBlock"),
        maybe(
            "motion",
            "object",
            "How things move on both sides, by optical flow; null where nothing moves.",
            "接缝两侧的运动（光流）；没有运动时为 null。",
            nullable=True,
            of="SeamMotion",
        ),
        maybe(
            "level_db",
            "number",
            "How much louder 0.4 s after the join are than 0.4 s before it; null without sound.",
            "接缝后 0.4 秒比之前 0.4 秒响多少（dB）；无声时为 null。",
            nullable=True,
        ),
        maybe(
            "drift",
            "object",
            "How far the new part has come from the first video of the line; null where that was not measured.",
            "新部分与最初视频的偏离；未测量时为 null。",
            nullable=True,
            of="SeamDrift",
        ),
    ),
)
SEAM_BLOCK = Shape(
    name="SeamBlock",
    words=Words("A block of a grid laid over the picture.", "画面网格中的一块。"),
    fields=(
        always("row", "integer", "Which row, from 0, the topmost.", "行号，自上而下从 0 开始。"),
        always("column", "integer", "Which column, from 0, the leftmost.", "列号，自左而右从 0 开始。"),
        always("rows", "integer", "How many rows the grid has.", "网格行数。"),
        always("columns", "integer", "How many columns it has.", "网格列数。"),
        always("step", "number", "Its step at the join, in levels.", "该块在接缝处的差值（级）。"),
        always("usual", "number", "What it and those around it step else.", "该块及周围通常的差值（级）。"),
    ),
)
SEAM_MOTION = Shape(
    name="SeamMotion",
    words=Words(
        "Lengths are the picture's mean from frame to frame, in thousandths of its longer side.",
        "长度为相邻帧之间整幅画面的平均位移，单位为长边的千分之一。",
    ),
    fields=(
        always("before", "number", "Before the join.", "接缝之前。"),
        always("at", "number", "From the last old frame to the first new one.", "从最后一个旧帧到第一个新帧。"),
        always("after", "number", "After the join.", "接缝之后。"),
        always("direction", "number", "1: it goes on as it was; -1: it goes back.", "1 为方向不变，-1 为反向。"),
        always(
            "steady",
            "number",
            "The same between the frames before the join; below 0.5 it turns by itself.",
            "接缝之前各帧之间的同一数值；低于 0.5 表示原本就在变向。",
        ),
    ),
)
SEAM_DRIFT = Shape(
    name="SeamDrift",
    words=Words(
        "Beyond all that the first video of the line showed; within its range nothing is off.",
        "超出最初视频范围的程度；在范围内则无偏离。",
    ),
    fields=(
        always("brightness", "number", "Of the mean luma, in levels.", "平均亮度（级）。"),
        always("u", "number", "Of the mean U, in levels.", "U 平均值（级）。"),
        always("v", "number", "Of the mean V, in levels.", "V 平均值（级）。"),
        always("contrast", "number", "As a factor; 1 = within its range.", "对比度倍数；1 为范围内。"),
        always("sharpness", "number", "As a factor; 1 = within its range.", "清晰度倍数；1 为范围内。"),
    ),
)
