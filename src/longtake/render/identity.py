# SPDX-License-Identifier: Apache-2.0
"""Who this installation is to readers of its files: a name of its own, and the key and certificates that it signs with.

Both are made once, in the home, by whichever render child needs them first. Whoever is to trust the signatures is given
`ca.pem`; the keys are for the server's user alone.
"""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from longtake.errors import MediaError
from longtake.media.credentials import SigningIdentity

_VALID = timedelta(days=3650)
_RENEWED_BEFORE = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(days=1)
_EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
_C2PA_CLAIM_SIGNING = "1.3.6.1.4.1.62558.2.1"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_CURVES = {256: "es256", 384: "es384", 521: "es512"}


def installation_id(folder: Path) -> str:
    """A random name of this home, made at the first call. Raises OSError."""
    path = folder / "installation"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f"installation.{os.getpid()}.part"
        draft.write_text(secrets.token_hex(6), encoding="ascii")
        try:
            os.link(draft, path)  # never over one that another child has made meanwhile
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def own_identity(folder: Path, installation: str) -> SigningIdentity:
    """The identity of this home, made at the first call and renewed before it runs out. Raises OSError."""
    signing = folder / "signing"
    if not _is_current(signing):
        _make(folder, signing, installation)
    _sweep(folder)
    # Both in one file, so that they belong together even while another child renews them.
    key, begin, chain = (signing / "signer.pem").read_bytes().partition(_CERTIFICATE)
    return SigningIdentity("es256", begin + chain, key)


def given_identity(certificates: Path, key: Path) -> SigningIdentity:
    """The operator's own identity. Raises OSError, MediaError for a key of a kind that C2PA does not know."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  (half a second; most have no own key)
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

    text = key.read_bytes()
    try:
        opened = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError) as error:
        raise MediaError("the key of LONGTAKE_C2PA_KEY cannot be read: give it as PEM without a password") from error
    match opened:
        case ec.EllipticCurvePrivateKey() if opened.curve.key_size in _CURVES:
            algorithm = _CURVES[opened.curve.key_size]
        case ed25519.Ed25519PrivateKey():
            algorithm = "ed25519"
        case rsa.RSAPrivateKey():
            algorithm = "ps256"
        case _:
            raise MediaError("the key of LONGTAKE_C2PA_KEY is of no kind that C2PA signs with: use P-256, for one")
    plain = opened.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningIdentity(algorithm, certificates.read_bytes(), plain)


def _is_current(signing: Path) -> bool:
    try:
        ends = datetime.fromisoformat((signing / "renewed-before").read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return False
    return datetime.now(UTC) < ends


def _make(folder: Path, signing: Path, installation: str) -> None:
    """Make the folder under another name first: there is all of it, or none."""
    draft = folder / f"signing.{os.getpid()}.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        _write_certificates(draft, installation)
        if signing.exists() and not _is_current(signing):
            # Files signed before stay good for those who kept the old anchor: it is not thrown away.
            signing.rename(folder / f"signing-until-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        draft.rename(signing)
    except OSError:
        if not _is_current(signing):  # else another child was first
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what children that have died had begun: a draft may hold a key."""
    for draft in folder.glob("*.part"):
        owner = draft.name.split(".")[-2]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            else:
                draft.unlink(missing_ok=True)
        except (ValueError, OSError):
            continue


def _write_certificates(folder: Path, installation: str) -> None:
    from cryptography import x509  # noqa: PLC0415  (half a second; needed once in a home's life)
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID, ObjectIdentifier  # noqa: PLC0415

    def called(name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"longtake {installation}"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )

    def usage(*, signs_files: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=signs_files, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=not signs_files, crl_sign=not signs_files, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip

    now = datetime.now(UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = called("longtake certificate authority")

    def begun(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCKS_DIFFER)
            .not_valid_after(now + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )

    authority = (
        begun(authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs_files=False), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    purposes = [ObjectIdentifier(_EMAIL_PROTECTION), ObjectIdentifier(_C2PA_CLAIM_SIGNING)]
    leaf = (
        begun(called("longtake content credentials"), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs_files=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    _write_private(folder / "ca.pem", authority.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write_private(folder / "signer.pem", private + leaf.public_bytes(pem) + authority.public_bytes(pem))
    renewed = now + _VALID - _RENEWED_BEFORE
    _write_private(folder / "renewed-before", f"{renewed.isoformat()}\n".encode("ascii"))


def _write_private(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        os.fsync(file.fileno())
