# SPDX-License-Identifier: Apache-2.0
"""The job as relays and /v1/videos servers tell of it: one object, however its words are spelled (spellings.py)."""

from __future__ import annotations

from urllib.parse import quote

from longtake.providers.base import Account, ProviderFault, Trouble, Update
from longtake.providers.body import Body
from longtake.providers.faults import has_error, job_fault
from longtake.providers.options import versioned
from longtake.providers.spellings import made_video, progress, read_status, status_word, video_url


def read_job(body: Body, account: Account, handle: str) -> Update | None:
    """What a body says about the job; None if it says nothing. The file is at its URL, else at the route of its bytes.

    A video without a status is a job that is done; a word that nobody knows is a job that runs.
    """
    word = status_word(body)
    status = read_status(word)
    native = {"id": handle}
    if not word and (fault := _fault_of_operation(body)) is not None:
        return Update(status="failed", handle=handle, native=native, fault=fault)
    if status is None and video_url(body, account.base_url) and not word:
        status = "succeeded"
    if status is None:
        return Update(status="running", handle=handle, native=native, unknown_status=word) if word else None
    if status == "failed" and read_status(body.text("error.code")) == "cancelled":
        return Update(status="cancelled", handle=handle, native=native)
    if status == "failed":
        return Update(status="failed", handle=handle, native=native, fault=job_fault(body))
    if status != "succeeded":
        return Update(status=status, handle=handle, native=native, progress=progress(body))
    content_url = f"{versioned(account)}/videos/{quoted(handle)}/content"
    video = made_video(body, account.base_url, content_url)
    return Update(status="succeeded", handle=handle, native=native, progress=1.0, video=video)


def _fault_of_operation(body: Body) -> ProviderFault | None:
    """Why one of Google's operations that is done has no video; it has no status, and `done` may be a failure."""
    if body.flag("done") is not True:
        return None
    if has_error(body):
        return job_fault(body)
    for place in ("response.generateVideoResponse", "response"):
        answer = body.body(place)
        if answer.number("raiMediaFilteredCount"):
            reason = answer.text("raiMediaFilteredReasons.0") or "the video was filtered"
            return ProviderFault(trouble=Trouble.MODERATION, message=reason, code="raiMediaFiltered")
    return None


def quoted(handle: str) -> str:
    """A job's id as a part of a path; the colon of our own ids stays."""
    return quote(handle, safe=":")
