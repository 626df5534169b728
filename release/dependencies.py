"""How the packages in two published releases differ: from their SBOMs, else from their Go programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from .compiled import NEXT, build_info, representative
from .destination.protocol import Origin
from .diff import Dependencies, compare_packages, unversioned
from .errors import VerificationError
from .manifest import Artifact, Manifest
from .sbom import Package, is_sbom, packages_of, read_packages
from .sbom.golang import modules
from .temporary import brought
from .transfer import SILENT, Meter, in_parallel
from .version import Version

LARGEST = 2**26
"""Bytes of an SBOM, at most."""


def has_sboms(manifest: Manifest) -> bool:
    """Tell whether the release lists what is in its files."""
    return any(map(is_sbom, manifest.artifacts))


def compare_sboms(origin: Origin, old: Manifest, new: Manifest, meter: Meter = SILENT) -> tuple[Dependencies, ...]:
    """Compare what the SBOMs of two releases list, piece by piece.

    One that the other release has no counterpart of, as for a new target, is left out: all in it would
    look new. Raises VerificationError when a file isn't what the manifest says, or no SBOM, and
    DestinationError.
    """
    before, after = (
        {unversioned(one.name, release): one for one in release.artifacts if is_sbom(one)} for release in (old, new)
    )
    names = sorted(name for name in before.keys() & after.keys() if before[name].digest != after[name].digest)
    meter.expect(sum(side[name].size for side in (before, after) for name in names))
    return _compared(
        _listed(origin, old, [before[name] for name in names], meter),
        _listed(origin, new, [after[name] for name in names], meter),
    )


def compare_programs(origin: Origin, old: Manifest, new: Manifest, meter: Meter = SILENT) -> tuple[Dependencies, ...]:
    """Compare the modules that the Go programs of two releases were compiled from.

    Raises VerificationError when an archive isn't what the manifest says, or holds no Go program, and
    DestinationError.
    """
    before, after = representative(old.artifacts), representative(new.artifacts)
    pieces = sorted(piece for piece in before.keys() & after.keys() if before[piece].digest != after[piece].digest)
    meter.expect(sum(side[piece].size for side in (before, after) for piece in pieces))
    return _compared(
        {piece: packages_of(modules(build_info(origin, old.version, before[piece], meter))) for piece in pieces},
        {piece: packages_of(modules(build_info(origin, new.version, after[piece], meter))) for piece in pieces},
    )


def _compared(
    old: Mapping[str, Collection[Package]], new: Mapping[str, Collection[Package]]
) -> tuple[Dependencies, ...]:
    return tuple(one for piece in sorted(old) for one in compare_packages(piece, old[piece], new.get(piece, ())))


def _listed(origin: Origin, release: Manifest, sboms: Sequence[Artifact], meter: Meter) -> dict[str, set[Package]]:
    """Return what is in each piece, in any of its archives and its image."""
    found: dict[str, set[Package]] = {one.piece: set() for one in sboms}
    read = in_parallel([partial(_read, origin, release.version, one, meter) for one in sboms])
    for one, packages in zip(sboms, read, strict=True):
        found[one.piece] |= packages
    return found


def _read(origin: Origin, version: Version, sbom: Artifact, meter: Meter) -> frozenset[Package]:
    with brought(origin, version, sbom, meter, largest=LARGEST, otherwise=NEXT) as path:
        data = path.read_bytes()
    try:
        return read_packages(data)
    except ValueError as error:
        raise VerificationError(f"{sbom.name} in {origin.name} is no SBOM", NEXT) from error
