"""Check a release in a folder: list of checksums, files, manifest and images must say the same."""

from __future__ import annotations

from pathlib import Path

from . import checksums, tree
from .checksums import Digest, digest_of
from .errors import VerificationError
from .manifest import NAME, Image, Manifest, from_json
from .oci import read_layout
from .staged import IMAGES, expected_checksums

_AGAIN = "fetch the release again"


def verify(directory: Path) -> Manifest:
    """Check every byte of the release in ``directory`` and return its manifest.

    Raises VerificationError naming the first file that is missing, altered or unexpected.
    """
    try:
        return _verify(directory)
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


def _verify(directory: Path) -> Manifest:
    manifest = read_manifest(directory)
    expected = expected_checksums(manifest)
    _check_files(directory, manifest, expected)
    _check_list(directory, expected)
    for artifact in manifest.artifacts:
        wanted = Digest(sha256=artifact.digest, size=artifact.size)
        found = digest_of(directory / artifact.name)
        if found != wanted:
            raise VerificationError(
                f"{directory / artifact.name} has {found.size} bytes and the digest {found}, "
                f"{NAME} says {wanted.size} and {wanted}",
                _AGAIN,
            )
    for image in manifest.images:
        _check_image(directory / IMAGES / image.name, image, manifest)
    return manifest


def _check_files(directory: Path, manifest: Manifest, expected: dict[str, str]) -> None:
    """Compare the names; what is inside a layout is checked with the layout."""
    found = {_top(path) for path in tree.files(directory, VerificationError)}
    wanted = {*expected, checksums.NAME, *(f"{IMAGES}/{image.name}" for image in manifest.images)}
    missing, unexpected = sorted(wanted - found), sorted(found - wanted)
    if missing:
        raise VerificationError(f"{directory}: {', '.join(missing)} missing", _AGAIN)
    if unexpected:
        raise VerificationError(f"{directory}: {', '.join(unexpected)} not part of the release", "remove it")


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


def _check_image(layout: Path, image: Image, manifest: Manifest) -> None:
    index = read_layout(layout)
    found = (index.digest, index.size, index.platforms, index.ref)
    wanted = (image.digest, image.size, image.platforms, str(manifest.version))
    if found != wanted:
        raise VerificationError(f"{layout} holds the image {found}, {NAME} says {wanted}", _AGAIN)
