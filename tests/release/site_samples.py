"""A place with releases, for the tests of its index and pages."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from release_samples import CREATED, manifest

from release.channels import move
from release.checksums import digest_of_bytes
from release.destination import DirectoryDestination, Pin
from release.destination import yank as yanks
from release.destination.documents import yank_key
from release.destination.yank import Yank
from release.manifest import Artifact, Image, Manifest, Requirements, to_json
from release.sbom import MEDIA_TYPE, file_name, image_file_name
from release.version import parse

NOTES = """### Added

- Passkeys for **every** organisation, see [the guide](https://docs.example/passkeys).
- `API_SERVE_ADDR` takes a Unix socket.

### Changed

- Sessions end after 24 hours without use. Set `API_SESSION_IDLE` for another time:

      API_SESSION_IDLE=12h

### Fixed

1. The console shows users of more than one organisation once.
2. Mail to addresses with a `+` arrives.

> Take a backup first: migration 87 drops a column.
"""
TARGETS = ("linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64")


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def whole(version: str = "1.4.0", **changes: object) -> Manifest:
    """A manifest with everything that a real one has."""
    artifacts = []
    for piece in ("tesseral-api", "tesseral-bootstrap"):
        for number, target in enumerate(TARGETS):
            ending = "zip" if target.startswith("windows") else "tar.gz"
            name = f"{piece}_{version}_{target.replace('/', '_')}.{ending}"
            artifacts.append(artifact(name, piece, target, 14_680_000 + 1_234_567 * number))
    for piece in ("tesseral-console", "tesseral-vault-ui", "tesseraldb-migrations"):
        artifacts.append(artifact(f"{piece}_{version}.tar.gz", piece, None, 812_345))
    artifacts += [artifact(file_name(one.name), one.piece, one.target) for one in artifacts]
    images = [
        Image(name=name, digest=digest(name + version), size=1200, platforms=("linux/amd64", "linux/arm64"))
        for name in ("tesseral-api", "tesseral-bootstrap", "tesseral-console", "tesseral-vault-ui")
    ]
    artifacts += [artifact(image_file_name(one.name, version), one.name, None) for one in images]
    return manifest(
        version,
        **{
            "artifacts": tuple(sorted(artifacts, key=lambda one: one.name)),
            "images": tuple(images),
            "notes": NOTES,
            "source": replace(
                manifest().source,
                repository="https://git.example/tesseral/tesseral",
                committed_at=CREATED + timedelta(days=10 * parse(version).minor + parse(version).patch),
            ),
            "requirements": Requirements(
                first_migration=1, last_migration=90, irreversible_migrations=(7, 87), upgrade_from="1.2.0"
            ),
            "console_placeholders": {
                "CONSOLE_API_URL": "__PLACEHOLDER_CONSOLE_API_URL__",
                "CONSOLE_DOGFOOD_PROJECT_ID": "__PLACEHOLDER_CONSOLE_DOGFOOD_PROJECT_ID__",
            },
            **changes,
        },
    )


def artifact(name: str, piece: str, target: str | None, size: int = 1000) -> Artifact:
    kinds = {".zip": "application/zip", ".json": MEDIA_TYPE}
    kind = kinds.get(Path(name).suffix, "application/gzip")
    tar = digest(f"{name}.tar") if kind == "application/gzip" else None
    return Artifact(
        name=name, piece=piece, target=target, size=size, digest=digest(name), tar_digest=tar, media_type=kind
    )


def place(root: Path, release: Manifest) -> Pin:
    """Put a release where it is visible, as a publisher that was killed before the index leaves it."""
    data = to_json(release)
    folder = root / f".placing-{release.version}"
    folder.mkdir(parents=True)
    (folder / "release.json").write_bytes(data)
    (root / "releases").mkdir(exist_ok=True)
    folder.rename(root / "releases" / str(release.version))
    return Pin(version=release.version, manifest_digest=digest_of_bytes(data).sha256)


def promote(root: Path, name: str, pin: Pin) -> None:
    move(DirectoryDestination(root), name, pin)


def yank(root: Path, version: str, reason: str) -> None:
    record = yanks.to_json(Yank(version=parse(version), reason=reason))
    key = yank_key(parse(version))
    there = DirectoryDestination(root)
    assert there.swap(key, there.document(key), record)
