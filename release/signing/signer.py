"""What can sign: the one thing that files, the environment and KMS have in common."""

from __future__ import annotations

from typing import Protocol

from .keys import PublicKey


class Signer(Protocol):
    """A private key, wherever it is."""

    @property
    def public_key(self) -> PublicKey:
        """Its public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign ``message``, as cosign, DSSE and openssl have it.

        ECDSA: over the SHA-256 of the message, DER (RFC 3279, section 2.2.3). Ed25519: over the message
        itself, 64 bytes (RFC 8032). Raises SigningError.
        """
        ...
