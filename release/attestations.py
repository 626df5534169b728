"""What is said about a release beside it: a signature over ``SHA256SUMS``, and where it comes from.

Both may differ from run to run (some keys sign differently each time), so they are no part of the
bytes that a version stands for: who has the release may add them later, and the first one stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import checksums, provenance
from .atomic import replacing
from .errors import VerificationError
from .manifest import Manifest
from .signing import RELEASE, Signer, TrustedKey, TrustedKeys, dsse, sign
from .staged import StagedRelease, expected_checksums

SIGNATURE = f"{checksums.NAME}.sig"
"""File name of the SSH signature over ``SHA256SUMS``, namespace ``tesseral-release``."""
PROVENANCE = provenance.NAME

NAMES = (SIGNATURE, PROVENANCE)
"""File names that are never those of an artifact."""


def sign_release(staged: StagedRelease, signer: Signer, toolchains: Mapping[str, str] | None = None) -> None:
    """Sign ``staged``; with ``toolchains`` (see :func:`.provenance.statement`), its provenance too.

    What this key signed before stays. Raises SigningError and OSError.
    """
    ours = TrustedKeys((TrustedKey(key=signer.public_key),))
    try:
        check(read(staged.directory), staged.manifest, ours, str(staged.directory))
    except VerificationError:
        _write(staged.directory / SIGNATURE, sign(signer, signed_bytes(staged.manifest), RELEASE))
    if toolchains is not None:
        statement = provenance.statement(staged.manifest, toolchains)
        _write(staged.directory / PROVENANCE, dsse.sign(signer, statement))


def signed_bytes(manifest: Manifest) -> bytes:
    """Return what the signature is over: ``SHA256SUMS``, which lists ``release.json`` too."""
    return checksums.render(expected_checksums(manifest))


def read(directory: Path) -> dict[str, bytes]:
    """Return what there is in the folder of a release, by file name. Raises OSError."""
    return {name: (directory / name).read_bytes() for name in NAMES if (directory / name).is_file()}


def check(attestations: Mapping[str, bytes], manifest: Manifest, trusted: TrustedKeys, place: str) -> TrustedKey:
    """Return the trusted key that signed the release, after its provenance, if any, is checked as well.

    Raises VerificationError, with ``place``.
    """
    trusted.require()
    signature = attestations.get(SIGNATURE)
    if signature is None:
        raise VerificationError(
            f"{manifest.version} in {place} is not signed", "ask who publishes it, or take it with --insecure-unsigned"
        )
    key = trusted.verify(signature, signed_bytes(manifest), RELEASE, place=f"{SIGNATURE} of {manifest.version}")
    if PROVENANCE in attestations:
        statement = dsse.verify(attestations[PROVENANCE], trusted, f"{PROVENANCE} of {manifest.version}")
        provenance.check(statement.data, manifest)
    return key


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as sink:
        sink.write(data)
