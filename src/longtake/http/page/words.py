# SPDX-License-Identifier: Apache-2.0
"""The page's own words, beside those of the field table, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.http.describe.terms import Words

PAGE: Mapping[str, Words] = {
    "title": Words("longtake API", "longtake API 文档"),
    "skip": Words("Skip to the operations", "跳到接口列表"),
    "headline": Words("Continue any finished video from any second.", "从任意一秒，续写任意视频。"),
    "lead": Words(
        "Give it a finished video, the second to start from and a prompt. The part before the cut stays as it is; "
        "what comes after is made new, in one file.",
        "给出一个已完成的视频、起始秒和提示词：剪切点之前原样保留，之后重新生成，合成一个文件。",
    ),
    "extend_sample": Words("Extend the sample", "扩展示例视频"),
    "key": Words("API key", "API 密钥"),
    "key_note": Words(
        "With the key that the server printed at its first start, typed above. "
        "It stays in this tab and goes nowhere but to this server.",
        "先在上方填入密钥（服务器首次启动时显示）。密钥只保存在当前标签页，只发送给本服务器。",
    ),
    "menu": Words("Operations", "接口列表"),
    "other_language": Words("中文", "English"),
    "other_language_label": Words("切换到中文", "Switch to English"),
    "path": Words("In the path", "路径参数"),
    "query": Words("In the query", "查询参数"),
    "headers": Words("Headers", "请求头"),
    "body": Words("Body", "请求体"),
    "further": Words("More fields", "更多字段"),
    "required": Words("required", "必填"),
    "refused": Words("refused", "不支持"),
    "absent": Words("Absent", "缺省"),
    "also_read": Words("Other spellings", "其他写法"),
    "also": Words("Names", "名称"),
    "accepts": Words("Values", "取值"),
    "from_key": Words("from the key above", "取自上方密钥"),
    "content_type": Words(
        "How the body is written. JSON is read under any type.", "请求体的格式。任何类型下的 JSON 都可读取。"
    ),
    "automatic": Words("set by itself", "自动设置"),
    "unset": Words("not sent", "不发送"),
    "own_video": Words("Use a video of your own", "使用自己的视频"),
    "header": Words("header", "响应头"),
    "own_image": Words("Use a picture of your own", "使用自己的图片"),
    "answer": Words("Answer", "返回"),
    "errors": Words("Errors", "错误"),
    "errors_lead": Words(
        "Every refusal has one body: error with message, message_zh, type, code and param, and the request id.",
        "所有错误使用同一结构：error 含 message、message_zh、type、code、param，以及请求 id。",
    ),
    "status": Words("status", "状态码"),
    "code": Words("code", "错误码"),
    "meaning": Words("meaning", "含义"),
    "retryable": Words("may work later", "可稍后重试"),
    "sample": Words("Sample", "示例代码"),
    "copy": Words("Copy", "复制"),
    "send": Words("Send", "发送请求"),
    "reset": Words("Reset", "重置"),
    "more": Words("Also here", "其他"),
    "no_script": Words(
        "The forms and the copy buttons need JavaScript; all else on this page does not.",
        "表单与复制按钮需要 JavaScript，其余内容不需要。",
    ),
    "nullable": Words("or null", "可为 null"),
    "sometimes": Words("not always", "视情况返回"),
}
"""What the template says."""

SCRIPT: Mapping[str, Words] = {
    "copied": Words("Copied", "已复制"),
    "copiedWithKey": Words("Copied with your key", "已复制（含密钥）"),
    "copyFailed": Words("Select and copy by hand", "请手动复制"),
    "needKey": Words("Type your API key first", "请先填写 API 密钥"),
    "keyGood": Words("Key accepted", "密钥有效"),
    "keyBad": Words("Key not accepted", "密钥无效"),
    "sending": Words("Sending …", "发送中……"),
    "uploading": Words("Uploading …", "上传中……"),
    "listening": Words("Listening", "接收中"),
    "noAnswer": Words("No answer: is the server still running?", "无响应：服务器是否在运行？"),
    "badJson": Words("This is not JSON", "不是有效的 JSON"),
    "missing": Words("Fill in", "请填写"),
    "waiting": Words("Waiting", "等待中"),
    "working": Words("Making the new part", "正在生成"),
    "done": Words("Done", "完成"),
    "failed": Words("Failed", "失败"),
    "cancel": Words("Cancel", "取消"),
    "head": Words("source", "源视频"),
    "newPart": Words("new", "新部分"),
    "seam": Words("Watch the seam", "观看接缝"),
    "extendAgain": Words("Extend this one", "继续扩展"),
    "download": Words("Download", "下载"),
    "length": Words("Length", "时长"),
    "size": Words("Size", "尺寸"),
    "maker": Words("Made by", "生成者"),
    "copiedFrames": Words("Head frames kept bit for bit", "逐位保留的源帧"),
    "seamStep": Words("Step at the seam", "接缝亮度差"),
    "usual": Words("usual", "通常"),
    "seconds": Words("s", "秒"),
    "json": Words("Answer as JSON", "JSON 返回"),
    "tooLarge": Words("Too large to show here: copy the sample", "文件过大，无法在此显示：请使用示例代码"),
    "video": Words("The finished video", "完成的视频"),
}
"""What the scripts say."""

SPELLINGS: Mapping[str, Words] = {
    text: Words(text, chinese)
    for text, chinese in (
        ("a bare uuid", "不带前缀的 uuid"),
        ("a signed URL of this server", "本服务器的签名链接"),
        ("an http(s) URL of a video", "视频的 http(s) URL"),
        ("an http(s) URL", "http(s) URL"),
        ("a data URI or base64 of a video", "视频的 data URI 或 base64"),
        ("a data URI or base64", "data URI 或 base64"),
        ("a file part of a form", "表单中的文件"),
        ("a single text", "单个字符串"),
        ("the id of an uploaded picture", "已上传图片的 id"),
        ("an uploaded id", "已上传文件的 id"),
        ("an object", "对象"),
        ("its JSON text", "其 JSON 文本"),
        ("base64 or a data URI in JSON", "JSON 中的 base64 或 data URI"),
        ("the bytes as the whole body", "请求体直接为文件内容"),
    )
}
"""Those spellings of the field table that are descriptions, in both languages; the others are values."""

KINDS: Mapping[str, Words] = {
    "string": Words("string", "字符串"),
    "integer": Words("integer", "整数"),
    "number": Words("number", "数字"),
    "boolean": Words("boolean", "布尔"),
    "array": Words("array", "数组"),
    "object": Words("object", "对象"),
    "file": Words("file", "文件"),
}


def bounds(kind: str, least: float | None, most: float | None) -> Words | None:
    """A field's bounds in words; None if it has none."""
    unit = {"string": Words("characters", "个字符"), "array": Words("items", "项")}.get(kind, Words("", ""))
    low, high = _number(least), _number(most)
    if low and high:
        range_en, range_zh = (low, low) if low == high else (f"{low} to {high}", f"{low} 至 {high}")
    elif high:
        range_en, range_zh = f"at most {high}", f"最多 {high}"
    elif low:
        range_en, range_zh = f"at least {low}", f"至少 {low}"
    else:
        return None
    return Words(f"{range_en} {unit.en}".strip(), f"{range_zh} {unit.zh}".strip())


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1 << 53:
        return "2^63"
    return f"{value:,g}" if value % 1 else f"{int(value):,}"
