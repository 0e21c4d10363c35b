# SPDX-License-Identifier: Apache-2.0
"""A second reader of Content Credentials, with nothing of the library that writes them: boxes, CBOR, COSE, X.509.

C2PA 2.2: 8.4 (hashed URIs), 13.2 (COSE), 18.7 (the binding to an ISO file), A.5 (where it stands in one).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
X5CHAIN = 33
CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"


class Broken(Exception):
    """What the credentials say is not so."""


@dataclass
class Jumbf:
    """A box of boxes with a label."""

    label: str
    content: bytes
    """After its own header: what a hashed URI is over."""
    children: list[Jumbf]
    payload: bytes
    """Of its first plain box."""

    def child(self, label: str) -> Jumbf:
        return next(one for one in self.children if one.label == label)

    def value(self) -> Any:
        return cbor2.loads(self.payload)


@dataclass
class Credentials:
    """The active statement of a file and those that it carries along."""

    claim: dict[str, Any]
    assertions: dict[str, Any]
    signer: x509.Certificate
    carried: list[str]

    @property
    def actions(self) -> list[dict[str, Any]]:
        return self.assertions["c2pa.actions.v2"]["actions"]


def boxes(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes, int, bytes]]:
    """Position, kind, length of the header and content of each box."""
    at = start
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        size = size or len(data) - at
        yield at, kind, head, data[at + head : at + size]
        at += size


def read(data: bytes, anchor: x509.Certificate) -> Credentials:
    """The credentials of an MP4, every promise checked. Raises Broken, StopIteration where there are none."""
    holder = next(content for _, kind, _, content in boxes(data) if kind == b"uuid" and content[:16] == C2PA_BOX)
    purpose_end = holder.index(b"\0", 20)
    assert holder[20:purpose_end] == b"manifest"
    (_, kind, _, content), *_ = boxes(holder, purpose_end + 9)
    assert kind == b"jumb"
    store = jumbf(content)
    active = store.children[-1]
    claim_box = active.child("c2pa.claim.v2")
    claim = claim_box.value()
    signer = check_signature(claim_box.payload, active.child("c2pa.signature").value(), anchor)
    found = active.child("c2pa.assertions")
    assertions = {}
    for named in (*claim["created_assertions"], *claim.get("gathered_assertions", ())):
        label = named["url"].rpartition("/")[2]
        assertion = found.child(label)
        if not hmac.compare_digest(hashlib.sha256(assertion.content).digest(), named["hash"]):
            raise Broken(f"assertion {label} is not the one that was signed")
        assertions[label] = assertion.value()
    if bmff_hash(data) != assertions["c2pa.hash.bmff.v3"]["hash"]:
        raise Broken("the file is not the one that was signed")
    return Credentials(claim, assertions, signer, [one.label for one in store.children[:-1]])


def jumbf(content: bytes) -> Jumbf:
    label, children, payload = "", [], b""
    for _, kind, _, inner in boxes(content):
        if kind == b"jumd":
            label = inner[17 : inner.index(b"\0", 17)].decode()
        elif kind == b"jumb":
            children.append(jumbf(inner))
        elif not payload:
            payload = inner
    return Jumbf(label, content, children, payload)


def check_signature(claim: bytes, sign1: Any, anchor: x509.Certificate) -> x509.Certificate:
    """The signer's certificate, which the anchor has issued for this, after a look at the signature."""
    protected, unprotected, _, signature = sign1.value
    headers = dict(cbor2.loads(protected)) | dict(unprotected)
    assert headers[1] == -7, "ES256"
    chain = headers[X5CHAIN]
    leaf = x509.load_der_x509_certificate(chain[0] if isinstance(chain, list) else chain)
    leaf.verify_directly_issued_by(anchor)
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert CLAIM_SIGNING in {usage.dotted_string for usage in usages}
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    half = len(signature) // 2
    der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    signed = cbor2.dumps(["Signature1", protected, b"", claim])
    key.verify(der, signed, ec.ECDSA(hashes.SHA256()))
    return leaf


def bmff_hash(data: bytes) -> bytes:
    """Over all boxes but those that may change, each with the place where it stands."""
    digest = hashlib.sha256()
    for at, kind, head, content in boxes(data):
        if kind in {b"ftyp", b"mfra", b"free", b"skip"} or (kind == b"uuid" and content[:16] == C2PA_BOX):
            continue
        digest.update(struct.pack(">Q", at))
        digest.update(data[at : at + head])
        digest.update(content)
    return digest.digest()
