# SPDX-License-Identifier: Apache-2.0
"""The rows of tasks."""

from __future__ import annotations

from collections.abc import Mapping

from longtake.errors import RateLimited, StoreFull, TaskNotFound, TaskRunning
from longtake.http.describe import headers, parameters, task_objects
from longtake.http.describe.provenance_objects import PROVENANCE_OPERATION, TIMELINE_OPERATION
from longtake.http.describe.terms import Answer, Operation, Words

TASK_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/tasks"): Operation(
        id="listTasks",
        group="tasks",
        title=Words("List tasks", "任务列表"),
        words=Words("A page of your tasks, newest first.", "任务分页列表，最新的在前。"),
        query=(*parameters.LIST_QUERY, parameters.STATUS_QUERY, parameters.OPERATION_QUERY),
        answers=(Answer(words=Words("A page.", "一页任务。"), shape=task_objects.TASKS.name),),
        errors=(TaskNotFound,),
    ),
    ("GET", "/v1/tasks/{id}"): Operation(
        id="readTask",
        group="tasks",
        title=Words("Read a task", "读取任务"),
        words=Words(
            "As /v1/video/query, with exact words beside it: state, step, operation, sequence.",
            "与 /v1/video/query 相同，另含精确字段：state、step、operation、sequence。",
        ),
        path=(parameters.TASK_PATH,),
        headers=(parameters.PREFER,),
        answers=(Answer(words=Words("The task.", "任务。"), shape=task_objects.RECORD.name, headers=headers.OF_READS),),
        errors=(TaskNotFound,),
    ),
    ("GET", "/v1/tasks/{id}/events"): Operation(
        id="taskEvents",
        group="tasks",
        title=Words("A task's changes as events", "任务事件流"),
        words=Words(
            "Server-sent events: one named task for each change of state, step or progress, with the whole task as its "
            "data and the sequence as its id; the last one is the task's end. A comment every 15 seconds in between.",
            "服务器推送事件（SSE）：状态、步骤或进度每次变化发送一个 task 事件，data 为完整任务，id 为 sequence；"
            "最后一个事件为任务结束。期间每 15 秒发送一条注释。",
        ),
        path=(parameters.TASK_PATH,),
        headers=(parameters.LAST_EVENT_ID,),
        answers=(
            Answer(
                words=Words("The events.", "事件流。"), shape=task_objects.RECORD.name, media=("text/event-stream",)
            ),
            Answer(
                words=Words("The task has ended, and you have its last event.", "任务已结束且已收到最后一个事件。"),
                status=204,
                media=(),
            ),
        ),
        errors=(TaskNotFound, RateLimited),
    ),
    ("GET", "/v1/tasks/{id}/timeline"): TIMELINE_OPERATION,
    ("GET", "/v1/tasks/{id}/provenance"): PROVENANCE_OPERATION,
    ("POST", "/v1/tasks/{id}/cancel"): Operation(
        id="cancelTask",
        group="tasks",
        title=Words("Cancel a task", "取消任务"),
        words=Words(
            "Ends a task that waits or runs. One that has ended is answered as it is.",
            "结束等待或运行中的任务；已结束的任务原样返回。",
        ),
        path=(parameters.TASK_PATH,),
        answers=(Answer(words=Words("The task.", "任务。"), shape=task_objects.RECORD.name),),
        errors=(TaskNotFound, StoreFull),
    ),
    ("DELETE", "/v1/tasks/{id}"): Operation(
        id="deleteTask",
        group="tasks",
        title=Words("Delete a finished task and its files", "删除任务及文件"),
        words=Words("A running task is refused: cancel it first.", "运行中的任务不能删除，请先取消。"),
        path=(parameters.TASK_PATH,),
        answers=(Answer(words=Words("It is gone.", "已删除。"), shape=task_objects.DELETED.name),),
        errors=(TaskNotFound, TaskRunning, StoreFull),
    ),
}
