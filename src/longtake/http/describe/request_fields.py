# SPDX-License-Identifier: Apache-2.0
"""The fields of requests that several bodies have, in the order in which people meet them (wire.md 1.1, 1.3, 5.4)."""

from __future__ import annotations

from longtake.http.describe.terms import Field, Words

_AS_SOURCE = Words("as the source", "与源视频相同")

MODEL = Field(
    name="model",
    kind="string",
    also=("model_name",),
    most=128,
    example="grok-video-3",
    words=Words("The model's name; GET /v1/models lists them.", "模型名称，可用 GET /v1/models 查看。"),
)
PROMPT = Field(
    name="prompt",
    kind="string",
    required=True,
    least=1,
    most=32_000,
    example="play with another white cat",
    words=Words("What happens in the new part, in any language.", "新部分里发生什么，任何语言均可。"),
)
TASK_ID = Field(
    name="task_id",
    kind="string",
    required=True,
    also=(
        "taskId",
        "video_id",
        "id",
        "video",
        "video_url",
        "source",
        "source_video",
        "input_video",
        "file",
        "video_file",
    ),
    spellings=(
        "a bare uuid",
        "a signed URL of this server",
        "an http(s) URL of a video",
        "a data URI or base64 of a video",
        "a file part of a form",
        '{"id": …}, {"url": …}',
    ),
    example="grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
    words=Words(
        "The video to extend: the id of a finished task or of an upload. The video itself may be sent instead, or a "
        "public URL of it, which is fetched before the work begins.",
        "要扩展的视频：已完成任务或上传文件的 id，也可以直接发送视频本身，或其公网 URL（开始前下载）。",
    ),
)
START_TIME = Field(
    name="start_time",
    kind="number",
    also=("start", "start_time_ms", "startTime"),
    spellings=("3", '"3"', '"3.5s"', "start_time_ms: 3500"),
    least=0,
    example=3,
    default=Words("the end of the source", "源视频的结尾"),
    words=Words(
        "The second of the source at which the new part begins. Up to half a second past the end is the end.",
        "从源视频的第几秒开始扩展。超出结尾半秒以内按结尾处理。",
    ),
)
DURATION = Field(
    name="duration",
    kind="number",
    also=("seconds", "length", "video_length", "duration_ms"),
    spellings=("6", '"6"', '"6s"', "duration_ms: 6000"),
    least=0.1,
    example=6,
    default=Words("the model's own length, else 6", "模型自身的时长，否则为 6"),
    words=Words("Length of the new part in seconds.", "新部分的时长，单位为秒。"),
)
SIZE = Field(
    name="size",
    kind="string",
    also=("resolution", "resolution_name", "quality"),
    spellings=("720P", "1080P", " 1080 ", "FHD", "HD", "4K", "small", "large", "1280x720", "1280*720", "auto"),
    example="1080p",
    default=_AS_SOURCE,
    words=Words(
        "480p, 540p, 576p, 720p, 1080p, 1440p or 2160p, which is the short side, or width x height in even pixels.",
        "480p、540p、576p、720p、1080p、1440p 或 2160p（短边像素），或“宽x高”（偶数像素）。",
    ),
)
ASPECT_RATIO = Field(
    name="aspect_ratio",
    kind="string",
    also=("aspectRatio", "ratio", "orientation"),
    spellings=("3:2", "3/2", "3x2", "3：2", "portrait", "landscape", "square", "auto"),
    example="3:2",
    default=_AS_SOURCE,
    words=Words(
        "Width to height, between 1:4 and 4:1; chosen by the size of the video that is extended.",
        "宽高比，介于 1:4 与 4:1 之间；请按照要扩展视频的尺寸选择。",
    ),
)
UPSCALE = Field(
    name="upscale",
    kind="boolean",
    also=("enable_upsample",),
    spellings=("true", '"true"', "1", '"yes"'),
    example=False,
    default=Words("false", "false"),
    words=Words(
        "High-definition enhancement: an enhancing scaler wherever pixels grow; without a size, to the next size up.",
        "高清增强：放大时使用增强缩放；未指定 size 时放大到上一档尺寸。",
    ),
)
FIT = Field(
    name="fit",
    kind="string",
    choices=("cover", "contain", "blur"),
    spellings=("crop", "fill", "pad", "letterbox"),
    example="cover",
    default=Words("cover", "cover"),
    words=Words(
        "How a picture meets a frame of another aspect: filled and cropped, with bars, or bars of its blurred self.",
        "画面与目标宽高比不同时：裁剪填满、加黑边，或用模糊画面填边。",
    ),
)
SEED = Field(
    name="seed",
    kind="integer",
    least=-1,
    most=2**63 - 1,
    example=7,
    default=Words("any", "任意"),
    words=Words("Another number, another variant; -1 = any.", "换一个数字得到另一个版本；-1 表示任意。"),
)
WAIT_FOR_SOURCE = Field(
    name="wait_for_source",
    kind="boolean",
    example=False,
    default=Words("false: such a source is refused", "false：源任务未完成时拒绝"),
    words=Words("Queue behind a source that has not finished.", "源任务未完成时排队等待。"),
)
IMAGES = Field(
    name="images",
    kind="array",
    of="string",
    also=("image", "image_url", "image_urls", "input_reference", "file", "video_file"),
    spellings=("a single text", "a file part of a form", '{"url": …}', "the id of an uploaded picture"),
    most=16,
    words=Words(
        "Pictures as data URI, base64, uploaded id or public URL: one is the first frame, two are the first and the "
        "last, more are references, if the model takes them.",
        "图片（data URI、base64、上传 id 或公网 URL）：一张为首帧，两张为首尾帧，更多为参考图（视模型而定）。",
    ),
)
EXTEND_IMAGES = Field(
    name="images",
    kind="array",
    of="string",
    also=("image", "image_url", "image_urls", "input_reference"),
    most=16,
    words=Words(
        "Pictures for the new part to follow. The built-in engine refuses them by name.",
        "新部分的参考图。内置引擎不支持，会明确拒绝。",
    ),
)
FIRST_FRAME = Field(
    name="first_frame_image",
    kind="string",
    also=("first_image_url", "first_frame", "first_frame_url"),
    words=Words("The picture that the video begins with.", "视频的首帧图片。"),
)
LAST_FRAME = Field(
    name="last_frame_image",
    kind="string",
    also=("last_image_url", "last_frame", "last_frame_url", "image_end"),
    words=Words("The picture that the new part, or a created video, ends on.", "新部分或生成视频的尾帧图片。"),
)
REFERENCES = Field(
    name="reference_images",
    kind="array",
    of="string",
    also=("reference_image", "input_references"),
    words=Words("Pictures of what shall appear.", "希望出现的内容的参考图。"),
)
WIDTH = Field(
    name="width",
    kind="integer",
    least=64,
    most=16_384,
    words=Words("Pixels, even; together with height, in place of size.", "宽（偶数像素），与 height 一起代替 size。"),
)
HEIGHT = Field(
    name="height",
    kind="integer",
    least=64,
    most=16_384,
    words=Words("Pixels, even; together with width, in place of size.", "高（偶数像素），与 width 一起代替 size。"),
)
COUNT = Field(
    name="n",
    kind="integer",
    least=1,
    most=1,
    words=Words("One request makes one video: only 1.", "每个请求生成一个视频：只能为 1。"),
)
METADATA = Field(
    name="metadata",
    kind="object",
    also=("video_config",),
    spellings=("an object", "its JSON text"),
    words=Words(
        "Fields in here are read as if they stood beside it; those beside it come first.",
        "其中的字段等同于写在外层；外层优先。",
    ),
)
CALLBACK_URL = Field(
    name="callback_url",
    kind="string",
    also=("callback", "webhook_url", "webhook", "notify_hook", "notify_url"),
    refused=True,
    words=Words(
        "Refused on this server: ask for the task, or read its events.",
        "本服务器不支持回调：请查询任务或读取事件流。",
    ),
)
CHARACTERS = Field(
    name="characters",
    kind="array",
    of="object",
    also=("character_ids", "character_id", "character_url"),
    refused=True,
    words=Words(
        "Refused: no model here keeps characters; describe them in the prompt.",
        "不支持：此服务器的模型不保存角色，请在提示词中描述。",
    ),
)
VIDEO_PART = Field(
    name="file",
    kind="file",
    words=Words("The video itself, in place of task_id.", "视频文件本身，代替 task_id。"),
)
IMAGE_PART = Field(
    name="image",
    kind="file",
    words=Words("A picture's bytes, in place of images.", "图片文件本身，代替 images。"),
)
