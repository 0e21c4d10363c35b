# SPDX-License-Identifier: Apache-2.0
"""The lines that do what a page does: by curl, Python and the command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from longtake.studio.shapes import seconds
from longtake.types import SECOND_US, Aspect, ExactSize, Operation, Submission, Task, TaskSource, Value

_KEY = "$LONGTAKE_API_KEY"


class Lines(Value, frozen=True):
    """One request in three tongues. Keys stand in the environment."""

    curl: str
    python: str
    command: str


def lines_of(submission: Submission, base: str) -> Lines | None:
    """The lines that ask for this; None for uploads, and where pictures came with the request."""
    if submission.operation is Operation.UPLOAD or submission.images:
        return None
    fields = _fields(submission)
    body = json.dumps(fields, ensure_ascii=False)
    url = f"{base}/v1/video/{submission.operation.value}"
    return Lines(
        curl=f"curl {url} \\\n  -H \"Authorization: Bearer {_KEY}\" -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(body)}",
        python=_python(submission, fields, base),
        command=_command(submission),
    )


def task_lines(task: Task, base: str) -> Lines:
    """The lines that ask for a task again; that show it, where it cannot be asked for by such lines."""
    shown = page_lines(base, f"/v1/tasks/{quote(task.id, safe=':')}", ["get", task.id])
    return lines_of(task.submission, base) or shown


def page_lines(
    base: str, path: str, command: Sequence[str], *, method: str = "GET", body: Mapping[str, object] | None = None
) -> Lines:
    """The lines for any other request of the API."""
    curl = f'curl {shlex.quote(base + path)} \\\n  -H "Authorization: Bearer {_KEY}"'
    if method != "GET":
        curl = curl.replace("curl ", f"curl -X {method} ", 1)
    sent = ""
    if body is not None:
        text = json.dumps(body, ensure_ascii=False)
        curl += f" -H 'Content-Type: application/json' \\\n  -d {shlex.quote(text)}"
        sent = f", body={dict(body)!r}"
    python = (
        f"from longtake_client import Client\n\nwith Client(url={base!r}) as client:\n"
        f"    print(client.request({method!r}, {path!r}{sent}))"
    )
    return Lines(curl=curl, python=python, command=shlex.join(["longtake", *command]))


def again_link(task: Task, *, takes: int = 1, seeds_on: int | None = None) -> str:
    """The Extend page, filled in as this task was asked for: the same second and words, and another seed by chance.

    With `seeds_on` it goes on counting behind that many takes. Empty for what has no source in the library.
    """
    submission = task.submission
    if submission.operation is not Operation.EXTEND or task.parent_id is None:
        return ""
    fields = {
        "task": task.parent_id,
        "at": seconds(task.plan.start_us),
        "model": task.model_requested,
        "prompt": submission.prompt,
        "duration": "" if submission.new_us is None else str(_number(submission.new_us)),
        "size": _size(submission) or "",
        "aspect_ratio": "" if submission.aspect is None else str(submission.aspect),
        "upscale": "true" if submission.upscale else "",
        "takes": str(takes) if takes > 1 else "",
        "seed": str(submission.seed + seeds_on) if seeds_on and submission.seed is not None else "",
    }
    return f"/extend?{urlencode({name: value for name, value in fields.items() if value})}"


def _fields(submission: Submission) -> dict[str, object]:
    fields: dict[str, object] = {"model": submission.model, "prompt": submission.prompt}
    if isinstance(submission.source, TaskSource):
        fields["task_id"] = submission.source.task_id
    if submission.start_us is not None:
        fields["start_time"] = _number(submission.start_us)
    if submission.new_us is not None:
        fields["duration"] = _number(submission.new_us)
    if (size := _size(submission)) is not None:
        fields["size"] = size
    if submission.aspect is not None:
        fields["aspect_ratio"] = str(submission.aspect)
    if submission.upscale:
        fields["upscale"] = True
    if submission.seed is not None:
        fields["seed"] = submission.seed
    return fields


def _python(submission: Submission, fields: dict[str, object], base: str) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    return (
        f"from longtake_client import Client\n\nwith Client(url={base!r}) as client:\n"
        f"    video = client.{submission.operation.value}({given})\n    video.wait()\n"
        '    video.save("longer.mp4")'
    )


def _command(submission: Submission) -> str:
    words = ["longtake", submission.operation.value]
    if isinstance(submission.source, TaskSource):
        words.append(submission.source.task_id)
    if submission.start_us is not None:
        words += ["--at", str(_number(submission.start_us))]
    if submission.new_us is not None:
        words += ["--duration", str(_number(submission.new_us))]
    words += ["--prompt", submission.prompt]
    if submission.model:
        words += ["--model", submission.model]
    if (size := _size(submission)) is not None:
        words += ["--size", size]
    if isinstance(submission.aspect, Aspect):
        words += ["--aspect", str(submission.aspect)]
    if submission.upscale:
        words.append("--upscale")
    if submission.seed is not None:
        words += ["--seed", str(submission.seed)]
    return shlex.join([*words, "-o", "longer.mp4"])


def _size(submission: Submission) -> str | None:
    match submission.size:
        case None:
            return None
        case ExactSize(width=width, height=height):
            return f"{width}x{height}"
        case shorter:
            return f"{shorter.pixels}p"


def _number(time_us: int) -> float | int:
    whole, rest = divmod(time_us, SECOND_US)
    return time_us / SECOND_US if rest else whole
