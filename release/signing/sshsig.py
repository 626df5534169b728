"""SSH signatures, which ``ssh-keygen -Y verify`` checks (PROTOCOL.sshsig of OpenSSH)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from ..errors import VerificationError
from . import keys, wire
from .keys import PublicKey
from .signer import Signer

RELEASE = "tesseral-release"
"""Namespace of the signature over ``SHA256SUMS``: it is good for nothing else."""
CHANNEL = "tesseral-channel"
"""Namespace of the signatures over channel files."""

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASHES = ("sha512", "sha256")
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_ARMOR = re.compile(rf"{_BEGIN}\n((?:[A-Za-z0-9+/]{{1,76}}={{0,2}}\n){{1,400}}){_END}\n?")
_LARGEST = 32 * 1024
_COLUMNS = 70  # as ssh-keygen writes


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature as it was read: who claims to have signed, what for, and how; nothing of it is checked.

    ``raw`` is in the form of :meth:`Signer.sign`.
    """

    key: PublicKey
    namespace: str
    hash_name: str
    raw: bytes

    def is_of(self, message: bytes) -> bool:
        """Tell whether :attr:`key` signed ``message`` for :attr:`namespace`."""
        return self.key.verifies(self.raw, _signed_data(message, self.namespace, self.hash_name))


def sign(signer: Signer, message: bytes, namespace: str) -> bytes:
    """Sign ``message`` for ``namespace``; returns the text of a ``.sig`` file. Raises SigningError."""
    key, hash_name = signer.public_key, _HASHES[0]
    raw = signer.sign(_signed_data(message, namespace, hash_name))
    fields = (key.blob, namespace.encode(), b"", hash_name.encode(), _to_ssh(key, raw))
    data = base64.b64encode(_MAGIC + _VERSION.to_bytes(4, "big") + b"".join(map(wire.string, fields))).decode()
    lines = (data[start : start + _COLUMNS] for start in range(0, len(data), _COLUMNS))
    return "\n".join((_BEGIN, *lines, _END, "")).encode()


def parse(data: bytes, place: str) -> Signature:
    """Read the text of a ``.sig`` file. Raises VerificationError, with ``place``, unless it is one to the last byte."""
    if len(data) > _LARGEST:
        raise _refused(place, "it is too long")
    armor = _ARMOR.fullmatch(data.decode("latin-1"))
    if armor is None:
        raise _refused(place, f"it is not base64 between {_BEGIN!r} and {_END!r}")
    try:
        return _parse(base64.b64decode(armor[1].replace("\n", ""), validate=True), place)
    except ValueError as error:
        raise _refused(place, str(error)) from error


def _parse(data: bytes, place: str) -> Signature:
    """Read what is inside the armor. Raises ValueError and VerificationError."""
    reader = wire.Reader(data)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.uint32() != _VERSION:
        raise ValueError(f"it is not of version {_VERSION}")
    blob, namespace, reserved, hash_name, signature = (reader.string() for _ in range(5))
    reader.end()
    key = keys.from_blob(blob, place)
    # Signed as empty whatever is written there, so that only one form can be good.
    if reserved:
        raise ValueError("its reserved field is not empty")
    if hash_name.decode("ascii") not in _HASHES:
        raise ValueError("its hash is neither sha512 nor sha256")
    return Signature(
        key=key, namespace=namespace.decode("ascii"), hash_name=hash_name.decode(), raw=_from_ssh(key, signature)
    )


def _signed_data(message: bytes, namespace: str, hash_name: str) -> bytes:
    fields = (namespace.encode(), b"", hash_name.encode(), hashlib.new(hash_name, message).digest())
    return _MAGIC + b"".join(map(wire.string, fields))


def _to_ssh(key: PublicKey, raw: bytes) -> bytes:
    """Return a signature in the form of SSH (RFC 5656, section 3.1.2; RFC 8709, section 6)."""
    content = raw
    if key.algorithm == keys.ECDSA:
        r, s = decode_dss_signature(raw)
        content = wire.mpint(r) + wire.mpint(s)
    return wire.string(key.algorithm.encode()) + wire.string(content)


def _from_ssh(key: PublicKey, signature: bytes) -> bytes:
    """Take a signature out of the form of SSH. Raises ValueError."""
    reader = wire.Reader(signature)
    algorithm, content = reader.string(), reader.string()
    reader.end()
    if algorithm != key.algorithm.encode():
        raise ValueError("it is of another kind than its key")
    if key.algorithm != keys.ECDSA:
        return content
    numbers = wire.Reader(content)
    r, s = numbers.mpint(), numbers.mpint()
    numbers.end()
    return encode_dss_signature(r, s)


def _refused(place: str, problem: str) -> VerificationError:
    return VerificationError(f"{place} is no SSH signature: {problem}", "fetch it again")
