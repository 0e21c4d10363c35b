# SPDX-License-Identifier: Apache-2.0
"""The error tree. A message says what was wrong and what to do next; wire bodies are made in http/errors.py.

LongtakeError
├── RequestError                    the caller can mend it
│   ├── InvalidRequest              400 invalid_request
│   │   ├── InvalidJson             400 invalid_json
│   │   ├── InvalidMultipart        400 invalid_multipart_form
│   │   ├── InvalidSize             400 invalid_size
│   │   ├── InvalidStartTime        400 invalid_start_time
│   │   ├── InvalidMedia            400 invalid_media
│   │   ├── UrlInputNotEnabled      400 url_input_not_enabled
│   │   ├── UrlRefused              400 url_refused: no byte went out
│   │   ├── ModelNotFound           400 model_not_found
│   │   ├── OperationNotSupported   400 operation_not_supported
│   │   ├── SourceNotReady          400 source_not_ready
│   │   └── SourceUnusable          400 source_unusable
│   ├── TaskNotFound                400 on submit, 404 on reads: task_not_exist
│   ├── TaskNotFinished             400 task_not_completed
│   ├── TaskRunning                 409 task_running
│   ├── AssetGone                   410 asset_gone
│   ├── RouteNotFound               404 not_found
│   ├── MethodNotAllowed            405 method_not_allowed
│   ├── BodyTooLarge                413 read_request_body_failed
│   ├── UnsupportedMediaType        415 unsupported_media_type
│   ├── RangeNotSatisfiable         416 range_not_satisfiable
│   └── IdempotencyConflict         422 idempotency_conflict
├── AccessError
│   ├── InvalidApiKey               401 invalid_api_key
│   ├── AccessDenied                403 access_denied
│   ├── InsufficientQuota           403 insufficient_user_quota
│   └── RateLimited                 429 rate_limit_exceeded
├── ServiceError                    ours to mend
│   ├── StoreFailed                 503 store_failed
│   │   └── StoreFull               507 store_full
│   ├── Overloaded                  503 overloaded
│   ├── ProvidersUnreachable        502 providers_unreachable
│   └── NoMaker                     503 get_channel_failed
├── MediaError                      a file cannot be worked with; becomes a task's fault or InvalidMedia
│   └── LimitExceeded               a limit on bytes, pixels, frames, seconds or memory was passed
├── EngineError                     an engine could not make the new part
├── UpstreamError                   502 upstream_error: another server failed; becomes a task's fault
│   ├── BadUpstreamAnswer           it answered something that cannot be read
│   ├── DownloadFailed              502 download_failed: no whole file came
│   │   ├── DownloadTimeout         502 download_timeout: it did not come in time
│   │   └── WrongContent            502 wrong_content: a page or a text came in its place
│   ├── NotSent                     the call surely never reached it
│   ├── MaybeSent                   the call may have reached it: not to be repeated without a caller's key
│   └── ClipUnusable                502 clip_unusable: the clip that it made cannot be used
├── WorkCancelled                   the work was called off: nothing is left behind
├── FencedOff                       a write by an owner who no longer owns the task: stop quietly
├── SpendCapReached                 an account at a provider may not spend so much: ask another
└── ConfigurationError              the operator's settings do not fit; the message names the setting
"""

from __future__ import annotations

from typing import ClassVar


class LongtakeError(Exception):
    """Base of all errors: catch this to catch everything longtake raises on purpose."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, message_zh: str = "", param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh
        self.param = param


class RequestError(LongtakeError):
    """The request cannot be served as it is; the caller can mend it."""

    code = "invalid_request"
    status = 400


class InvalidRequest(RequestError):
    """A field has a value that cannot be used; `param` names it."""


class InvalidJson(InvalidRequest):
    """The body is not a JSON object."""

    code = "invalid_json"


class InvalidMultipart(InvalidRequest):
    """The form body cannot be read."""

    code = "invalid_multipart_form"


class InvalidSize(InvalidRequest):
    """The size or aspect cannot be made."""

    code = "invalid_size"


class InvalidStartTime(InvalidRequest):
    """The start time lies outside the source."""

    code = "invalid_start_time"


class InvalidMedia(InvalidRequest):
    """The file is not a video or picture that can be decoded within the limits."""

    code = "invalid_media"


class UrlInputNotEnabled(InvalidRequest):
    """http(s) inputs are not enabled on this server."""

    code = "url_input_not_enabled"


class UrlRefused(InvalidRequest):
    """The URL is malformed, or does not lead to a public address: nothing was sent to it."""

    code = "url_refused"


class ModelNotFound(InvalidRequest):
    """No maker here knows this model."""

    code = "model_not_found"


class OperationNotSupported(InvalidRequest):
    """The model exists but cannot do this: unsupported operation."""

    code = "operation_not_supported"


class SourceNotReady(InvalidRequest):
    """The source task has not finished; send `wait_for_source: true` to queue behind it."""

    code = "source_not_ready"


class SourceUnusable(InvalidRequest):
    """The source task failed, or its video is gone."""

    code = "source_unusable"


class TaskNotFound(RequestError):
    """No such task for this key. Another tenant's task looks exactly like this."""

    code = "task_not_exist"
    status = 404


