# SPDX-License-Identifier: Apache-2.0
"""What several rows share: errors of a kind, content types, answers."""

from __future__ import annotations

from longtake.errors import (
    AssetGone,
    BodyTooLarge,
    IdempotencyConflict,
    InsufficientQuota,
    InvalidJson,
    InvalidMedia,
    InvalidMultipart,
    InvalidSize,
    ModelNotFound,
    NoMaker,
    OperationNotSupported,
    ProvidersUnreachable,
    RangeNotSatisfiable,
    RateLimited,
    StoreFull,
    TaskNotFound,
    UnsupportedMediaType,
    UrlInputNotEnabled,
    UrlRefused,
)
from longtake.http.describe import headers
from longtake.http.describe.terms import Answer, Field, Words

BODY_ERRORS = (InvalidJson, InvalidMultipart, BodyTooLarge, UnsupportedMediaType)
"""What everything with a body may be refused with."""

SUBMISSION_ERRORS = (
    *BODY_ERRORS,
    InvalidSize,
    InvalidMedia,
    UrlInputNotEnabled,
    UrlRefused,
    ModelNotFound,
    OperationNotSupported,
    TaskNotFound,
    IdempotencyConflict,
    InsufficientQuota,
    RateLimited,
    ProvidersUnreachable,
    NoMaker,
    StoreFull,
)
"""What every submission may be refused with."""

FILE_ERRORS = (RangeNotSatisfiable, AssetGone)
FORMS = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")
"""The content types of a submission."""


def not_modified(*found: Field) -> Answer:
    """The 304 of what has these headers."""
    return Answer(words=Words("What you have is still good.", "未变化。"), status=304, media=(), headers=found)


FILE_ANSWERS = (
    Answer(words=Words("The file.", "文件内容。"), media=headers.MEDIA, headers=headers.OF_FILES),
    Answer(
        words=Words("The part of it that Range asks for.", "Range 指定的部分。"),
        status=206,
        media=headers.MEDIA,
        headers=(*headers.OF_FILES, headers.CONTENT_RANGE),
    ),
    not_modified(*headers.OF_FILES),
)


def page_answers(media: str) -> tuple[Answer, ...]:
    """The answers of a page of this media type."""
    return (
        Answer(words=Words("The page.", "页面。"), media=(media,), headers=(headers.ETAG,)),
        not_modified(headers.ETAG),
    )
