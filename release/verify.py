"""Check a release in a folder: list of checksums, files, manifest and images must say the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import attestations, checksums, tree
from .archive import folder_name, gunzip, largest_content
from .checksums import DigestWriter, digest_of
from .errors import VerificationError
from .manifest import NAME, Artifact, Image, Manifest, from_json
from .oci import read_layout
from .staged import IMAGES, expected_checksums

_AGAIN = "fetch the release again"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a folder holds of the release ``manifest``, every byte of it checked."""

    manifest: Manifest
    artifacts: tuple[Artifact, ...]
    images: tuple[Image, ...]

    @property
    def complete(self) -> bool:
        """Tell whether nothing of the release is left out."""
        return (self.artifacts, self.images) == (self.manifest.artifacts, self.manifest.images)


def verify(directory: Path) -> Manifest:
    """Check every byte of the whole release in ``directory``, beside which there is nothing, and return its manifest.

    Raises VerificationError naming the first file that is missing, altered or unexpected.
    """
    return inspect(directory).manifest


def inspect(directory: Path, *, partial: bool = False) -> Verified:
    """Check every byte of the release in ``directory`` and return what is there.

    With ``partial``, artifacts and images may be left out, and an archive's folder be beside it. Raises
    VerificationError naming the first file that is missing, altered or unexpected.
    """
    try:
        return _inspect(directory, partial)
    except OSError as error:
        raise VerificationError(f"{error.filename} cannot be read: {error.strerror}", _AGAIN) from error


def read_manifest(directory: Path) -> Manifest:
    """Read ``release.json`` in ``directory`` alone. Raises VerificationError."""
    path = directory / NAME
    try:
        return from_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise VerificationError(f"{directory} holds no {NAME}", "name the folder of one release") from error
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", "check the folder") from error


def check_image(layout: Path, image: Image, manifest: Manifest) -> None:
    """Check every blob of a layout, and that it is the ``image`` of ``manifest``. Raises VerificationError."""
    index = read_layout(layout)
    found = (index.digest, index.size, index.platforms, index.ref)
    wanted = (image.digest, image.size, image.platforms, str(manifest.version))
    if found != wanted:
        raise VerificationError(f"{layout} holds the image {found}, {NAME} says {wanted}", _AGAIN)


def _inspect(directory: Path, partial: bool) -> Verified:
    manifest = read_manifest(directory)
    expected = expected_checksums(manifest)
    there = _check_files(directory, manifest, partial)
    _check_list(directory, expected)
    artifacts = tuple(artifact for artifact in manifest.artifacts if artifact.name in there)
    images = tuple(image for image in manifest.images if f"{IMAGES}/{image.name}" in there)
    for artifact in artifacts:
        _check_artifact(directory / artifact.name, artifact)
    for image in images:
        check_image(directory / IMAGES / image.name, image, manifest)
    return Verified(manifest=manifest, artifacts=artifacts, images=images)


def _check_files(directory: Path, manifest: Manifest, partial: bool) -> set[str]:
    """Compare the names, and return those that are there; what is inside a layout is checked with the layout."""
    found = {_top(path) for path in tree.files(directory, VerificationError)}
    required = {NAME, checksums.NAME}
    optional = {artifact.name for artifact in manifest.artifacts}
    optional |= {f"{IMAGES}/{image.name}" for image in manifest.images}
    beside = set(attestations.NAMES)
    missing = sorted((required if partial else required | optional) - found)
    unexpected = sorted(found - required - optional - beside)
    if partial:
        unpacked = {folder_name(artifact.name) for artifact in manifest.artifacts}
        unexpected = [path for path in unexpected if path.partition("/")[0] not in unpacked]
    if missing:
        raise VerificationError(f"{directory}: {', '.join(missing)} missing", _AGAIN)
    if unexpected:
        raise VerificationError(f"{directory}: {', '.join(unexpected)} not part of the release", "remove it")
    return found


def _check_artifact(path: Path, artifact: Artifact) -> None:
    wanted = artifact.content
    found = digest_of(path)
    if found != wanted:
        raise VerificationError(
            f"{path} has {found.size} bytes and the digest {found}, {NAME} says {wanted.size} and {wanted}", _AGAIN
        )
    if artifact.tar_digest is None:
        return
    tar = DigestWriter()
    try:
        with path.open("rb") as file:
            for piece in gunzip(file, largest_content(artifact.size)):
                tar.write(piece)
    except VerificationError as error:
        raise VerificationError(f"{path}: {error.problem}", error.next_step) from error
    if tar.digest.sha256 != artifact.tar_digest:
        raise VerificationError(f"{path} holds a tar of {tar.digest}, {NAME} says {artifact.tar_digest}", _AGAIN)


def _top(path: str) -> str:
    """Return ``images/<name>`` for a file in a layout, other paths as they are."""
    first, *rest = path.split("/")
    return "/".join((first, rest[0])) if first == IMAGES and len(rest) > 1 else path


def _check_list(directory: Path, expected: dict[str, str]) -> None:
    path = directory / checksums.NAME
    listed = checksums.parse(path.read_bytes())
    for name in sorted(listed.keys() | expected.keys()):
        if listed.get(name) != expected.get(name):
            raise VerificationError(
                f"{path} says {listed.get(name, 'nothing')} for {name}, {NAME} says {expected.get(name, 'nothing')}",
                _AGAIN,
            )
