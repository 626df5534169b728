"""Public keys: ECDSA P-256, which every tool and KMS takes, and Ed25519."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ..errors import VerificationError
from . import wire

ECDSA = "ecdsa-sha2-nistp256"
ED25519 = "ssh-ed25519"
LARGEST_BLOB = 8192
"""Bytes; a key of RSA with 16384 bits, which is refused for what it is, takes 2 KiB."""

_CURVE = "nistp256"
_USE = "use ECDSA P-256 or Ed25519, such as `tesseral-release keygen` makes"

Known = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True)
class PublicKey:
    """A key in the form of SSH (RFC 5656, section 3.1; RFC 8709, section 4); one key has one form.

    Made by :func:`from_blob`, :func:`from_spki` and :func:`of`, which check it.
    """

    blob: bytes

    def __str__(self) -> str:
        return self.fingerprint

    @property
    def algorithm(self) -> str:
        """SSH's name for its kind: :data:`ECDSA` or :data:`ED25519`."""
        return wire.Reader(self.blob).string().decode()

    @property
    def fingerprint(self) -> str:
        """Its name for people, as ``ssh-keygen -l`` prints it: ``SHA256:`` and base64 without padding."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    def openssh(self, comment: str = "") -> str:
        """Return the line of a ``.pub`` file, without its end (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""
        return " ".join(filter(None, (self.algorithm, base64.b64encode(self.blob).decode(), comment)))

    def pem(self) -> bytes:
        """Return the SubjectPublicKeyInfo as PEM (RFC 7468, section 13), which cosign and openssl take."""
        return _load(self.blob).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether ``signature``, in the form of :meth:`Signer.sign`, is of ``message`` by this key."""
        key = _load(self.blob)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            else:
                key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def of(key: object, place: str) -> PublicKey:
    """Take a public key of ``cryptography``. Raises VerificationError for kinds that are not taken."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return PublicKey(wire.string(ED25519.encode()) + wire.string(raw))
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return PublicKey(b"".join(map(wire.string, (ECDSA.encode(), _CURVE.encode(), point))))
    if isinstance(key, ec.EllipticCurvePublicKey):
        raise _not_taken(f"EC {key.curve.name}", place)
    raise _not_taken(type(key).__name__.removesuffix("PublicKey"), place)


def from_blob(blob: bytes, place: str) -> PublicKey:
    """Take a key in the form of SSH. Raises VerificationError, with ``place``, for anything else."""
    try:
        if len(blob) > LARGEST_BLOB:
            raise ValueError("it is too long")
        algorithm = wire.Reader(blob).string().decode("ascii")
        if algorithm in (ECDSA, ED25519):
            key = of(_load(blob), place)
            if key.blob != blob:
                raise ValueError("it is not in its only form")
            return key
    except ValueError as error:
        raise VerificationError(f"{place} holds no SSH public key: {error}", "get the key again") from error
    raise _not_taken(algorithm, place)


def from_spki(data: bytes, place: str) -> PublicKey:
    """Take a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), as PEM or DER. Raises VerificationError."""
    if b"PRIVATE KEY" in data:
        raise VerificationError(f"{place} holds a private key", "name the file of its public half, which ends in .pub")
    load = serialization.load_pem_public_key if data.startswith(b"-----") else serialization.load_der_public_key
    try:
        return of(load(data), place)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerificationError(f"{place} holds no public key that can be read", "get the key again") from error


def _load(blob: bytes) -> Known:
    """Read one of the two kinds. Raises ValueError."""
    reader = wire.Reader(blob)
    if reader.string() == ED25519.encode():
        raw = reader.string()
        reader.end()
        return ed25519.Ed25519PublicKey.from_public_bytes(raw)
    reader.string()  # the curve again; from_blob compares the whole
    point = reader.string()
    reader.end()
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _not_taken(kind: str, place: str) -> VerificationError:
    return VerificationError(f"{place} holds a key of the kind {kind!r}, which is not taken", _USE)
