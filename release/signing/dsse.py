"""DSSE envelopes: a document, its type and its signatures in one (secure-systems-lab/dsse, v1.0)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from .. import canonical
from ..errors import VerificationError
from .signer import Signer
from .sshsig import RELEASE
from .trust import TrustedKey, TrustedKeys

IN_TOTO = "application/vnd.in-toto+json"
"""Payload type of in-toto statements."""

LARGEST = 16 * 2**20
"""Bytes of the largest envelope that is read."""

_MOST_SIGNATURES = 32


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A document that was signed, and the key that did it."""

    data: bytes
    signed_by: TrustedKey


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: the type and the payload, each behind its length (protocol.md, "PAE")."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def sign(signer: Signer, payload: bytes, payload_type: str = IN_TOTO) -> bytes:
    """Return an envelope as one line of canonical JSON (envelope.md). Raises SigningError.

    ``keyid`` is the fingerprint of the key: a hint for people, never trusted.
    """
    return canonical.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [_signature(signer, pae(payload_type, payload))],
        }
    )


def add(envelope: bytes, signer: Signer, place: str, payload_type: str = IN_TOTO) -> bytes:
    """Return ``envelope`` with a signature by ``signer`` too; as it is when it has one.

    The payload stays byte for byte, and so do the signatures of others; none of them is checked. Raises SigningError,
    and VerificationError, with ``place``, for what is no envelope of the type or has as many signatures as are read.
    """
    document, payload, signatures = _opened(envelope, place, payload_type)
    message = pae(payload_type, payload)
    if any(signer.public_key.verifies(one, message) for one in signatures):
        return envelope
    if len(signatures) == _MOST_SIGNATURES:
        raise VerificationError(f"{place} has {_MOST_SIGNATURES} signatures, and no room for more", "make it anew")
    all_signatures = [*document["signatures"], _signature(signer, message)]
    try:
        return canonical.dumps(document | {"signatures": all_signatures})
    except (ValueError, RecursionError) as error:
        # Fields that nobody knows are kept, and may hold what can be read but not written.
        raise VerificationError(f"{place} holds more than an envelope: {error}", "make it anew") from error


def payload_of(envelope: bytes, place: str, payload_type: str = IN_TOTO) -> bytes:
    """Return what is in an envelope, whoever signed it. Raises VerificationError, with ``place``."""
    return _opened(envelope, place, payload_type)[1]


def verify(envelope: bytes, trusted: TrustedKeys, place: str, payload_type: str = IN_TOTO) -> Payload:
    """Return what a key that counts for releases signed. Raises VerificationError, with ``place``."""
    _, payload, signatures = _opened(envelope, place, payload_type)
    signed_by = trusted.verify_any(signatures, pae(payload_type, payload), RELEASE, place=place)
    return Payload(data=payload, signed_by=signed_by)


def _signature(signer: Signer, message: bytes) -> dict[str, str]:
    signature = signer.sign(message)
    return {"keyid": signer.public_key.fingerprint, "sig": base64.b64encode(signature).decode()}


def _opened(envelope: bytes, place: str, payload_type: str) -> tuple[dict[str, Any], bytes, list[bytes]]:
    """Return the document, its payload and the signatures. Raises VerificationError."""
    try:
        if len(envelope) > LARGEST:
            raise ValueError("it is too large")
        document = canonical.loads(envelope)
        kind, payload, signatures = _parse(document)
    except ValueError as error:
        raise VerificationError(f"{place} is no DSSE envelope: {error}", "fetch it again") from error
    if kind != payload_type:
        raise VerificationError(f"{place} holds {kind!r}, not {payload_type!r}", "fetch it again")
    return document, payload, signatures


def _parse(document: Any) -> tuple[str, bytes, list[bytes]]:  # noqa: ANN401 - JSON is any value
    """Take an envelope apart; what is not known in it does not count (envelope.md). Raises ValueError."""
    if not isinstance(document, dict) or not isinstance(document.get("payloadType"), str):
        raise ValueError("it has no payloadType")
    signatures = document.get("signatures")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= _MOST_SIGNATURES:
        raise ValueError(f"it has not between 1 and {_MOST_SIGNATURES} signatures")
    return (
        document["payloadType"],
        _decoded(document.get("payload"), "payload"),
        [_decoded(one.get("sig") if isinstance(one, dict) else None, "signature") for one in signatures],
    )


def _decoded(text: object, what: str) -> bytes:
    """Decode base64, in its standard or its URL-safe alphabet (envelope.md). Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError(f"it has no {what}")
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
