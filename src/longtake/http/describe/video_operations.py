# SPDX-License-Identifier: Apache-2.0
"""The rows of the unified video routes."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import InvalidStartTime, SourceNotReady, SourceUnusable, TaskNotFound
from longtake.http.describe import headers, parameters, request_fields, requests, task_objects
from longtake.http.describe.sharing import FORMS, SUBMISSION_ERRORS
from longtake.http.describe.terms import Answer, Example, Operation, Words

VIDEO_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/video/extend"): Operation(
        id="extendVideo",
        group="video",
        title=Words("Extend a video", "扩展视频"),
        words=Words(
            "Continue a finished video from any second. The answer is a task, at once; the finished video is the "
            "source up to start_time, untouched, and the new part behind it, in one file.",
            "从任意一秒继续一个已完成的视频，立即返回任务。"
            "完成后得到一个文件：start_time 之前的源视频保持原样，之后是新部分。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.EXTEND,
        forms=FORMS,
        parts=(request_fields.VIDEO_PART,),
        in_place_of="task_id",
        examples=(
            Example(
                name="extend",
                words=Words("Continue the sample from its third second", "从第 3 秒继续示例视频"),
                body={
                    "model": "grok-video-3",
                    "prompt": "play with another white cat",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "size": "1080p",
                    "start_time": 3,
                    "upscale": False,
                },
            ),
            Example(
                name="from the end",
                words=Words("Two more seconds behind the end", "在结尾后再加两秒"),
                body={
                    "prompt": "slow zoom in",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "duration": 2,
                },
            ),
        ),
        answers=(
            Answer(
                words=Words("The task.", "任务。"),
                shape=task_objects.TASK.name,
                headers=headers.OF_SUBMISSIONS,
            ),
        ),
        errors=(*SUBMISSION_ERRORS, InvalidStartTime, SourceNotReady, SourceUnusable),
    ),
    ("POST", "/v1/video/create"): Operation(
        id="createVideo",
        group="video",
        title=Words("Create a video", "创建视频"),
        words=Words(
            "Make a video from a prompt, or from pictures: the first frame, or the first and the last.",
            "由提示词或图片生成视频：图片为首帧，或首帧与尾帧。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.CREATE,
        forms=FORMS,
        parts=(request_fields.IMAGE_PART,),
        examples=(
            Example(
                name="create",
                words=Words("A picture of the sea", "一段海景"),
                body={
                    "model": "longtake-cpu",
                    "prompt": "waves at sunset",
                    "aspect_ratio": "3:2",
                    "size": "720P",
                    "duration": 4,
                },
            ),
        ),
        answers=(
            Answer(
                words=Words("The task.", "任务。"),
                shape=task_objects.TASK.name,
                headers=headers.OF_SUBMISSIONS,
            ),
        ),
        errors=SUBMISSION_ERRORS,
    ),
    ("POST", "/v1/video/remix"): Operation(
        id="remixVideo",
        group="video",
        title=Words("Make a video anew", "重做视频（remix）"),
        words=Words(
            "A new video of the same length from a finished one and another prompt. The built-in engine keeps what "
            "the video shows and lays camera moves, light and fades over it, as far as the prompt names them; nothing "
            "is painted anew. remixed_from_video_id names the source.",
            "用已完成的视频和新的提示词生成等长的新视频。内置引擎保留画面内容，按提示词叠加镜头运动、光线与淡入淡出，不会重绘内容。"
            "remixed_from_video_id 指向源视频。",
        ),
        headers=parameters.OF_SUBMISSIONS,
        body=requests.REMIX,
        forms=FORMS,
        examples=(
            Example(
                name="remix",
                words=Words("The sample at sunset", "把示例视频改为日落"),
                body={
                    "model": "grok-video-3",
                    "prompt": "golden sunset, slow zoom in",
                    "task_id": "grok:7fd641dc-437f-44c3-97a2-e3778e0e10fb",
                    "size": "720P",
                    "aspect_ratio": "3:2",
                },
            ),
        ),
        answers=(
            Answer(
                words=Words("The task.", "任务。"),
                shape=task_objects.TASK.name,
                headers=headers.OF_SUBMISSIONS,
            ),
        ),
        errors=(*SUBMISSION_ERRORS, SourceNotReady, SourceUnusable),
    ),
    ("GET", "/v1/video/query"): Operation(
        id="queryVideo",
        group="video",
        title=Words("How a task stands", "查询任务"),
        words=Words(
            "Ask once a second or less often, until status is completed or failed. It answers every task, whatever "
            "route it came by.",
            "每秒至多查询一次，直到 status 为 completed 或 failed。任何接口提交的任务都可查询。",
        ),
        query=(parameters.QUERY_ID,),
        headers=parameters.OF_VIDEO_READS,
        answers=(Answer(words=Words("The task.", "任务。"), shape=task_objects.TASK.name, headers=headers.OF_READS),),
        errors=(TaskNotFound,),
    ),
}
