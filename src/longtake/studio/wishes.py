# SPDX-License-Identifier: Apache-2.0
"""What the studio's forms ask for beyond the API: several takes, and a start that must not be moved."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from longtake.errors import InvalidRequest
from longtake.types import Submission, Value

MOST_TAKES = 4
_OWN = ("takes", "exact", "look")
_YES = ("true", "on", "1")


class Wishes(Value, frozen=True):
    """The fields that only the studio has."""

    takes: int = 1
    exact: bool = False
    """Whether the second stays as it is wherever the model has any way from it."""


def wishes_of(submission: Submission) -> tuple[Wishes, Submission]:
    """What a form asks for, and the submission without these fields. Raises InvalidRequest."""
    written: Mapping[str, msgspec.Raw] = submission.extra
    found = {name: str(msgspec.json.decode(written[name], type=object)) for name in _OWN if name in written}
    if not found:
        return Wishes(), submission
    takes = found.get("takes", "1")
    if takes not in {str(number) for number in range(1, MOST_TAKES + 1)}:
        raise InvalidRequest(f"takes has to be 1 to {MOST_TAKES}", param="takes")
    rest = {name: value for name, value in written.items() if name not in _OWN}
    wishes = Wishes(takes=int(takes), exact=found.get("exact", "").lower() in _YES)
    return wishes, msgspec.structs.replace(submission, extra=rest)
