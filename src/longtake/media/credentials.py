# SPDX-License-Identifier: Apache-2.0
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# c2pa-python is typed only in part.
"""Content Credentials (C2PA): a signed statement inside a finished MP4, made without the network.

The statement is one box behind the file's first; the index's offsets move with it, and no packet changes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import c2pa
import msgspec

from longtake.errors import MediaError
from longtake.media.open import recognise

Statement: TypeAlias = "dict[str, object]"
Relationship: TypeAlias = Literal["parentOf", "componentOf"]

HASHED_AT_ONCE_BYTES = 256 << 20
"""The library hashes in blocks of at most this size, two of them in memory."""
IN_MEMORY_BYTES = 64 << 20
"""A signed file up to this size is put together in memory."""
_MIMES = {"mov": "video/mp4", "avi": "video/avi"}
"""Kinds of files whose own credentials can be read, by FFmpeg's name; others have none."""
_OFFLINE: Statement = {
    "version": 1,
    # Above the threshold the signed file is put together on disk: in memory a long result ended the child, and with it
    # a task that was paid for. A file may name any address as the place of its statement or of its certificate's state:
    # none is asked.
    "core": {"allowed_network_hosts": [], "backing_store_memory_threshold_in_mb": IN_MEMORY_BYTES >> 20},
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        "verify_trust": False,
        "verify_after_sign": False,
    },
    "builder": {
        "thumbnail": {"enabled": False},
        "actions": {
            "auto_created_action": {"enabled": False},
            "auto_opened_action": {"enabled": False},
            "auto_placed_action": {"enabled": False},
        },
    },
}


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """Who signs: a key and its certificates, the signer's own first, both PEM."""

    algorithm: str
    """As C2PA calls it, such as `es256`."""
    certificates: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """A file that a result was made from. `name` is what actions of the statement call it."""

    path: Path
    name: str
    title: str
    relationship: Relationship


def sign(path: Path, statement: Statement, ingredients: Sequence[Ingredient], identity: SigningIdentity) -> None:
    """Put a signed statement into an MP4, which is replaced by the signed one; on any error it stays as it was.

    Credentials of the ingredients are carried along with what a check of them found. Those that cannot be read, as of a
    damaged file, are left out: the ingredient is named all the same.

    Raises MediaError if it cannot be signed.
    """
    signed = path.with_name(f"{path.name}.signed")
    # Where the library puts its own files: in a container the usual place is memory.
    os.putenv("TMPDIR", str(path.parent))
    try:
        try:
            _write(path, signed, statement, ingredients, identity)
        except c2pa.C2paError:
            if not ingredients:
                raise
            _write(path, signed, statement, ingredients, identity, named_only=True)
        signed.replace(path)
    except c2pa.C2paError as error:
        raise MediaError(f"the credentials cannot be signed: {error}") from error
    finally:
        signed.unlink(missing_ok=True)


def memory_needed_bytes(path: Path) -> int:
    """How much memory signing a file takes at most."""
    size_bytes = path.stat().st_size
    return 2 * min(size_bytes, HASHED_AT_ONCE_BYTES) + min(size_bytes, IN_MEMORY_BYTES)


def has_credentials(path: Path) -> bool:
    """Whether a file carries credentials of its own that can be read."""
    mime = _mime(path)
    if not mime:
        return False
    try:
        with path.open("rb") as file, c2pa.Reader(mime, file, context=_context()):
            return True
    except c2pa.C2paError:
        return False


def _write(
    path: Path,
    signed: Path,
    statement: Statement,
    ingredients: Sequence[Ingredient],
    identity: SigningIdentity,
    *,
    named_only: bool = False,
) -> None:
    """Write the signed file. Ingredients whose kind of file has no credentials, or all of them, are only named."""
    read = [one for one in ingredients if not named_only and _mime(one.path)]
    named = [{**_named(one), "instance_id": one.name} for one in ingredients if one not in read]
    with (
        c2pa.Signer.from_info(
            c2pa.C2paSignerInfo(identity.algorithm.encode(), identity.certificates, identity.key, None)
        ) as signer,
        c2pa.Builder(_json({**statement, "ingredients": named}), context=_context()) as builder,
    ):
        for one in read:
            with one.path.open("rb") as file:
                builder.add_ingredient(_json(_named(one)), _mime(one.path), file)
        with path.open("rb") as file, signed.open("w+b") as output:
            builder.sign(signer, "video/mp4", file, output)


def _named(one: Ingredient) -> Statement:
    return {"title": one.title, "relationship": one.relationship, "label": one.name, "format": _mime(one.path)}


def _mime(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64)
    try:
        return _MIMES.get(recognise(head), "")
    except MediaError:
        return ""


@cache
def _context() -> c2pa.Context:
    return c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))


def _json(value: Statement) -> str:
    return msgspec.json.encode(value).decode()
