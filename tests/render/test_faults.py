# SPDX-License-Identifier: Apache-2.0
"""What a task's owner is told when a job ends by an error, and what only the log is told."""

from __future__ import annotations

import errno

import cv2
import pytest

from longtake.errors import EngineError, LimitExceeded, MediaError
from longtake.render.base import RenderLimits
from longtake.render.faults import as_failed, is_unexpected


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def no_memory_of_opencv() -> cv2.error:
    error = cv2.error("Failed to allocate 1 bytes in function 'OutOfMemoryError'")
    error.code = -4
    return error


@pytest.mark.parametrize(
    ("error", "code", "logged"),
    [
        (MediaError("no video"), "invalid_media", False),
        (LimitExceeded("too long"), "limit_exceeded", False),
        (EngineError("cannot"), "engine_failed", False),
        (caused(EngineError("failed"), ValueError("x")), "engine_failed", True),
        (ValueError("/secret/path"), "internal_error", True),
        (MemoryError(), "limit_exceeded", False),
        (caused(MediaError("cannot be decoded"), MemoryError()), "limit_exceeded", False),
        (caused(EngineError("failed"), no_memory_of_opencv()), "limit_exceeded", False),
        (OSError(errno.ENOMEM, "no memory"), "limit_exceeded", False),
        (OSError(errno.ENOSPC, "no room", "/secret/path"), "store_full", True),
        (caused(MediaError("cannot be written"), OSError(errno.ENOSPC, "no room")), "store_full", False),
        (OSError(errno.EFBIG, "too big"), "limit_exceeded", True),
        (cv2.error("bad argument"), "internal_error", True),
    ],
    ids=repr,
)
def test_codes_and_logging(error: Exception, code: str, *, logged: bool):
    failed = as_failed(error, RenderLimits())
    assert failed.code == code
    assert "/secret/path" not in failed.message
    assert is_unexpected(error) is logged
