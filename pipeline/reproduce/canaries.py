"""A time stamp let into one file of each kind of artifact: a comparison that misses it is worth nothing.

Each artifact is unpacked and packed again twice, by the pipeline's own writers: as it was, and with the
time in one file. Exactly that file has to be found.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from release.archive import entries_of, unpack, write_tar_gz, write_zip
from release.compare import compare
from release.manifest import NAME, Artifact, Manifest, from_json
from release.oci import ImageConfig, PlatformImage, write_layout
from release.oci.write import blob_path
from release.sbom import is_sbom
from release.staged import IMAGES

Pack = Callable[[Path, Path], None]


@dataclass(frozen=True, kw_only=True)
class Canary:
    """What came of one canary: it was let into ``member`` of ``artifact``; ``how`` it shows, if it does."""

    kind: str
    artifact: str
    member: str
    caught: bool
    how: str


def packed_canaries(release: Path, work: Path) -> tuple[Canary, ...]:
    """Let a canary into one artifact of each kind in the folder ``release``; ``work`` is a new folder."""
    manifest = from_json((release / NAME).read_bytes())
    sboms = [artifact for artifact in manifest.artifacts if is_sbom(artifact)]
    chosen = {kind_of(artifact): artifact for artifact in reversed(manifest.artifacts) if artifact not in sboms}
    canaries = [_archive(kind, release / artifact.name, manifest, work) for kind, artifact in sorted(chosen.items())]
    if sboms:
        canaries.append(_document("SBOM", release / sboms[0].name, work))
    if manifest.images:
        canaries.append(_image(release, manifest, work))
    return tuple(canaries)


def kind_of(artifact: Artifact) -> str:
    """What an artifact is: ``program in a zip``, or its piece."""
    ending = "zip" if artifact.name.endswith(".zip") else "tar.gz"
    return f"program, {ending}" if artifact.target else f"{artifact.piece}, {ending}"


def _archive(kind: str, archive: Path, manifest: Manifest, work: Path) -> Canary:
    files = work / archive.name / "files"
    files.parent.mkdir(parents=True)
    unpack(archive, files)
    write = write_zip if archive.suffix == ".zip" else write_tar_gz
    epoch = int(manifest.source.committed_at.timestamp())

    def pack(folder: Path, into: Path) -> None:
        write(into / archive.name, entries_of(folder), epoch)

    return let_in(kind, archive.name, files, pack, lambda member: member)


def _document(kind: str, path: Path, work: Path) -> Canary:
    """An artifact that is one file, packed in nothing."""
    without, with_canary = (work / path.name / name for name in ("without", "with"))
    for folder in (without, with_canary):
        folder.mkdir(parents=True)
        shutil.copy(path, folder)
    with (with_canary / path.name).open("ab") as file:
        file.write(str(time.time_ns()).encode())
    found = compare(without, with_canary)
    caught = [(one.artifact, one.member) for one in found] == [(path.name, "")]
    how = "; ".join(one.how for one in found) or "no difference was seen"
    return Canary(kind=kind, artifact=path.name, member=path.name, caught=caught, how=how)


def _image(release: Path, manifest: Manifest, work: Path) -> Canary:
    image = manifest.images[0]
    platform = image.platforms[0]
    name = f"{IMAGES}/{image.name}"
    files = work / image.name / "files"
    files.parent.mkdir(parents=True)
    unpack(_first_layer(release / name), files)

    def pack(folder: Path, into: Path) -> None:
        one = PlatformImage(platform=platform, entries=entries_of(folder), config=ImageConfig(entrypoint=()))
        created: datetime = manifest.source.committed_at
        write_layout(into / name, image.name, [one], created, str(manifest.version), {})

    return let_in("image", name, files, pack, lambda member: f"{platform} layer 1: {member}")


def _first_layer(layout: Path) -> Path:
    digest = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    for group in ("manifests", "layers"):  # the index, then the manifest of its first platform
        document = json.loads((layout / blob_path(digest)).read_bytes())
        digest = document[group][0]["digest"]
    return layout / blob_path(str(digest))


def let_in(kind: str, artifact: str, files: Path, pack: Pack, place: Callable[[str], str]) -> Canary:
    """Pack ``files`` without and with a canary in the largest of them, and compare; ``files`` are gone then.

    ``place`` tells what a comparison calls a file in ``artifact``.
    """
    largest = max((path for path in files.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    member = largest.relative_to(files).as_posix()
    without, with_canary = (files.parent / name for name in ("without", "with"))
    for folder in (without, with_canary):
        folder.mkdir()
    pack(files, without)
    with largest.open("ab") as file:
        file.write(str(time.time_ns()).encode())
    pack(files, with_canary)
    found = compare(without, with_canary)
    shutil.rmtree(files.parent)
    hits = [one for one in found if (one.artifact, one.member) == (artifact, place(member))]
    return Canary(
        kind=kind,
        artifact=artifact,
        member=member,
        caught=bool(hits) and len(hits) == len(found),
        how="; ".join(one.how for one in hits or found) or "no difference was seen",
    )
