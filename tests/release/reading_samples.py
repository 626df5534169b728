"""A release with several pieces, published to a directory, for the tests of the reading side."""

from __future__ import annotations

import random
from pathlib import Path

from release_samples import CREATED, EPOCH, entries, manifest, platform_images

from release.archive import Entry, write_tar_gz, write_zip
from release.catalogue import refresh
from release.channels import move
from release.checksums import digest_of, digest_of_bytes
from release.destination import DirectoryDestination
from release.destination.channel import Pin
from release.manifest import Artifact, Image, to_json
from release.oci import write_layout
from release.publish import publish
from release.staged import StagedRelease, stage
from release.version import parse

API_LINUX = "tesseral-api_1.4.0_linux_amd64.tar.gz"
API_WINDOWS = "tesseral-api_1.4.0_windows_amd64.zip"
BOOTSTRAP = "tesseral-bootstrap_1.4.0_linux_amd64.tar.gz"
CONSOLE = "tesseral-console_1.4.0.tar.gz"
MIGRATIONS = "tesseraldb-migrations_1.4.0.tar.gz"
ALL = (API_LINUX, API_WINDOWS, BOOTSTRAP, CONSOLE, MIGRATIONS)


def several(directory: Path, version: str = "1.4.0", size: int = 3000) -> StagedRelease:
    """Five artifacts of four pieces and two images; ``size``: of the incompressible part of each artifact."""
    directory.mkdir(parents=True)
    artifacts = []
    for number, sample in enumerate(ALL):
        name = sample.replace("1.4.0", version)
        noise = random.Random(number).randbytes(size)
        files = (*entries(), Entry(path="noise", source=noise))
        piece = name.split("_")[0]
        target = next((t for t in ("linux/amd64", "windows/amd64") if t.replace("/", "_") in name), None)
        tar_digest = None
        if name.endswith(".zip"):
            write_zip(directory / name, files, EPOCH)
        else:
            tar_digest = write_tar_gz(directory / name, files, EPOCH).sha256
        digest = digest_of(directory / name)
        artifacts.append(
            Artifact(
                name=name,
                piece=piece,
                target=target,
                size=digest.size,
                digest=digest.sha256,
                tar_digest=tar_digest,
                media_type="application/zip" if name.endswith(".zip") else "application/gzip",
            )
        )
    images = []
    for name in ("tesseral-api", "tesseral-console"):
        files = entries(name.encode())
        index = write_layout(directory / "images" / name, name, platform_images(files), CREATED, version, {})
        images.append(Image(name=name, digest=index.digest, size=index.size, platforms=index.platforms))
    return stage(directory, manifest(version, artifacts=tuple(artifacts), images=tuple(images)))


def pin_of(release: StagedRelease) -> Pin:
    return Pin(version=release.manifest.version, manifest_digest=digest_of_bytes(to_json(release.manifest)).sha256)


def published(root: Path, *releases: StagedRelease, channel: str | None = None) -> DirectoryDestination:
    destination = DirectoryDestination(root)
    for release in releases:
        publish(release, [destination])
        if channel is not None:
            move(destination, channel, pin_of(release))
    refresh(destination)
    return destination


V140 = parse("1.4.0")
