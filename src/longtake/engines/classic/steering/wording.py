# SPDX-License-Identifier: Apache-2.0
"""What the answer says about a prompt: what is done, when, and what was not understood; in Chinese if asked in it."""

from __future__ import annotations

import re

from longtake.engines.classic.steering.effects import Effect, Move
from longtake.engines.classic.steering.schedule import Script
from longtake.engines.classic.steering.words import table

NOTHING_KNOWN = (
    "the built-in engine continues the motion it sees; it does not understand the prompt: no new content is invented"
)
_NOTHING_KNOWN_ZH = "内置引擎只延续画面已有的运动，未能理解提示词，不会生成新内容"
_LONGEST_QUOTE = 160
_CHINESE = re.compile(r"[\u3400-\u9fff]")

_REMARKS: dict[Effect, tuple[str, str]] = {
    Effect.ORBIT: (
        "an orbit needs depth that a picture does not have: a pan with a push-in stands for it",
        "环绕需要画面没有的深度，以平移加推近代替",
    ),
    Effect.ZOOM_OUT: (
        "zooming out shows the picture's mirrored, blurred surroundings",
        "拉远时画面之外显示镜像并模糊的边缘",
    ),
    Effect.FADE_IN: (
        "the picture first goes to black after the cut, then fades in",
        "画面在剪接点后先变黑，再淡入",
    ),
}


def told_of_sound(sounds: tuple[tuple[str, str], ...], prompt: str) -> str:
    """That the weather is heard; `sounds` as hearing.weather_heard gives them."""
    said = "a soft sound of {} is laid over the continued sound".format(" and ".join(name for name, _ in sounds))
    if _CHINESE.search(prompt) is None:
        return said
    return f"{said} / 延续的声音里轻轻加入了{'、'.join(name for _, name in sounds)}"


def told(script: Script, prompt: str) -> str:
    """One sentence or a few: the moves with their times, and what of the prompt was left aside."""
    chinese = _CHINESE.search(prompt) is not None
    if not script.moves and not script.refused and not script.unmade:
        return f"{NOTHING_KNOWN} / {_NOTHING_KNOWN_ZH}" if chinese else NOTHING_KNOWN
    said = _english(script)
    return f"{said} / {_chinese(script)}" if chinese else said


def _english(script: Script) -> str:
    parts: list[str] = []
    if script.moves:
        parts.append(
            "the built-in engine understood: " + ", ".join(_move(move, chinese=False) for move in script.moves)
        )
    if script.unmade:
        names = ", ".join(effect.value for effect in script.unmade)
        parts.append(f"understood but not done, for want of pictures before: {names}")
    if script.refused:
        parts.append("left out as asked: " + ", ".join(effect.value for effect in script.refused))
    if script.unknown:
        parts.append(f"not understood: {_quoted(script.unknown)}; no new content is invented")
    parts += [_REMARKS[effect][0] for effect in _effects(script) if effect in _REMARKS]
    return "; ".join(parts)


def _chinese(script: Script) -> str:
    parts: list[str] = []
    if script.moves:
        parts.append("内置引擎理解了：" + "、".join(_move(move, chinese=True) for move in script.moves))
    if script.unmade:
        names = "、".join(table().effects[effect].chinese_name for effect in script.unmade)
        parts.append(f"已理解但无法执行（之前没有足够的画面）：{names}")
    if script.refused:
        parts.append("按要求不做：" + "、".join(table().effects[effect].chinese_name for effect in script.refused))
    if script.unknown:
        parts.append(f"未理解：{_quoted(script.unknown)}，不会生成新内容")
    parts += [_REMARKS[effect][1] for effect in _effects(script) if effect in _REMARKS]
    return "；".join(parts)


def _effects(script: Script) -> list[Effect]:
    return list(dict.fromkeys(move.effect for move in script.moves))


def _move(move: Move, *, chinese: bool) -> str:
    name = table().effects[move.effect].chinese_name if chinese else move.effect.value
    words: list[str] = []
    if move.speed != 1:
        words.append(("慢" if move.speed < 1 else "快") if chinese else ("slow" if move.speed < 1 else "fast"))
    if move.amount != 1:
        words.append(("轻" if move.amount < 1 else "强") if chinese else ("slight" if move.amount < 1 else "strong"))
    degree = "".join(words) if chinese else " ".join(words)
    opened, closed = ("（", "）") if chinese else (" (", ")")
    span = f"{move.start_s:.1f}-{move.end_s:.1f} s"
    return f"{name}{opened}{degree + (' ' if degree else '')}{span}{closed}"


def _quoted(stretches: tuple[str, ...]) -> str:
    text = ", ".join(repr(" ".join(stretch.split())) for stretch in stretches)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
