# SPDX-License-Identifier: Apache-2.0
"""The objects of answers that say how a video came to be."""

from __future__ import annotations

from longtake.http.describe.terms import Shape, Words
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
