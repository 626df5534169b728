"""A release with both bundles in a folder as ``fetch`` leaves it, and the bundles as an operator serves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from release_samples import EPOCH, manifest

from release.archive import Entry, write_tar_gz
from release.checksums import digest_of
from release.configure import PLACEHOLDERS, configured_files, console_values
from release.configure.record import Base, Kind, record_of, to_json
from release.manifest import Artifact, Requirements
from release.staged import stage

LAST_MIGRATION = 5

_PAGE = b'<!doctype html>\n<link rel="stylesheet" href="/index.css">\n<script src="/index.js"></script>\n'
VAULT_UI = {
    "index.html": _PAGE + b"<title>Vault</title>\n",
    "index.js": b"console.log('vault')\n",
    "index.css": b"a{}\n",
}
CONSOLE = {
    "index.html": _PAGE + b"<title>Console</title>\n",
    "index.js": f"ask({', '.join(repr(one) for one in PLACEHOLDERS.values())})\n".encode(),
    "index.css": b"b{}\n",
}
BUNDLES = {"vault-ui": VAULT_UI, "console": CONSOLE}


def make_release(folder: Path, version: str = "1.4.0", bundles: Mapping[str, Mapping[str, bytes]] = BUNDLES) -> Path:
    """Write the release."""
    folder.mkdir(parents=True)
    artifacts = []
    for piece, files in bundles.items():
        path = folder / f"tesseral-{piece}_{version}.tar.gz"
        entries = [Entry(path=name, source=content) for name, content in files.items()]
        tar = write_tar_gz(path, [*entries, Entry(path="films/film.mp4", source=bytes(1000))], EPOCH)
        digest = digest_of(path)
        artifacts.append(
            Artifact(
                name=path.name,
                piece=piece,
                size=digest.size,
                digest=digest.sha256,
                tar_digest=tar.sha256,
                media_type="application/gzip",
            )
        )
    requirements = Requirements(first_migration=1, last_migration=LAST_MIGRATION)
    stage(
        folder,
        manifest(
            version, artifacts=tuple(artifacts), requirements=requirements, console_placeholders=dict(PLACEHOLDERS)
        ),
    )
    return folder


def serve_bundles(folder: Path, vault: str, project: str) -> None:
    """Write both bundles as folders, the console configured for a vault and a project."""
    values = console_values(api_url=f"https://{vault}", dogfood_project_id=project)
    console = configured_files(CONSOLE, values)
    base = Base(kind=Kind.ARCHIVE, digest="sha256:" + "0" * 64, version="1.4.0")
    record = {"configured.json": to_json(record_of(base, values, console))}
    for name, files in (("vault-ui", VAULT_UI), ("console", console | record)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / name / path).write_bytes(content)