class TaskNotFinished(RequestError):
    """The task has no video yet."""

    code = "task_not_completed"


class TaskRunning(RequestError):
    """The task is running: cancel it first."""

    code = "task_running"
    status = 409


class AssetGone(RequestError):
    """The file existed and was deleted or has expired."""

    code = "asset_gone"
    status = 410


class RouteNotFound(RequestError):
    """No such path."""

    code = "not_found"
    status = 404


class MethodNotAllowed(RequestError):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    status = 405


class BodyTooLarge(RequestError):
    """The body is larger than this server takes."""

    code = "read_request_body_failed"
    status = 413


class UnsupportedMediaType(RequestError):
    """The body's content type cannot be read on this route."""

    code = "unsupported_media_type"
    status = 415


class RangeNotSatisfiable(RequestError):
    """The Range header lies outside the file."""

    code = "range_not_satisfiable"
    status = 416


class IdempotencyConflict(RequestError):
    """The Idempotency-Key was used with another request."""

    code = "idempotency_conflict"
    status = 422


class AccessError(LongtakeError):
    """The caller may not do this."""

    code = "access_denied"
    status = 403


class InvalidApiKey(AccessError):
    """The key is missing, unknown or revoked."""

    code = "invalid_api_key"
    status = 401


class AccessDenied(AccessError):
    """The key is good but may not do this."""


class InsufficientQuota(AccessError):
    """The balance does not cover the price."""

    code = "insufficient_user_quota"


class RateLimited(AccessError):
    """Too many requests or tasks; Retry-After says when to come again."""

    code = "rate_limit_exceeded"
    status = 429
    retryable = True

    def __init__(
        self, message: str, *, message_zh: str = "", param: str | None = None, retry_after_s: int | None = None
    ) -> None:
        """`retry_after_s` is when to come again, where that is known."""
        super().__init__(message, message_zh=message_zh, param=param)
        self.retry_after_s = retry_after_s


class ServiceError(LongtakeError):
    """This server cannot serve the request right now."""

    code = "internal_error"
    status = 503
    retryable = True


class StoreFailed(ServiceError):
    """The database did not take the write; nothing was stored."""

    code = "store_failed"


class StoreFull(StoreFailed):
    """The disk or the database's size limit is full; nothing was stored."""

    code = "store_full"
    status = 507
    retryable = False


class Overloaded(ServiceError):
    """The server is at its limit or shutting down."""

    code = "overloaded"


class ProvidersUnreachable(ServiceError):
    """The providers could not be asked whether they have the video that the request names."""

    code = "providers_unreachable"
    status = 502


class NoMaker(ServiceError):
    """The model is known, but no maker of it can work now."""

    code = "get_channel_failed"


class MediaError(LongtakeError):
    """The media cannot be read or written; the message says what is wrong with it."""

    code = "invalid_media"
    status = 400


class LimitExceeded(MediaError):
    """The media or the work passes a limit that the operator set."""

    code = "limit_exceeded"


class EngineError(LongtakeError):
    """The engine could not make the new part."""

    code = "engine_failed"


class UpstreamError(LongtakeError):
    """A maker's server failed or refused."""

    code = "upstream_error"
    status = 502
    retryable = True
    timed_out: bool = False
    """Whether it was too slow rather than broken."""


class BadUpstreamAnswer(UpstreamError):
    """The other server answered something that cannot be read."""


class DownloadFailed(UpstreamError):
    """The file could not be fetched whole, or is not a video or picture; the message says why."""

    code = "download_failed"

    def __init__(self, message: str, *, param: str | None = None, upstream_status: int | None = None) -> None:
        """`upstream_status` is the HTTP status if that was the reason: 403, 404 or 410 may be an expired URL."""
        super().__init__(message, param=param)
        self.upstream_status = upstream_status
        self.is_passing = False
        """Whether the other server is away or says that it cannot now: it may do better in some minutes."""


class DownloadTimeout(DownloadFailed):
    """The file did not come in time."""

    code = "download_timeout"


class WrongContent(DownloadFailed):
    """A page, a text or another kind of file came in place of the video or picture."""

    code = "wrong_content"
    retryable = False


class NotSent(UpstreamError):
    """The call surely did not reach the other server: it may be made again, there or elsewhere."""


class MaybeSent(UpstreamError):
    """The call may have reached the other server, and no answer came: not to be repeated without a caller's key."""


class ClipUnusable(UpstreamError):
    """A remote maker returned a clip that cannot be decoded or has nothing new: the source is not to blame."""

    code = "clip_unusable"
    retryable = False


class WorkCancelled(LongtakeError):
    """The work was called off while it ran; nothing of it is left behind."""

    code = "cancelled"


class FencedOff(LongtakeError):
    """The task has another owner or another step by now; this write was not made."""

    code = "fenced_off"


class SpendCapReached(LongtakeError):
    """An account's job would pass what the operator lets it spend; it was not written, and nothing was bought."""

    code = "spend_cap_reached"


class ConfigurationError(LongtakeError):
    """A setting does not fit; the message names it and says what to set."""

    code = "configuration_error"
