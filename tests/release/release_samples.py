"""A small release, always the same, for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings

from release.archive import Entry, write_tar_gz, write_zip
from release.checksums import digest_of
from release.manifest import Artifact, Image, Manifest, Pipeline, Requirements, Source
from release.oci import ImageConfig, PlatformImage, write_layout
from release.staged import StagedRelease, stage
from release.version import parse

# A machine that builds at the same time is slow; that is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ROOT = Path(__file__).parents[2]
CREATED = datetime(2026, 1, 1, 12, 30, 7, tzinfo=UTC)
EPOCH = int(CREATED.timestamp())
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = ImageConfig(
    entrypoint=("/api",), env=("API_SERVE_ADDR=:3001",), user="65532:65532", exposed_ports=("3001/tcp",)
)


# Varied enough that the level of compression shows.
PROGRAM = b"".join(b"%d\n" % (number * number) for number in range(5000))


def entries(content: bytes = PROGRAM) -> tuple[Entry, ...]:
    return (
        Entry(path="bin/api", source=content, mode=0o755),
        Entry(path="share/größe.txt", source="Größe\n".encode()),
        Entry(path="share/" + "deep/" * 30 + "file", source=b""),
        Entry(path="LICENSE", source=b"MIT\n"),
    )


def platform_images(files: tuple[Entry, ...]) -> list[PlatformImage]:
    return [
        PlatformImage(platform=platform, entries=files, config=CONFIG) for platform in ("linux/arm64", "linux/amd64")
    ]


def manifest(version: str = "1.4.0", **changes: object) -> Manifest:
    result = Manifest(
        version=parse(version),
        source=Source(commit=COMMIT, committed_at=CREATED, tree_digest="sha256:" + "a" * 64),
        pipeline=Pipeline(version="0.1.0", toolchain_lock_digest="sha256:" + "b" * 64),
        artifacts=(),
        requirements=Requirements(first_migration=1, last_migration=90, irreversible_migrations=(7,)),
        console_placeholders={"CONSOLE_API_URL": "https://placeholder.invalid"},
        notes="### Added\n\n- Größe",
    )
    return replace(result, **changes)  # type: ignore[arg-type]


def staged(directory: Path, version: str = "1.4.0", content: bytes = PROGRAM) -> StagedRelease:
    directory.mkdir(parents=True)
    files = entries(content)
    tar = directory / f"tesseral-api_{version}_linux_amd64.tar.gz"
    zipped = directory / f"tesseral-api_{version}_windows_amd64.zip"
    tar_digest = write_tar_gz(tar, files, EPOCH).sha256
    write_zip(zipped, files, EPOCH)
    index = write_layout(
        directory / "images" / "tesseral-api", "tesseral-api", platform_images(files), CREATED, version, {}
    )
    artifacts = (
        _artifact(zipped, "windows/amd64", "application/zip", None),
        _artifact(tar, "linux/amd64", "application/gzip", tar_digest),
    )
    images = (Image(name="tesseral-api", digest=index.digest, size=index.size, platforms=index.platforms),)
    return stage(directory, manifest(version, artifacts=artifacts, images=images))


def _artifact(path: Path, target: str, media_type: str, tar_digest: str | None) -> Artifact:
    digest = digest_of(path)
    return Artifact(
        name=path.name,
        piece="tesseral-api",
        target=target,
        size=digest.size,
        digest=digest.sha256,
        tar_digest=tar_digest,
        media_type=media_type,
    )
