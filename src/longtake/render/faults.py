# SPDX-License-Identifier: Apache-2.0
"""What ended a job in the child, as the event that its parent gets."""

from __future__ import annotations

import errno
import traceback

from longtake.errors import EngineError, LimitExceeded, LongtakeError, StoreFull
from longtake.render.base import Failed, RenderLimits

CV2_NO_MEMORY = -4
"""cv::Error::StsNoMem."""


def as_failed(error: BaseException, limits: RenderLimits) -> Failed:
    """The Failed for an error: its own words if longtake raised it, the limit if one was met, else only its type."""
    if _is_out_of_memory(error):
        return memory_exceeded(limits)
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return Failed(code=StoreFull.code, message="the disk is full: free some space and try again")
        if isinstance(cause, OSError) and cause.errno == errno.EFBIG:
            return Failed(code=LimitExceeded.code, message="the result grows larger than a file may be here")
    if isinstance(error, LongtakeError):
        return Failed(code=error.code, message=error.message, retryable=error.retryable)
    return Failed(code=LongtakeError.code, message=f"the work met an unexpected error ({type(error).__name__})")


def memory_exceeded(limits: RenderLimits) -> Failed:
    """The end of a job that needed more memory than it may use."""
    mebibytes = limits.memory_bytes >> 20
    return Failed(code=LimitExceeded.code, message=f"the work needs more memory than the {mebibytes} MiB it may use")


def is_unexpected(error: BaseException) -> bool:
    """Whether the log should have the traceback: a fault of ours or of an engine, not of the media."""
    if _is_out_of_memory(error):
        return False
    return not isinstance(error, LongtakeError) or (isinstance(error, EngineError) and error.__cause__ is not None)


def traceback_of(error: BaseException) -> str:
    """The traceback as text."""
    return "".join(traceback.format_exception(error)).strip()


def _is_out_of_memory(error: BaseException) -> bool:
    return any(
        isinstance(cause, MemoryError)
        or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM)
        or (type(cause).__module__ == "cv2" and getattr(cause, "code", None) == CV2_NO_MEMORY)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it, newest first."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain
