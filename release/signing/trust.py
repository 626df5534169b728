"""Whose signatures count: several keys at once, so that keys can change, and keys that count no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import VerificationError
from . import sshsig
from .keys import PublicKey

_TRUST = "if the maintainers confirm it, name it with --key or under trusted-keys in the config"
_REFUSED = "do not use what it signed; ask where you got it"


@dataclass(frozen=True, kw_only=True)
class TrustedKey:
    """A key and what it is called. ``revoked``: why it counts no more.

    ``namespaces``: what it counts for; empty for everything.
    """

    key: PublicKey
    name: str = ""
    namespaces: tuple[str, ...] = ()
    revoked: str | None = None

    def __str__(self) -> str:
        return f"{self.key.fingerprint} ({self.name})" if self.name else self.key.fingerprint


@dataclass(frozen=True)
class TrustedKeys:
    """All keys that are known. One that is listed as revoked counts no more, wherever else it is listed."""

    keys: tuple[TrustedKey, ...] = ()

    @classmethod
    def of(cls, key: PublicKey) -> TrustedKeys:
        """Return ``key`` alone, good for everything."""
        return cls((TrustedKey(key=key),))

    def __or__(self, other: TrustedKeys) -> TrustedKeys:
        return TrustedKeys(self.keys + other.keys)

    @property
    def revoked(self) -> TrustedKeys:
        """Those that count no more."""
        return TrustedKeys(tuple(known for known in self.keys if known.revoked is not None))

    def verify(self, signature: bytes, message: bytes, namespace: str, *, place: str = "the signature") -> TrustedKey:
        """Return the key that made the SSH ``signature``, the text of a ``.sig`` file, of ``message``.

        Raises VerificationError when that is not so, the signature was made for another namespace, or none of these
        keys made it, or one that counts no more.
        """
        self.require()
        found = sshsig.parse(signature, place)
        known = self._known(found.key, namespace, place)
        if found.namespace != namespace:
            raise VerificationError(f"{place} was made for {found.namespace!r}, not for {namespace!r}", _REFUSED)
        if not found.is_of(message):
            raise VerificationError(f"{place} is not by {known}, or what it signed was altered", "fetch both again")
        return known

    def verify_any(self, signatures: Sequence[bytes], message: bytes, namespace: str, *, place: str) -> TrustedKey:
        """Return the key that made one of ``signatures``, in the form of :meth:`Signer.sign`, of ``message``.

        Such signatures don't tell whose they are, so every key is tried; a key must count for ``namespace``.
        Raises VerificationError.
        """
        self.require()
        # Those that count come first: a second signature by one that counts no more does no harm.
        for known in sorted(self.keys, key=lambda known: self._reason(known.key) is not None):
            if any(known.key.verifies(signature, message) for signature in signatures):
                return self._known(known.key, namespace, place)
        raise VerificationError(f"{place} is not signed by a trusted key, or was altered", "fetch it again")

    def require(self) -> None:
        """Raise VerificationError when no key is known."""
        if not self.keys:
            raise VerificationError(
                "no trusted key is configured",
                "name the maintainers' with --key FILE or under trusted-keys in the config, "
                "or take what nobody signed with --insecure-unsigned",
            )

    def _reason(self, key: PublicKey) -> str | None:
        """Return why a key counts no more; None when it counts, or is not known."""
        return next((known.revoked for known in self.keys if known.key == key and known.revoked is not None), None)

    def _known(self, key: PublicKey, namespace: str, place: str) -> TrustedKey:
        """Find ``key``. Raises VerificationError when it is not there, or does not count for ``namespace``."""
        entries = [known for known in self.keys if known.key == key]
        if not entries:
            raise VerificationError(f"{place} is by a key that is not trusted, {key}", _TRUST)
        reason = self._reason(key)
        if reason is not None:
            raise VerificationError(f"{place} is by {entries[0]}, which was revoked: {reason}", _REFUSED)
        for known in entries:
            if not known.namespaces or namespace in known.namespaces:
                return known
        raise VerificationError(f"{place} is by {entries[0]}, which is not trusted for {namespace!r}", _TRUST)
