# SPDX-License-Identifier: Apache-2.0
"""Warnings, in a visitor's language. Those of the API are English, and say a prompt's understanding in both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from longtake.http.page.language import Language

_TWICE = re.compile(r"(?s)(?P<english>.*?) / (?P<chinese>[\u3400-\u9fff].*)")
"""Once in English, once in Chinese."""
_CODED = re.compile(r"(?:[a-z]+(?:_[a-z]+)+|upscale|segments|reencoded): (?=\S)")
"""What programs tell warnings apart by, before the words for people."""
_CHINESE: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), said)
    for pattern, said in (
        (
            r"stand_in: no provider of (\S+) is set up here.*",
            r"\1 未配置渠道，由内置引擎代替生成（免费），不代表该模型的效果",
        ),
        (
            r"head_reencoded: the video is (\S+) and (\S+) was asked for.*",
            r"视频为 \1，请求的是 \2，因此整个视频会重新编码；不指定尺寸、宽高比和高清增强即可保留原有画面",
        ),
        (r"segments: .* so the (\S+ s) are made in (\d+) parts.*", r"模型一次生成不了 \1，将分 \2 段依次生成"),
        (r"start_time (\S+ s) is past the end.* begins at (\S+ s)", r"起始时间 \1 超过视频结尾，新片段从 \2 开始"),
        (r"upscale: .*nothing was enlarged", r"画面已足够大，未做放大"),
        (r"the picture does not move before the cut.*", r"剪切点之前画面静止，内置引擎为其加上缓慢的运镜"),
        (r"the sound goes on as a texture.*", r"声音以之前的环境声质感延续，不会延续语句和旋律"),
        (
            r"the built-in engine continues the motion it sees.*",
            r"内置引擎只延续画面已有的运动，未能理解提示词，不会生成新内容",
        ),
        (r"painted by the built-in engine from the prompt's words.*", r"由内置引擎按提示词绘制，并非 AI 生成"),
    )
]


def notes(warnings: Iterable[str], language: Language) -> tuple[str, ...]:
    """The warnings as a page shows them. What has no words of the language stays as it is, without its code."""
    return tuple(note(warning, language) for warning in warnings)


def note(warning: str, language: Language) -> str:
    """One of them."""
    twice = _TWICE.fullmatch(warning)
    if twice:
        return twice["chinese" if language == "zh" else "english"]
    if language == "zh":
        for pattern, said in _CHINESE:
            found = pattern.fullmatch(warning)
            if found:
                return found.expand(said)
    plain = _CODED.sub("", warning, count=1) if _CODED.match(warning) else warning
    return plain if plain == warning else plain[0].upper() + plain[1:]
