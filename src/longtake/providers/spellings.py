# SPDX-License-Identifier: Apache-2.0
"""The words and places that video APIs use for the same few things: status, id, progress, the result's URL.

Collected from the relays' pages and their clients (QuickRouter, octopusx, new-api, Comfly, LiteLLM, vLLM-Omni, SGLang).
"""

from __future__ import annotations

import base64
import contextlib
import re
from typing import Literal
from urllib.parse import urljoin, urlsplit

from longtake.egress.messages import Response
from longtake.providers.base import MadeVideo
from longtake.providers.body import Body
from longtake.providers.faults import has_error, retry_after_s

_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)

_BARE_ID = re.compile(r"(?=.*\d)[\w:.-]{8,128}")
"""A text that is nothing but an id: it has a digit, which words such as `submitted` have not."""

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

_WORDS: dict[Status, str] = {
    "queued": "queued pending submitted not_start not_started created waiting in_queue queueing enqueued scheduled"
    " throttled preparing initializing accepted",
    "running": "processing in_progress running generating video_generating started starting working dreaming uploading"
    " upscaling rendering",
    "succeeded": "completed complete success succeeded succeed done finished ready",
    "failed": "failed failure fail error errored video_generation_failed video_upsampling_failed rejected aborted"
    " timed_out timeout expired blocked moderated",
    "cancelled": "cancelled canceled deleted",
}
_STATUS_OF: dict[str, Status] = {word: status for status, words in _WORDS.items() for word in words.split()}

STATUS_PLACES = (
    "status", "task_status", "state", "data.status", "data.task_status", "detail.status", "result.status",
    "output.task_status",
)  # fmt: skip
ID_PLACES = (
    "id", "task_id", "taskId", "data.id", "data.task_id", "data.taskId", "result.id", "result.task_id",
    "output.task_id", "video_id", "data.video_id", "Resp.video_id", "generation_id", "detail.id",
)  # fmt: skip
URL_PLACES = (
    "output.url", "output.video_url", "video_url", "url", "detail.video_url", "detail.url", "detail.downloadable_url",
    "metadata.url", "result_url", "download_url", "video.url", "output", "output.0", "output.0.url", "outputs.0",
    "outputs.0.url", "result.video_url", "result.url", "data.0.url", "data.video_url", "data.result_url", "data.url",
    "data.output", "data.output.url", "data.metadata.url", "response.url", "task_result.videos.0.url",
    "data.task_result.videos.0.url", "fail_reason", "data.fail_reason",
)  # fmt: skip
"""The last two: older new-api rows keep a finished video's URL in the reason of its failure."""
_WEB = re.compile(r"https?://[^/]", re.IGNORECASE)
_VIDEO_NAMES = frozenset({"video", "videos", "video_url", "video_urls", "videourl", "url", "output", "outputs"})
_VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
_OTHER_THINGS = re.compile(
    r"image|picture|photo|thumb|cover|poster|preview|frame|sprite|gif|watermark|audio|input|(?<!re)source|origin|"
    r"reference|request|param|prompt|callback|webhook|status|cancel|logo|avatar",
    re.IGNORECASE,
)
"""In the name of a place: what is there is not the result."""
_DATA_URI = re.compile(r"data:(video/[a-z0-9.+-]+|application/octet-stream)(;[a-z0-9=.+-]+)*;base64,", re.IGNORECASE)
_BASE64_PLACES = ("b64_json", "data.0.b64_json", "video.b64_json", "data.b64_json")
_PROGRESS_PLACES = ("progress", "data.progress", "detail.progress", "progress_percent")
_EXPIRY_PLACES = ("expires_at", "detail.expires_at", "data.expires_at")
_NOT_YET_MS = 100_000_000_000
"""Moments below are in seconds, above in milliseconds: in 1973 there was neither."""


def read_status(word: str) -> Status | None:
    """The status that a word means, in any case and with any separators; None for a word that nobody knows."""
    # Most are written as they stand in the table.
    return _STATUS_OF.get(word) or _STATUS_OF.get(re.sub(r"[\s-]+", "_", word.strip().lower()))


