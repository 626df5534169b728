"""Packs what was built into a staged release: archives, image layouts, bills of materials, manifest, checksums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from release import __version__
from release.archive import Entry, entries_of, write_tar_gz, write_zip
from release.atomic import replacing
from release.checksums import digest_of, digest_of_bytes
from release.manifest import Artifact, Image, Manifest, Pipeline, Requirements
from release.manifest import Source as ManifestSource
from release.oci import write_layout
from release.proxy import archive_entries, installed
from release.sbom import MEDIA_TYPE, Sbom, file_name, image_file_name, to_json
from release.staged import StagedRelease, stage

from .images import Built, platform_image
from .lock import Lock
from .pieces import MIGRATIONS, PROXY, Kind, Piece, Target, archive_name
from .plan import Plan
from .sboms import artifact_sbom, image_sbom

MEDIA_TYPES = {"tar.gz": "application/gzip", "zip": "application/zip"}
LICENCE = "LICENSE"


def pack(plan: Plan, built: Built, lock: Lock, directory: Path, say: Callable[[str], None]) -> StagedRelease:
    """Write the whole release into ``directory``; nothing in it depends on when or where this runs."""
    artifacts: list[Artifact] = []
    for piece in plan.selection.pieces:
        for target in plan.selection.targets if piece.kind is Kind.BINARY else (None,):
            say(archive_name(piece, str(plan.version), target))
            artifacts += _archive(plan, built, lock, piece, target, directory)
    images = []
    for piece in plan.selection.images:
        say(f"image {piece.stem}")
        image, bill = _image(plan, built, lock, piece, directory)
        images.append(image)
        artifacts.append(bill)
    return stage(directory, _manifest(plan, lock, tuple(artifacts), tuple(images)))


def _archive(
    plan: Plan, built: Built, lock: Lock, piece: Piece, target: Target | None, directory: Path
) -> tuple[Artifact, Artifact]:
    name = archive_name(piece, str(plan.version), target)
    path = directory / name
    entries = _entries(plan, built, piece, target)
    tar_digest = None
    if name.endswith(".zip"):
        write_zip(path, entries, plan.source.epoch)
    else:
        tar_digest = write_tar_gz(path, entries, plan.source.epoch).sha256
    digest = digest_of(path)
    archive = Artifact(
        name=name,
        piece=piece.name,
        target=str(target) if target else None,
        size=digest.size,
        digest=digest.sha256,
        tar_digest=tar_digest,
        media_type=MEDIA_TYPES[target.extension if target else "tar.gz"],
    )
    sbom = artifact_sbom(plan, lock, piece, archive, entries)
    return archive, _bill(sbom, file_name(name), piece, archive.target, directory)


def _bill(sbom: Sbom, name: str, piece: Piece, target: str | None, directory: Path) -> Artifact:
    data = to_json(sbom)
    with replacing(directory / name) as file:
        file.write(data)
    digest = digest_of_bytes(data)
    return Artifact(
        name=name, piece=piece.name, target=target, size=digest.size, digest=digest.sha256, media_type=MEDIA_TYPE
    )


def _entries(plan: Plan, built: Built, piece: Piece, target: Target | None) -> tuple[Entry, ...]:
    if piece == PROXY:
        return archive_entries(replace(installed(), version=str(plan.version)))
    licence = plan.source.read(LICENCE)
    licences = (Entry(path=LICENCE, source=licence),) if licence else ()
    if target is not None:
        program = Entry(path=piece.binary + target.executable, source=built.binaries[piece, target], mode=0o755)
        return (program, *licences)
    if piece == MIGRATIONS:
        return (*entries_of(built.folders[piece], prefix="migrations/"), *licences)
    return entries_of(built.folders[piece])  # served as it is, so the files alone


def _image(plan: Plan, built: Built, lock: Lock, piece: Piece, directory: Path) -> tuple[Image, Artifact]:
    platforms = [platform_image(piece, target, built, lock) for target in plan.selection.platforms]
    index = write_layout(
        directory / "images" / piece.stem,
        piece.stem,
        platforms,
        plan.source.committed_at,
        str(plan.version),
        {"org.opencontainers.image.revision": plan.source.commit},
    )
    image = Image(name=piece.stem, digest=index.digest, size=index.size, platforms=index.platforms)
    sbom = image_sbom(plan, lock, piece, image, platforms)
    return image, _bill(sbom, image_file_name(piece.stem, str(plan.version)), piece, None, directory)


def _manifest(plan: Plan, lock: Lock, artifacts: tuple[Artifact, ...], images: tuple[Image, ...]) -> Manifest:
    source, migrations = plan.source, plan.migrations
    return Manifest(
        version=plan.version,
        source=ManifestSource(
            repository=source.repository,
            path=source.subdirectory or None,
            commit=source.commit,
            committed_at=source.committed_at.astimezone(UTC),
            tree_digest=source.tree_digest,
        ),
        pipeline=Pipeline(version=__version__, toolchain_lock_digest=lock.digest),
        artifacts=artifacts,
        images=images,
        requirements=Requirements(
            first_migration=migrations.first if migrations else None,
            last_migration=migrations.last if migrations else None,
            irreversible_migrations=migrations.irreversible if migrations else (),
        ),
        console_placeholders=plan.placeholders,
        notes=plan.notes,
    )
