"""New keys: the secret in OpenSSH's form, its public half as SSH and as cosign want it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ..atomic import sync_folder
from ..errors import SigningError
from . import keys
from .keys import PublicKey


class Kind(StrEnum):
    """Kinds of keys that can be made: ECDSA P-256, which KMS has too, or Ed25519."""

    ECDSA = "ecdsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key that was made, and its files."""

    public_key: PublicKey
    private: Path
    public: Path
    pem: Path


def generate(path: Path, kind: Kind, comment: str, passphrase: bytes) -> NewKey:
    """Make a key: ``path`` (mode 0600, encrypted unless the passphrase is empty), ``path``.pub and ``path``.pem.

    Raises SigningError when one of the files is there already, or cannot be written; then none is left behind.
    """
    key = ec.generate_private_key(ec.SECP256R1()) if kind is Kind.ECDSA else ed25519.Ed25519PrivateKey.generate()
    public_key = keys.of(key.public_key(), "the new key")
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    made = NewKey(
        public_key=public_key,
        private=path,
        public=path.with_name(f"{path.name}.pub"),
        pem=path.with_name(f"{path.name}.pem"),
    )
    _create(
        {
            made.private: (secret, 0o600),
            made.public: (f"{public_key.openssh(comment)}\n".encode(), 0o644),
            made.pem: (public_key.pem(), 0o644),
        }
    )
    return made


def _create(files: dict[Path, tuple[bytes, int]]) -> None:
    """Write all files, with their modes, or none; none may exist."""
    created: list[Path] = []
    try:
        for path, (data, mode) in files.items():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            created.append(path)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)
                file.write(data)
                file.flush()
                os.fsync(handle)
        sync_folder(path.parent)
    except BaseException as error:
        for made in created:
            made.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise SigningError(
                f"{path} exists already, and keys are never overwritten", "choose another name"
            ) from error
        if isinstance(error, OSError):
            raise SigningError(f"{path} cannot be written: {error.strerror}", "choose another place") from error
        raise
