"""What is in each archive and image of a release: bills of materials of the very entries that are packed."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from release import __version__, gobuildinfo
from release.archive import Entry
from release.checksums import digest_of
from release.errors import BuildError, VerificationError
from release.manifest import Artifact, Image
from release.oci import PlatformImage
from release.sbom import Component, Hash, Kind, Sbom
from release.sbom.bundled import imports, sources
from release.sbom.golang import program
from release.sbom.npm import Packages, packages
from release.sbom.purl import purl

from .data import CERTIFICATES, ZONEINFO
from .lock import DataPackage, Lock
from .pieces import Kind as PieceKind
from .pieces import Piece
from .plan import Plan

LICENCES: Mapping[str, str] = {"certifi": "MPL-2.0", "tzdata": "Apache-2.0"}
"""What the packages of :mod:`pipeline.data` declare."""


def artifact_sbom(plan: Plan, lock: Lock, piece: Piece, artifact: Artifact, entries: Sequence[Entry]) -> Sbom:
    """The bill of materials of an archive of ``entries``. Raises BuildError and SourceError."""
    version = str(plan.version)
    return _sbom(
        plan,
        lock,
        piece,
        entries,
        kind=Kind.FILE if piece.kind in (PieceKind.MIGRATIONS, PieceKind.KIT) else Kind.APPLICATION,
        digest=artifact.digest,
        purl=purl("generic", piece.stem, version, file_name=artifact.name, checksum=artifact.digest),
        properties=(("file", artifact.name), *([("target", artifact.target)] if artifact.target else [])),
    )


def image_sbom(plan: Plan, lock: Lock, piece: Piece, image: Image, platforms: Iterable[PlatformImage]) -> Sbom:
    """The bill of materials of an image on all its platforms. Raises BuildError and SourceError."""
    return _sbom(
        plan,
        lock,
        piece,
        [entry for platform in platforms for entry in platform.entries],
        kind=Kind.CONTAINER,
        digest=image.digest,
        purl=purl("oci", image.name, image.digest, tag=str(plan.version)),
        properties=tuple(("platform", platform) for platform in image.platforms),
    )


def _sbom(
    plan: Plan,
    lock: Lock,
    piece: Piece,
    entries: Sequence[Entry],
    *,
    kind: Kind,
    digest: str,
    purl: str,
    properties: tuple[tuple[str, str], ...],
) -> Sbom:
    found = _packages(plan, piece, entries) if piece.kind is PieceKind.BUNDLE else None
    subject = Component(
        kind=kind,
        name=piece.stem,
        version=str(plan.version),
        purl=purl,
        hashes=(Hash(algorithm="SHA-256", content=digest.removeprefix("sha256:")),),
        properties=(*properties, *(("npm:unattributed", path) for path in (found.unknown if found else ()))),
        parts=found.components if found else (*_programs(plan, entries), *_data(lock, entries)),
    )
    return Sbom(subject=subject, made_at=plan.source.committed_at, made_by=__version__)


def _programs(plan: Plan, entries: Iterable[Entry]) -> list[Component]:
    return [
        _program(plan, entry.path, entry.source)
        for entry in entries
        if isinstance(entry.source, Path) and entry.mode == 0o755
    ]


def _program(plan: Plan, name: str, path: Path) -> Component:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            info = gobuildinfo.parse(mapped)
    except VerificationError as error:
        raise BuildError(f"{name} was built, and {error.problem}", "its modules can't be listed") from error
    return program(name, digest_of(path), info, version=str(plan.version))


def _packages(plan: Plan, piece: Piece, entries: Iterable[Entry]) -> Packages:
    lock = f"{piece.path}/package-lock.json"
    maps = {entry.path: b"".join(entry.chunks()) for entry in entries if entry.path.endswith(".map")}
    styles = [file.path for file in plan.source.files if file.path.startswith(f"{piece.path}/src/")]
    return packages(
        plan.source.read(lock) or b"",
        lock,
        sources=[path for name, content in maps.items() for path in sources(content, f"{piece.name}: {name}")],
        imports=imports({path: plan.source.read(path) or b"" for path in styles if path.endswith(".css")}),
    )


def _data(lock: Lock, entries: Iterable[Entry]) -> list[Component]:
    paths = [entry.path for entry in entries]
    known = ((CERTIFICATES, lock.certificates), (ZONEINFO, lock.zoneinfo))
    return [_data_package(package) for place, package in known if any(path.startswith(place) for path in paths)]


def _data_package(pin: DataPackage) -> Component:
    return Component(
        kind=Kind.LIBRARY,
        name=pin.package,
        version=pin.version,
        purl=purl("pypi", pin.package, pin.version),
        licence=LICENCES[pin.package],
        properties=(("toolchain-lock:digest", pin.digest),),
    )
