# SPDX-License-Identifier: Apache-2.0
"""What parameters are called: by one name here, by the caller's own in whatever is said to the caller (wire.md 5.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType

from longtake.errors import RequestError
from longtake.types import Role, Submission

PICTURES: Mapping[Role, str] = {
    Role.FIRST_FRAME: "first_frame_image",
    Role.LAST_FRAME: "last_frame_image",
    Role.REFERENCE: "reference_images",
}
"""The parameter that a picture of a role comes by, where it has one of its own; else it is one of `images`."""

_ORDINARY_WORDS = frozenset({"model", "prompt", "seed", "fit"})
"""In a sentence these are English: there they stay, and only the error's `param` is the caller's."""


def picture_param(role: Role) -> str:
    """The name of the parameter that brings pictures of a role."""
    return PICTURES.get(role, "images")


def as_written(text: str, written: Mapping[str, str]) -> str:
    """A text that names parameters, with each by the name that the caller gave it."""
    names = [name for name in written if name not in _ORDINARY_WORDS and name in text]
    if not names:
        return text
    # By their ends in ASCII: Chinese characters stand right beside a name.
    pattern = rf"(?<![\w.])(?:{'|'.join(map(re.escape, names))})(?!\w)"
    return re.sub(pattern, lambda match: written[match[0]], text, flags=re.ASCII)


class in_the_callers_words:  # noqa: N801  (used as a function, in `with`)
    """What is refused inside the block is refused by the names of the submission's own parameters.

    Raises the same kind of error as came up inside. A class, since a generator costs three times as much, twice with
    each submission.
    """

    __slots__ = ("_written",)

    def __init__(self, submission: Submission) -> None:
        self._written = submission.written

    def __enter__(self) -> None:
        """Nothing is needed before the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say a refusal again in the caller's words."""
        written = self._written
        if not written or not isinstance(error, RequestError):
            return
        raise type(error)(
            as_written(error.message, written),
            message_zh=as_written(error.message_zh, written),
            param=None if error.param is None else written.get(error.param, error.param),
        ) from error
