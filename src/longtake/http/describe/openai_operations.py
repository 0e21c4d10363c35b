# SPDX-License-Identifier: Apache-2.0
"""The rows of the /v1/videos routes."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import (
    InvalidStartTime,
    OperationNotSupported,
    SourceNotReady,
    SourceUnusable,
    StoreFull,
    TaskNotFinished,
    TaskNotFound,
    TaskRunning,
)
from longtake.http.describe import headers, parameters, requests, task_objects
from longtake.http.describe.sharing import FILE_ANSWERS, FILE_ERRORS, FORMS, SUBMISSION_ERRORS
from longtake.http.describe.terms import Answer, Example, Operation, Words

_SAMPLE_ID = "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb"
_VIDEO = (Answer(words=Words("The video.", "视频。"), shape=task_objects.VIDEO.name, headers=headers.OF_SUBMISSIONS),)
_SOURCE = (InvalidStartTime, SourceNotReady, SourceUnusable)


_EXTENSION = Example(
    name="extension",
    words=Words("Four more seconds behind the end", "在结尾后再加四秒"),
    body={"prompt": "the camera pulls back", "video": {"id": _SAMPLE_ID}, "seconds": "4"},
)
OPENAI_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/videos"): Operation(
        id="createOpenAIVideo",
        group="openai",
        title=Words("Create a video (OpenAI)", "创建视频（OpenAI）"),
        words=Words(
            "OpenAI's create, as JSON or a form. With task_id or video it is an extension; a video inside "
            "metadata is yours to note and changes nothing.",
            "OpenAI 的创建接口，JSON 或表单均可；带 task_id 或 video 时为扩展；"
            "metadata 中的 video 仅作备注，不起作用。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.VIDEO_CREATE,
        forms=FORMS,
        examples=(
            Example(
                name="create",
                words=Words("Four upright seconds of rain", "四秒竖屏雨景"),
                body={"model": "longtake-cpu", "prompt": "rain over the city at night", "seconds": "4"},
            ),
        ),
        answers=_VIDEO,
        errors=(*SUBMISSION_ERRORS, *_SOURCE),
    ),
    ("GET", "/v1/videos"): Operation(
        id="listOpenAIVideos",
        group="openai",
        title=Words("List videos (OpenAI)", "视频列表（OpenAI）"),
        words=Words("A page of your videos, newest first.", "视频分页列表，最新的在前。"),
        query=parameters.LIST_QUERY,
        headers=(parameters.DIALECT,),
        answers=(Answer(words=Words("A page.", "一页视频。"), shape=task_objects.VIDEOS.name),),
        errors=(TaskNotFound,),
    ),
    ("POST", "/v1/videos/extensions"): Operation(
        id="extendOpenAIVideo",
        group="openai",
        title=Words("Extend a video (OpenAI)", "扩展视频（OpenAI）"),
        words=Words(
            "The video as a file, as video[id] of a form, or as video.id of JSON. In the answer, seconds is the "
            "whole video's length.",
            "视频可为文件、表单的 video[id]，或 JSON 的 video.id。返回的 seconds 为整个视频的时长。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.VIDEO_EXTEND,
        forms=FORMS,
        examples=(_EXTENSION,),
        answers=_VIDEO,
        errors=(*SUBMISSION_ERRORS, *_SOURCE),
    ),
    ("POST", "/v1/videos/{id}/extend"): Operation(
        id="extendOpenAIVideoById",
        group="openai",
        title=Words("Extend this video", "扩展指定视频"),
        words=Words("As relays have it: the path names the video.", "中转常用形式：由路径指定视频。"),
        path=(parameters.TASK_PATH,),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.VIDEO_EXTEND_BY_ID,
        forms=FORMS,
        examples=(
            Example(
                name="extend",
                words=Words("From its second second", "从第 2 秒继续"),
                body={"model": "grok-video-3", "prompt": "it turns around", "start_time": 2},
            ),
        ),
        answers=_VIDEO,
        errors=(*SUBMISSION_ERRORS, *_SOURCE),
    ),
    ("GET", "/v1/videos/{id}"): Operation(
        id="readOpenAIVideo",
        group="openai",
        title=Words("Read a video (OpenAI)", "读取视频（OpenAI）"),
        words=Words("Any task, in OpenAI's form.", "以 OpenAI 格式返回任意任务。"),
        path=(parameters.TASK_PATH,),
        headers=parameters.OF_VIDEO_READS,
        answers=(Answer(words=Words("The video.", "视频。"), shape=task_objects.VIDEO.name, headers=headers.OF_READS),),
        errors=(TaskNotFound,),
    ),
    ("DELETE", "/v1/videos/{id}"): Operation(
        id="deleteOpenAIVideo",
        group="openai",
        title=Words("Delete a finished video and its files", "删除视频及文件"),
        words=Words("A running one is refused: cancel it first.", "生成中的视频不能删除，请先取消。"),
        path=(parameters.TASK_PATH,),
        answers=(Answer(words=Words("It is gone.", "已删除。"), shape=task_objects.DELETED.name),),
        errors=(TaskNotFound, TaskRunning, StoreFull),
    ),
    ("POST", "/v1/videos/{id}/remix"): Operation(
        id="remixOpenAIVideo",
        group="openai",
        title=Words("Remix this video (OpenAI)", "Remix 指定视频（OpenAI）"),
        words=Words(
            "Make the video anew after another prompt; remixed_from_video_id names it in the answer.",
            "按新的提示词重做该视频；回答中的 remixed_from_video_id 指向它。",
        ),
        path=(parameters.TASK_PATH,),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.VIDEO_REMIX_BY_ID,
        forms=FORMS,
        examples=(
            Example(
                name="remix",
                words=Words("The same in black and white", "改为黑白"),
                body={"model": "longtake-cpu", "prompt": "black and white, slow zoom in"},
            ),
        ),
        answers=_VIDEO,
        errors=(*SUBMISSION_ERRORS, SourceNotReady, SourceUnusable),
    ),
    ("POST", "/v1/videos/edits"): Operation(
        id="editOpenAIVideo",
        group="openai",
        title=Words("Edit a video (OpenAI)", "编辑视频（OpenAI）"),
        words=Words(
            "A remix by another name, of the video that the body names or carries as video.",
            "即 remix：源视频由请求体的 video 指定或直接携带。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.VIDEO_REMIX,
        forms=FORMS,
        examples=(
            Example(
                name="edit",
                words=Words("As if at night", "改为夜景"),
                body={"model": "longtake-cpu", "prompt": "night, slow zoom in", "video": {"id": _SAMPLE_ID}},
            ),
        ),
        answers=_VIDEO,
        errors=(*SUBMISSION_ERRORS, SourceNotReady, SourceUnusable),
    ),
    ("POST", "/v1/videos/characters"): Operation(
        id="createOpenAICharacter",
        group="openai",
        title=Words("Refused: characters", "不支持：角色"),
        words=Words("No model here keeps characters.", "此服务器的模型不保存角色。"),
        answers=(),
        errors=(OperationNotSupported,),
    ),
    ("GET", "/v1/videos/characters/{id}"): Operation(
        id="readOpenAICharacter",
        group="openai",
        title=Words("Refused: a character", "不支持：读取角色"),
        words=Words("No model here keeps characters.", "此服务器的模型不保存角色。"),
        path=(parameters.CHARACTER_PATH,),
        answers=(),
        errors=(OperationNotSupported,),
    ),
    ("GET", "/v1/videos/{id}/content"): Operation(
        id="readVideoContent",
        group="openai",
        title=Words("A finished video's bytes", "下载视频"),
        words=Words(
            "The file itself, with the key in place of a signature. Ranges are served.",
            "用密钥直接获取文件内容，支持 Range。",
        ),
        path=(parameters.TASK_PATH,),
        query=(parameters.VARIANT, parameters.DOWNLOAD),
        headers=(parameters.RANGE, parameters.IF_RANGE, parameters.IF_NONE_MATCH),
        answers=FILE_ANSWERS,
        errors=(TaskNotFound, TaskNotFinished, *FILE_ERRORS),
    ),
}
