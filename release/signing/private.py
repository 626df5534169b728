"""Private keys from files and from the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import SSHPrivateKeyTypes

from ..errors import SigningError, VerificationError
from . import keys
from .keys import PublicKey
from .passphrase import of_key

KEY_VARIABLE = "TESSERAL_RELEASE_KEY"
"""Environment variable that holds the text of a key, by convention."""

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_LARGEST = 64 * 1024
_MAKE = "make one with `tesseral-release keygen`"

Ask = Callable[[str], bytes]
"""Gives the passphrase of the key in a place."""


@dataclass(frozen=True, kw_only=True)
class PrivateKey:
    """A key in the memory of this process; a :class:`Signer`."""

    public_key: PublicKey
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Sign ``message``; the same signature every time (RFC 6979, RFC 8032)."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def read(path: Path, ask: Ask = of_key) -> PrivateKey:
    """Read the key in a file that nobody else can read; :func:`parse` says in which forms. Raises SigningError."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise SigningError(f"the key {path} cannot be read: {error.strerror}", f"name its file, or {_MAKE}") from error
    if mode & 0o077:
        raise SigningError(f"others can read the key {path}, its mode is {mode:04o}", f"run `chmod 600 {path}`")
    return parse(data, f"the key {path}", ask)


def from_environment(name: str, environment: Mapping[str, str] = os.environ, ask: Ask = of_key) -> PrivateKey:
    """Read the key whose text the variable ``name`` holds. Raises SigningError."""
    if not environment.get(name):
        raise SigningError(f"the environment variable {name} holds no key", "set it to the text of a private key")
    return parse(environment[name].encode("utf-8", "surrogateescape"), f"the key in {name}", ask)


def parse(data: bytes, place: str, ask: Ask = of_key) -> PrivateKey:
    """Read a key in the form of OpenSSH (PROTOCOL.key), PKCS #8 (RFC 5958) or SEC 1 (RFC 5915), as PEM.

    ``ask`` is called for one that is encrypted. Raises SigningError, with ``place``.
    """
    if len(data) > _LARGEST:
        raise SigningError(f"{place} is too large to be one", "name the file of a private key")
    data = data.strip()  # a variable may start with a line feed
    encrypted = False
    try:
        try:
            key = _load(data, None)
        except TypeError:  # how cryptography says that it is encrypted
            encrypted = True
            key = _load(data, ask(place))
    except (ValueError, TypeError) as error:
        if encrypted:
            raise SigningError(f"{place} cannot be decrypted", "check the passphrase") from error
        raise SigningError(
            f"{place} is no private key that can be read", f"use OpenSSH's form or PEM, or {_MAKE}"
        ) from error
    except UnsupportedAlgorithm as error:
        raise SigningError(f"{place} is of a kind or encrypted in a way that is not known", _MAKE) from error
    try:
        public_key = keys.of(key.public_key(), place)
    except VerificationError as error:
        raise SigningError(error.problem, error.next_step) from error
    return PrivateKey(public_key=public_key, key=key)  # type: ignore[arg-type] # keys.of() takes no other kind


def _load(data: bytes, passphrase: bytes | None) -> PrivateKeyTypes | SSHPrivateKeyTypes:
    if data.startswith(_OPENSSH):
        return serialization.load_ssh_private_key(data, passphrase)
    return serialization.load_pem_private_key(data, passphrase)
