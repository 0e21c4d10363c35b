# SPDX-License-Identifier: Apache-2.0
"""The bodies that submit, as lists of their fields."""

from __future__ import annotations

from dataclasses import replace

from longtake.http.describe.request_fields import (
    ASPECT_RATIO,
    CALLBACK_URL,
    CHARACTERS,
    COUNT,
    DURATION,
    EXTEND_IMAGES,
    FIRST_FRAME,
    FIT,
    HEIGHT,
    IMAGES,
    LAST_FRAME,
    METADATA,
    MODEL,
    PROMPT,
    REFERENCES,
    SEED,
    SIZE,
    START_TIME,
    TASK_ID,
    UPSCALE,
    WAIT_FOR_SOURCE,
    WIDTH,
)
from longtake.http.describe.terms import Field, Words

CREATE = (
    Field(
        name="model",
        kind="string",
        required=True,
        also=MODEL.also,
        most=128,
        example="longtake-cpu",
        words=MODEL.words,
    ),
    PROMPT,
    IMAGES,
    ASPECT_RATIO,
    SIZE,
    DURATION,
    UPSCALE,
    FIRST_FRAME,
    LAST_FRAME,
    REFERENCES,
    FIT,
    SEED,
    WAIT_FOR_SOURCE,
    WIDTH,
    HEIGHT,
    COUNT,
    METADATA,
    CALLBACK_URL,
    CHARACTERS,
    Field(
        name="task_id",
        kind="string",
        also=("taskId", "video_id", "video", "video_url", "source_video", "input_video"),
        refused=True,
        words=Words(
            "Refused: create makes a video from nothing; POST /v1/video/extend continues one.",
            "不支持：create 不使用源视频；续写请用 POST /v1/video/extend。",
        ),
    ),
)
EXTEND = (
    Field(
        name="model",
        kind="string",
        also=MODEL.also,
        most=128,
        example="grok-video-3",
        default=Words("the source task's model", "源任务的模型"),
        words=MODEL.words,
    ),
    PROMPT,
    TASK_ID,
    ASPECT_RATIO,
    SIZE,
    START_TIME,
    UPSCALE,
    DURATION,
    LAST_FRAME,
    EXTEND_IMAGES,
    FIRST_FRAME,
    REFERENCES,
    FIT,
    SEED,
    WAIT_FOR_SOURCE,
    WIDTH,
    HEIGHT,
    COUNT,
    METADATA,
    CALLBACK_URL,
    CHARACTERS,
)
_VIDEO_MODEL = Field(
    name="model",
    kind="string",
    also=MODEL.also,
    most=128,
    example="sora-2",
    default=Words(
        "the source's model, else sora-2, or longtake-cpu where there is no sora-2",
        "源视频的模型；否则为 sora-2，若不可用则为 longtake-cpu",
    ),
    words=MODEL.words,
)
_VIDEO_START = Field(
    name="start_time",
    kind="number",
    also=START_TIME.also,
    spellings=START_TIME.spellings,
    least=0,
    default=START_TIME.default,
    words=START_TIME.words,
)
VIDEO_EXTEND = (_VIDEO_MODEL, *(field for field in EXTEND if field.name != "model"))
"""As OpenAI's extensions: without a model, and `video` for the source."""
VIDEO_EXTEND_BY_ID = tuple(field for field in VIDEO_EXTEND if field is not TASK_ID)
VIDEO_CREATE = (
    _VIDEO_MODEL,
    *(field for field in CREATE if field.name not in {"model", "duration", "size", "images", "task_id"}),
    Field(
        name="size",
        kind="string",
        also=SIZE.also,
        spellings=SIZE.spellings,
        example="1280x720",
        default=Words("720x1280; with a picture, its shape", "720x1280；有图片时按图片比例"),
        words=SIZE.words,
    ),
    Field(
        name="seconds",
        kind="string",
        also=("duration", "length", "video_length", "duration_ms"),
        spellings=("4", '"4s"'),
        example="4",
        default=Words(
            "the model's own length; 4 for sora-2 and longtake-cpu", "模型自身时长；sora-2 与 longtake-cpu 为 4"
        ),
        words=DURATION.words,
    ),
    Field(
        name="input_reference",
        kind="file",
        also=("images", "image", "image_url", "image_urls"),
        spellings=(
            "a file part of a form",
            "input_reference[image_url]",
            "a data URI or base64",
            "an http(s) URL",
            "an uploaded id",
        ),
        words=Words(
            "A picture that the video begins with; two are the first frame and the last.", "首帧图片；两张为首尾帧。"
        ),
    ),
    Field(
        name="task_id",
        kind="string",
        also=TASK_ID.also,
        spellings=TASK_ID.spellings,
        words=Words(
            "With one, or with `video`, this is an extension of it: so it passes through relays that know no extend.",
            "带此字段（或 video）即为扩展该视频，便于经由不支持扩展接口的中转。",
        ),
    ),
    _VIDEO_START,
)
_REMIX_DURATION = Field(
    name="duration",
    kind="number",
    also=DURATION.also,
    spellings=DURATION.spellings,
    least=0.1,
    default=Words("the whole source", "整个源视频"),
    words=Words("Only the source's first seconds.", "只取源视频的前若干秒。"),
)
_REMIX_IMAGES = tuple(
    Field(name=field.name, kind=field.kind, also=field.also, of=field.of, words=words, refused=True)
    for field in (EXTEND_IMAGES, FIRST_FRAME, LAST_FRAME, REFERENCES)
    for words in (Words("Refused: a remix is made of the source alone.", "不支持：remix 只使用源视频。"),)
)
REMIX = (
    *(field for field in EXTEND[:5]),
    _REMIX_DURATION,
    UPSCALE,
    FIT,
    SEED,
    WAIT_FOR_SOURCE,
    WIDTH,
    HEIGHT,
    COUNT,
    METADATA,
    CALLBACK_URL,
    CHARACTERS,
    *_REMIX_IMAGES,
)
"""As extend without start_time. The page calls size and aspect_ratio required; here they are as the source."""
VIDEO_REMIX = (_VIDEO_MODEL, *REMIX[1:])
VIDEO_REMIX_BY_ID = tuple(field for field in VIDEO_REMIX if field is not TASK_ID)
QUOTE = (
    Field(
        name="operation",
        kind="string",
        choices=("create", "extend", "remix"),
        example="extend",
        default=Words("extend where a source is named, else create", "有源视频时为 extend，否则为 create"),
        words=Words("What would be asked for.", "要询价的操作。"),
    ),
    *(replace(field, required=False) if field.name == "task_id" else field for field in EXTEND),
)
"""The bodies of create, extend and remix."""
