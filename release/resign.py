"""Sign what is published already, as when keys change: its attestations and images, never its bytes.

A signature says that ``release.json`` is honest, so something must vouch for it first (:class:`Basis`). In each
destination images come first, then provenance, ``SHA256SUMS.sig`` last: until then who trusts the old key alone finds
all as before, from then on who trusts the new key alone finds all. Each step writes one file or manifest at once, or
nothing where it was done before, so the same command finishes what a kill at any point left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import attestations
from .attestations import PROVENANCE, SIGNATURE
from .destination.documents import release_key
from .destination.files import FileStore
from .destination.protocol import Destination
from .errors import ConflictError, DestinationError, SigningError, VerificationError
from .fetch.find import find
from .manifest import Manifest
from .signing import Signer, TrustedKeys
from .staged import IMAGES
from .verify import verify
from .version import Version


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a new signature rests on: one by a key of ``trusted``, or the folder ``copy``, the maintainers' own.

    The copy, of the whole release, is for when no signature can be believed: its key was stolen, so that nobody knows
    who made it. ``unsigned``: where nobody has signed yet, nothing need vouch.
    """

    trusted: TrustedKeys
    copy: Path | None = None
    unsigned: bool = False


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What was signed at one destination just now: names of attestations, and ``images/<name>``."""

    destination: str
    version: Version
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Copy:
    folder: Path
    manifest: Manifest
    said: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class _Plan:
    destination: Destination
    manifest: Manifest
    there: Mapping[str, bytes]
    wanted: Mapping[str, bytes]


def resign(
    destinations: Sequence[Destination], version: Version, signer: Signer, basis: Basis, *, replace: bool = False
) -> tuple[Signed, ...]:
    """Let ``signer`` sign ``version`` in each destination; all are checked before the first one changes.

    Provenance and images get one signature more. ``SHA256SUMS.sig`` has room for one: with ``replace``, that of
    another key makes room for ours, and so does provenance that only the copy can make up for.

    Raises VersionError where the version is not published; SigningError for a key that is revoked or cannot be used;
    VerificationError when nothing vouches for the release, or what is there is damaged; ConflictError when something
    would have to be replaced, or the copy is another release; DestinationError.
    """
    for known in basis.trusted.revoked.keys:
        if known.key == signer.public_key:
            raise SigningError(f"the key {known} was revoked: {known.revoked}", "sign with another one")
    own = None if basis.copy is None else _read_copy(basis.copy, version)
    plans = [_plan(destination, version, signer, basis, own, replace=replace) for destination in destinations]
    for plan in plans:
        plan.destination.check_images(plan.manifest)
        plan.destination.check()
    return tuple(_carry_out(plan, signer) for plan in plans)


def _read_copy(folder: Path, version: Version) -> _Copy:
    """Check every byte of the copy, and return what is said about it."""
    manifest = verify(folder)
    if manifest.version != version:
        raise ConflictError(f"{folder} holds {manifest.version}, not {version}", "name the folder of that one")
    with FileStore(folder).told():
        return _Copy(folder=folder, manifest=manifest, said=attestations.read(folder))


def _plan(
    destination: Destination,
    version: Version,
    signer: Signer,
    basis: Basis,
    own: _Copy | None,
    *,
    replace: bool,
) -> _Plan:
    found = find(destination, str(version))
    manifest, there, place = found.manifest, found.attestations, destination.name
    if own is not None and manifest != own.manifest:
        raise ConflictError(
            f"{version} is published in {place} with another release.json than {own.folder} holds",
            "do not sign it before you know why",
        )
    # What this key signed is believed too: it may have been this command.
    known = basis.trusted | TrustedKeys.of(signer.public_key)
    if own is None:
        _check_vouched(there, manifest, known, place, unsigned=basis.unsigned)
        believed = there
    else:
        believed = _mended(there, manifest, known, own.said, place)
    wanted = attestations.signed(believed, manifest, signer)
    kept = {SIGNATURE: wanted[SIGNATURE], PROVENANCE: believed.get(PROVENANCE)}
    lost = [name for name, data in kept.items() if name in there and there[name] != data]
    if lost and not replace:
        raise ConflictError(
            f"{version} in {place} is signed with another key, and {' and '.join(lost)} would be replaced",
            "add --replace when all who fetch it trust the new key",
        )
    return _Plan(destination=destination, manifest=manifest, there=there, wanted=wanted)


def _check_vouched(
    there: Mapping[str, bytes], manifest: Manifest, known: TrustedKeys, place: str, *, unsigned: bool
) -> None:
    """Raise VerificationError unless ``known`` keys signed all that is ``there``."""
    if SIGNATURE not in there and not unsigned:
        raise VerificationError(
            f"{manifest.version} in {place} is not signed, so nothing says that it is what was published",
            "name your own copy of it with --folder, or believe the place with --insecure-unsigned",
        )
    try:
        if SIGNATURE in there:
            attestations.check(there, manifest, known, place)
        else:
            attestations.check_provenance(there, manifest, known)
    except VerificationError as error:
        raise VerificationError(
            f"{place}: {error.problem}",
            "if that key can still be trusted, name it with --key, else your own copy of the release with --folder",
        ) from error


def _mended(
    there: Mapping[str, bytes], manifest: Manifest, known: TrustedKeys, own: Mapping[str, bytes], place: str
) -> Mapping[str, bytes]:
    """Return ``there`` with the provenance of our ``own`` copy, unless a known key vouches for the one there.

    Raises VerificationError for one that nothing vouches for.
    """
    mended = {**there, **{name: own[name] for name in own if name == PROVENANCE}}
    if PROVENANCE not in there:
        return mended
    try:
        attestations.check_provenance(there, manifest, known)
    except VerificationError as error:
        if PROVENANCE in own:
            return mended
        raise VerificationError(
            f"{place}: {error.problem}, and the copy has no {PROVENANCE}",
            "name the key that signed it with --key, or build the release again, which makes it",
        ) from error
    return there


def _carry_out(plan: _Plan, signer: Signer) -> Signed:
    destination, version = plan.destination, plan.manifest.version
    names = [f"{IMAGES}/{name}" for name in destination.sign_images(plan.manifest, signer)]
    for name in (PROVENANCE, SIGNATURE):
        before, after = plan.there.get(name), plan.wanted.get(name)
        if after is None or after == before:
            continue
        if not destination.swap(release_key(version, name), before, after):
            raise DestinationError(f"{name} of {version} in {destination.name} was changed by another", "run again")
        names.append(name)
    return Signed(destination=destination.name, version=version, names=tuple(names))
