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
    signature = signer.sign(pae(payload_type, payload))
    return canonical.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [
                {"keyid": signer.public_key.fingerprint, "sig": base64.b64encode(signature).decode()},
            ],
        }
    )


def verify(envelope: bytes, trusted: TrustedKeys, place: str, payload_type: str = IN_TOTO) -> Payload:
    """Return what a key that counts for releases signed. Raises VerificationError, with ``place``."""
    try:
        if len(envelope) > LARGEST:
            raise ValueError("it is too large")
        kind, payload, signatures = _parse(canonical.loads(envelope))
    except ValueError as error:
        raise VerificationError(f"{place} is no DSSE envelope: {error}", "fetch it again") from error
    if kind != payload_type:
        raise VerificationError(f"{place} holds {kind!r}, not {payload_type!r}", "fetch it again")
    signed_by = trusted.verify_any(signatures, pae(payload_type, payload), RELEASE, place=place)
    return Payload(data=payload, signed_by=signed_by)


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