def status_word(body: Body) -> str:
    """The word for the status, where the answer has one."""
    return body.text(*STATUS_PLACES)


def job_id(body: Body) -> str:
    """The id of the job, where the answer has one.

    The id of a request is a job's only beside no error: Kling and DashScope give one to a refusal in a 200, too. So is
    a bare text, as the older routes of relays answer: `{"code": "success", "data": "the id"}`.
    """
    found = body.text(*ID_PLACES)
    if found or has_error(body):
        return found
    bare = (text for text in (body.text("data"), body.text("result")) if _BARE_ID.fullmatch(text))
    return body.text("request_id") or next(bare, "")


def video_url(body: Body, base_url: str) -> str:
    """The result's URL; a path alone is one at the provider's."""
    for place in URL_PLACES:
        text = body.text(place)
        if _WEB.match(text):
            return text
        if re.match(r"//?[^/\s\[]", text) and place.endswith(("url", "output")):
            return urljoin(f"{base_url}/", text)
    return ""


def _url_elsewhere(body: Body) -> str:
    """The URL of the result of a job that is done, in a place that nobody told us of; never that of an input.

    Taken is the nearest one to the top that is called a video or a URL, or leads to a video's file by its name.
    """
    for names, text in body.texts():
        is_called_so = names[-1].lower() in _VIDEO_NAMES or _path(text).lower().endswith(_VIDEO_SUFFIXES)
        if is_called_so and _WEB.match(text) and not any(_OTHER_THINGS.search(name) for name in names):
            return text
    return ""


def _inline(body: Body) -> bytes:
    """The file itself, where the answer holds it in base64."""
    for place in (*_BASE64_PLACES, *URL_PLACES):
        text = body.text(place)
        is_plain = place in _BASE64_PLACES and bool(text)
        if not is_plain and not _DATA_URI.match(text):
            continue
        with contextlib.suppress(ValueError):
            return base64.b64decode(text if is_plain else text.partition(",")[2], validate=True)
    return b""


def made_video(body: Body, base_url: str, content_url: str) -> MadeVideo:
    """The result: at the URL that the answer names, or in the answer itself, else at the route for its bytes.

    That route wants the key.
    """
    url = video_url(body, base_url)
    if not url:
        inline = _inline(body)
        if inline:
            return MadeVideo(inline=inline)
        url = _url_elsewhere(body)
    is_content = not url or (_same_origin(url, base_url) and _path(url).endswith("/content"))
    return MadeVideo(url=url or content_url, with_key=is_content, expires_ms=_expires_ms(body))


def progress(body: Body) -> float | None:
    """The progress as a fraction: whole numbers and percentages are of 100, a broken number up to 1 is of 1."""
    value = body.number(*_PROGRESS_PLACES)
    if value is None:
        return None
    is_fraction = 0 < value < 1
    return min(1.0, max(0.0, value if is_fraction else value / 100))


def poll_after_s(answer: Response) -> float | None:
    """When the provider wants to be asked again, if it says so."""
    text = answer.headers.get("openai-poll-after-ms", "").strip()
    return float(text) / 1000 if text and re.fullmatch(r"\d{1,12}(\.\d+)?", text) else retry_after_s(answer)


def _expires_ms(body: Body) -> int | None:
    value = body.number(*_EXPIRY_PLACES)
    if not value or value < 0:
        return None
    return round(value if value > _NOT_YET_MS else value * 1000)


def _same_origin(url: str, other: str) -> bool:
    return _origin(url) == _origin(other) != ("", "")


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as brackets that do not close: egress refuses it in words
        return "", ""
    return parts.scheme.lower(), parts.netloc.lower()


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def public_spellings(public_id: str) -> tuple[str, ...]:
    """How servers may call the video of an id: as given, without the family in front, with one where it was left out.

    Relays of the unified format show `grok:` and a uuid, and some of them leave `grok:` out.
    """
    tail = public_id.rpartition(":")[2]
    found = [public_id, tail]
    if public_id == tail and _UUID.fullmatch(tail):
        found.append(f"grok:{tail}")
    return tuple(dict.fromkeys(found))
