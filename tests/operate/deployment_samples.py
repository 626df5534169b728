"""A release to deploy, what an operator has beside it, and the example in deploy/ made from that.

Run as a program, with the folders of the tests in PYTHONPATH, it writes the example anew.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from console_samples import VALUES as CONSOLE_VALUES
from console_samples import layout as console_layout
from release_samples import CREATED, EPOCH, ROOT, manifest

from release import cli
from release import pin as pin_file
from release.archive import Entry, write_tar_gz
from release.checksums import digest_of, digest_of_bytes
from release.configure import PLACEHOLDERS, configure_console
from release.destination.channel import Pin
from release.manifest import Artifact, Image, Manifest, Requirements, to_json
from release.oci import ImageConfig, ImageIndex, PlatformImage, write_layout
from release.proxy import archive_entries, installed
from release.staged import StagedRelease, stage

DEPLOY = ROOT / "deploy"
VERSION = "1.0.0"
TARGETS = ("linux/amd64", "linux/arm64")
REGISTRY = "registry.example.com/tesseral"
NGINX = "registry.example.com/nginx:1.29@sha256:" + "5eed" * 16
IMAGES = ("tesseral-api", "tesseral-bootstrap", "tesseral-vault-ui", "tesseraldb-migrations")
LAST_MIGRATION = 5  # as examples/minitesseral has
PROGRAM = b"#!/bin/sh\necho ready\n"


def make_release(folder: Path, version: str = VERSION) -> StagedRelease:
    """A whole release, with small files."""
    folder.mkdir(parents=True)
    artifacts = [
        _archive(folder, f"tesseral-{piece}", piece, version, [Entry(path=program, source=PROGRAM, mode=0o755)], target)
        for piece, program in (("api", "api"), ("bootstrap", "openauthctl"))
        for target in TARGETS
    ]
    page = [Entry(path="index.html", source=b"<!doctype html><title>vault</title>\n")]
    sql = [Entry(path="migrations/000001_first.up.sql", source=b"SELECT 1;\n")]
    kit = archive_entries(replace(installed(), version=version))
    artifacts += [
        _archive(folder, "tesseral-vault-ui", "vault-ui", version, page),
        _archive(folder, "tesseraldb-migrations", "migrations", version, sql),
        _archive(folder, "tesseral-proxy", "proxy", version, kit),
    ]
    indexes = {name: _layout(folder / "images" / name, name, version) for name in IMAGES}
    indexes["tesseral-console"] = console_layout(folder / "images/tesseral-console", ref=version)
    images = [
        Image(name=name, digest=index.digest, size=index.size, platforms=index.platforms)
        for name, index in indexes.items()
    ]
    return stage(
        folder,
        manifest(
            version,
            artifacts=tuple(artifacts),
            images=tuple(images),
            requirements=Requirements(first_migration=1, last_migration=LAST_MIGRATION),
            console_placeholders=dict(PLACEHOLDERS),
        ),
    )


def pin_of(release: Manifest) -> Pin:
    return Pin(version=release.version, manifest_digest=digest_of_bytes(to_json(release)).sha256)


def make_place(folder: Path) -> Path:
    """All that the commands need, for the settings in deploy/: a release, its pin, its console as an own image."""
    release = make_release(folder / "tesseral").manifest
    pin_file.write(folder / pin_file.NAME, pin_of(release))
    configure_console(folder / "tesseral/images/tesseral-console", CONSOLE_VALUES, folder / "console-image")
    shutil.copy(DEPLOY / "tesseral.toml", folder)
    return folder


def words(kind: str, folder: Path, into: Path) -> list[str]:
    """The command line in a folder that :func:`make_place` made."""
    flags = {"--config": folder / "tesseral.toml", "--pin": folder / pin_file.NAME, "--release": folder / "tesseral"}
    if kind == "kubernetes":
        flags |= {"--registry": REGISTRY, "--nginx-image": NGINX, "--console": folder / "console-image"}  # type: ignore[dict-item]
    return [kind, *(str(word) for flag in flags.items() for word in flag), "--into", str(into)]


def run(arguments: Iterable[str]) -> None:
    cli.main(["configure", "deployment", *arguments])


def prepare(kind: str, folder: Path, **changes: str) -> None:
    """Let the settings name a file of variables that is there, where it is read; ``changes`` replace other text."""
    settings = folder / "tesseral.toml"
    text = settings.read_text()
    if kind == "kubernetes":
        text = text.replace('"/etc/tesseral/api.env"', f'"{DEPLOY / "api.env"}"')
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text)


def render(kind: str, folder: Path, into: Path, **changes: str) -> dict[str, str]:
    """Run the command and return what it wrote, with the settings as :func:`prepare` has them."""
    prepare(kind, folder, **changes)
    run(words(kind, folder, into))
    return content(into)


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def without_own_version(files: Mapping[str, str]) -> dict[str, str]:
    """Files with the version of this program left out: it is said in their first line alone."""
    made = re.compile(r"^(# Made by tesseral-release )\S+")
    return {path: made.sub(r"\1VERSION", text) for path, text in files.items()}


def _archive(
    folder: Path, stem: str, piece: str, version: str, entries: Iterable[Entry], target: str | None = None
) -> Artifact:
    name = "_".join([stem, version, *([target.replace("/", "_")] if target else [])]) + ".tar.gz"
    tar = write_tar_gz(folder / name, tuple(entries), EPOCH)
    digest = digest_of(folder / name)
    return Artifact(
        name=name,
        piece=piece,
        target=target,
        size=digest.size,
        digest=digest.sha256,
        tar_digest=tar.sha256,
        media_type="application/gzip",
    )


def _layout(folder: Path, name: str, version: str) -> ImageIndex:
    entries = (Entry(path="file", source=name.encode()),)
    images = [
        PlatformImage(platform=platform, entries=entries, config=ImageConfig(entrypoint=())) for platform in TARGETS
    ]
    return write_layout(folder, name, images, CREATED, version, {})


def main() -> None:
    """Write the example in deploy/ anew."""
    with tempfile.TemporaryDirectory() as folder:
        place = make_place(Path(folder) / "place")
        for kind in ("systemd", "kubernetes"):
            render(kind, place, DEPLOY / kind)


if __name__ == "__main__":
    main()
