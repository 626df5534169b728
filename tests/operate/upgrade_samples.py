"""Releases that hold nothing but migrations, published to a directory; and the commands, as people run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from release_samples import EPOCH, ROOT, manifest
from support import SAMPLE

from release.archive import Entry, write_tar_gz
from release.checksums import digest_of
from release.manifest import Artifact, Requirements
from release.staged import StagedRelease, stage

SAMPLE_MIGRATIONS = {
    path.name: path.read_text() for path in sorted((SAMPLE / "cmd/openauthctl/migrations").glob("*.sql"))
}


def pair(number: int, title: str, up: str, down: str = "SELECT 1;") -> dict[str, str]:
    """The files of one migration."""
    return {f"{number:06d}_{title}.up.sql": up, f"{number:06d}_{title}.down.sql": down}


def staged_migrations(
    folder: Path,
    version: str,
    files: Mapping[str, str],
    *,
    upgrade_from: str | None = None,
    postgresql: str = ">=16.4",
    said: Mapping[str, Any] | None = None,
) -> StagedRelease:
    """A release with these migrations; ``said``: what its requirements say otherwise."""
    folder.mkdir(parents=True)
    archive = folder / f"tesseraldb-migrations_{version}.tar.gz"
    entries = [Entry(path=f"migrations/{name}", source=text.encode()) for name, text in files.items()]
    tar_digest = write_tar_gz(archive, [*entries, Entry(path="LICENSE", source=b"MIT\n")], EPOCH).sha256
    digest = digest_of(archive)
    numbers = sorted({int(name.split("_")[0]) for name in files if name.endswith(".sql")})
    requirements: dict[str, Any] = {
        "postgresql": postgresql,
        "first_migration": numbers[0],
        "last_migration": numbers[-1],
        "irreversible_migrations": tuple(
            int(name.split("_")[0]) for name, text in files.items() if name.endswith(".down.sql") and not text.strip()
        ),
        "upgrade_from": upgrade_from,
    }
    artifact = Artifact(
        name=archive.name,
        piece="tesseraldb-migrations",
        size=digest.size,
        digest=digest.sha256,
        tar_digest=tar_digest,
        media_type="application/gzip",
    )
    wanted = Requirements(**{**requirements, **(said or {})})
    return stage(folder, manifest(version, artifacts=(artifact,), requirements=wanted))


def tool(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [sys.executable, "-m", "release", *map(str, arguments)],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start_tool(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the program."""
    return subprocess.Popen(
        [sys.executable, "-m", "release", *map(str, arguments)],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment(more: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(more or {})}


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a database answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def schema_of(url: str) -> tuple[int, bool] | None:
    """The number that golang-migrate's table holds, and whether it is dirty."""
    rows = ask(url, "SELECT version, dirty FROM schema_migrations")
    return (rows[0][0], rows[0][1]) if rows else None
