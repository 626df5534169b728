"""What is said about a release beside it: a signature over ``SHA256SUMS``, and where it comes from.

Both may differ from run to run (some keys sign differently each time), so they are no part of the
bytes that a version stands for: who has the release may add them later, or sign with a new key
(:mod:`.resign`). Publishing leaves those that are there.
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
    """Sign ``staged``; with ``toolchains`` (see :func:`.provenance.statement`), make its provenance too.

    What this key signed before stays. Raises what :func:`signed` raises, and OSError.
    """
    there = read(staged.directory)
    if toolchains is None:
        new = signed(there, staged.manifest, signer)
    else:
        made = dsse.sign(signer, provenance.statement(staged.manifest, toolchains))
        new = signed({**there, PROVENANCE: made}, staged.manifest, signer)
    for name in new:
        if new[name] != there.get(name):
            _write(staged.directory / name, new[name])


def signed(said: Mapping[str, bytes], manifest: Manifest, signer: Signer) -> dict[str, bytes]:
    """Return what is said about a release, by file name, as it is when ``signer`` has signed too.

    Provenance gets one signature more; ``SHA256SUMS.sig`` holds one only, so that of another key makes room. What
    this key signed stays as it is. Whether ``said`` is to be believed is for the caller to know. Raises SigningError,
    and VerificationError for provenance that is not about this release.
    """
    ours = TrustedKeys.of(signer.public_key)
    new = dict(said)
    if not is_signed(said, manifest, ours):
        new[SIGNATURE] = sign(signer, signed_bytes(manifest), RELEASE)
    if PROVENANCE in said:
        place = f"{PROVENANCE} of {manifest.version}"
        provenance.check(dsse.payload_of(said[PROVENANCE], place), manifest)
        new[PROVENANCE] = dsse.add(said[PROVENANCE], signer, place)
    return new


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
    check_provenance(attestations, manifest, trusted)
    return key


def check_provenance(attestations: Mapping[str, bytes], manifest: Manifest, trusted: TrustedKeys) -> None:
    """Make sure that the provenance, if any, is of this release and signed by a trusted key.

    Raises VerificationError.
    """
    if PROVENANCE in attestations:
        statement = dsse.verify(attestations[PROVENANCE], trusted, f"{PROVENANCE} of {manifest.version}")
        provenance.check(statement.data, manifest)


def is_signed(attestations: Mapping[str, bytes], manifest: Manifest, trusted: TrustedKeys) -> bool:
    """Tell whether a trusted key signed the release, whatever its provenance is."""
    try:
        check({name: data for name, data in attestations.items() if name == SIGNATURE}, manifest, trusted, "")
    except VerificationError:
        return False
    return True


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as sink:
        sink.write(data)
