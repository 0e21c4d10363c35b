# SPDX-License-Identifier: Apache-2.0
"""What a file is by its first bytes, whatever its sender calls it, and whether an MP4 is whole.

This keeps error pages from passing for videos; whether a video can be decoded is found out by a probe in a child.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from longtake.errors import DownloadFailed, WrongContent

HEAD_BYTES = 512
"""Enough to tell."""

_LONG_BOX_BYTES = 16
_BOX_BYTES = 8


class Wanted(Enum):
    """What a download must be."""

    VIDEO = "a video"
    PICTURE = "a picture"


_PICTURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
)
_STILL_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})
_MP4_FIRST_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_MP4_BOXES = _MP4_FIRST_BOXES | {b"moof", b"mfra", b"meta", b"sidx", b"udta", b"uuid"}
_MATROSKA = b"\x1a\x45\xdf\xa3"
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<error", b"<svg", b"<!--")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def check_head(head: bytes, wanted: Wanted) -> None:
    """Raise WrongContent if a file that begins like this is surely not what was wanted."""
    what = _what(head)
    if what is None or what == wanted.value or (wanted is Wanted.PICTURE and what.endswith("picture")):
        return
    raise WrongContent(f"the answer is {what} where {wanted.value} was due")


def _what(head: bytes) -> str | None:
    """In words, what begins so; None if it may be anything."""
    if not head:
        return "empty"
    if head.startswith(_MATROSKA) or (head[4:8] in _MP4_FIRST_BOXES and head[8:12] not in _STILL_BRANDS):
        return Wanted.VIDEO.value
    if head[4:8] == b"ftyp" or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return Wanted.PICTURE.value
    picture = next((name for magic, name in _PICTURES if head.startswith(magic)), None)
    return picture or _text(head)


def _text(head: bytes) -> str | None:
    for mark in _BOMS:
        head = head.removeprefix(mark)
    start = head.replace(b"\x00", b"").lstrip().lower()
    if start.startswith(_MARKUP):
        return "an HTML or XML page"
    if start.startswith((b"{", b"[")):
        return "JSON"
    if start.startswith(b"#extm3u"):
        return "a playlist"
    printable = sum(byte >= 0x20 or byte in b"\t\r\n" for byte in head)  # noqa: PLR2004  (the first printable character)
    return "text" if printable == len(head) and _decodes(head) else None


def _decodes(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character was cut in two
    return True


def check_whole(path: Path) -> None:
    """Raise DownloadFailed if an MP4 ends within a box or has no index: its sender announced less than there is.

    Reads the heads of the top boxes only (ISO/IEC 14496-12, 4.2). Other files pass.
    """
    size_bytes = path.stat().st_size
    has_index = False
    with path.open("rb") as file:
        if file.read(_BOX_BYTES)[4:8] != b"ftyp":
            return
        at = 0
        while at + _BOX_BYTES <= size_bytes:
            file.seek(at)
            head = file.read(_LONG_BOX_BYTES)
            length = int.from_bytes(head[:4])
            if length == 1:
                length = int.from_bytes(head[8:16])
            elif length == 0:
                length = size_bytes - at
            if length < _BOX_BYTES:
                break  # padding behind the last box
            if head[4:8] not in _MP4_BOXES and at + length > size_bytes:
                break  # something behind the last box that is no box
            has_index = has_index or head[4:8] == b"moov"
            at += length
    if at > size_bytes:
        raise DownloadFailed("the video is cut off: it is shorter than its own parts say")
    if not has_index:
        raise DownloadFailed("the video is cut off: its index is missing")
