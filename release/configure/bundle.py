"""Read a console as it was released, in whichever form an operator has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import checksums, tree
from ..archive import Entry, gunzip, largest_content
from ..archive.read_tar import Pieces, members
from ..checksums import digest_of, digest_of_bytes
from ..errors import UsageError, VerificationError, VersionError
from ..manifest import NAME as MANIFEST
from ..manifest import Manifest
from ..oci import read_layout
from ..staged import IMAGES
from ..verify import check_image, read_manifest
from ..version import parse
from . import image, record
from .fill import escaped
from .record import Base, Kind
from .values import PLACEHOLDERS

_STEM = "tesseral-console"
_ARCHIVE = re.compile(rf"{_STEM}_(.+)\.tar\.gz")
_AGAIN = "fetch the release again"
# Shorter ones could be something else as well.
_SHORTEST_PLACEHOLDER = 12


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A console at ``path``: its files, whose sources are bytes, and its placeholders by variable."""

    path: Path
    base: Base
    entries: tuple[Entry, ...]
    placeholders: Mapping[str, str]


def read_bundle(path: Path) -> Bundle:
    """Read the console at ``path``: its archive, the folder of that, an image layout, or a folder with a release.

    Where ``release.json`` lies as `fetch` puts it, it is held against it. Raises UsageError when there is
    no console, or one that is configured already, and VerificationError for a damaged one.
    """
    try:
        found = _read(path)
    except OSError as error:
        raise VerificationError(
            f"{error.filename or path} cannot be read: {error.strerror}", "check the path"
        ) from error
    if any(entry.path == record.NAME for entry in found.entries):
        raise UsageError(f"{path} is configured already", "name the console as it was released")
    return found


def _read(path: Path) -> Bundle:
    if not path.exists():
        raise UsageError(f"{path} does not exist", "name a console as it was released")
    whole = path.resolve()  # its name and what is beside it count, also for "."
    if not whole.is_dir():
        return _archive(path, whole)
    if (whole / MANIFEST).is_file():
        release = read_manifest(path)
        name = f"{_STEM}_{release.version}.tar.gz"
        if not (path / name).is_file():
            raise UsageError(f"{path} holds no {name}", f"fetch it, or name a layout such as {path / IMAGES / _STEM}")
        return _archive(path / name, whole / name)
    if (whole / "oci-layout").is_file():
        return _layout(path, whole)
    return _folder(path, whole)


def _archive(path: Path, whole: Path) -> Bundle:
    digest = digest_of(path)
    release = _release(whole.parent)
    artifact = next((one for one in release.artifacts if one.name == whole.name), None) if release else None
    if artifact is not None and artifact.content != digest:
        raise VerificationError(
            f"{path} has {digest.size} bytes and the digest {digest}, {MANIFEST} says {artifact.size} and "
            f"{artifact.digest}",
            _AGAIN,
        )
    return Bundle(
        path=path,
        base=Base(kind=Kind.ARCHIVE, digest=digest.sha256, version=_version(whole.name)),
        entries=_unpacked(path),
        placeholders=_placeholders(release if artifact else None),
    )


def _folder(path: Path, whole: Path) -> Bundle:
    if not (path / "index.html").is_file():
        raise UsageError(f"{path} is no console: it has no index.html", "name one as it was released")
    entries = tuple(Entry(path=name, source=(path / name).read_bytes()) for name in tree.files(path, VerificationError))
    listed = checksums.render({one.path: digest_of_bytes(image.content(one)).sha256 for one in entries})
    archive = f"{whole.name}.tar.gz"
    release = _release(whole.parent)
    known = release is not None and any(one.name == archive for one in release.artifacts)
    return Bundle(
        path=path,
        base=Base(kind=Kind.FOLDER, digest=digest_of_bytes(listed).sha256, version=_version(archive)),
        entries=entries,
        placeholders=_placeholders(release if known else None),
    )


def _layout(path: Path, whole: Path) -> Bundle:
    index = read_layout(path)
    release = _release(whole.parent.parent) if whole.parent.name == IMAGES else None
    listed = next((one for one in release.images if one.name == whole.name), None) if release else None
    if release is not None and listed is not None:
        check_image(path, listed, release)
    return Bundle(
        path=path,
        base=Base(kind=Kind.IMAGE, digest=index.digest, version=index.ref),
        entries=_unpacked(image.layer_of(path)),
        placeholders=_placeholders(release if listed else None),
    )


def _unpacked(path: Path) -> tuple[Entry, ...]:
    try:
        with path.open("rb") as file:
            tar = Pieces(gunzip(file, largest_content(path.stat().st_size)))
            return tuple(
                Entry(path=one.path, source=tar.read(one.size), mode=0o755 if one.mode & 0o111 else 0o644)
                for one in members(tar)
                if not one.folder
            )
    except VerificationError as error:
        raise VerificationError(f"{path}: {error.problem}", error.next_step) from error


def _release(folder: Path) -> Manifest | None:
    return read_manifest(folder) if (folder / MANIFEST).is_file() else None


def _version(archive: str) -> str | None:
    match = _ARCHIVE.fullmatch(archive)
    try:
        return None if match is None else str(parse(match[1]))
    except VersionError:
        return None


def _placeholders(release: Manifest | None) -> Mapping[str, str]:
    """Return those that the release names, if it is known. Raises VerificationError for what can't be filled in."""
    if release is None:
        return PLACEHOLDERS
    named = release.console_placeholders
    if named.keys() != PLACEHOLDERS.keys():
        raise VerificationError(
            f"{MANIFEST} of {release.version}: its console takes {', '.join(sorted(named)) or 'no value'}, "
            f"this program knows {', '.join(sorted(PLACEHOLDERS))}",
            "use the tesseral-release of that version",
        )
    for placeholder in named.values():
        if len(placeholder) < _SHORTEST_PLACEHOLDER or escaped(placeholder) != placeholder:
            raise VerificationError(f"{MANIFEST} of {release.version}: {placeholder!r} is no placeholder", _AGAIN)
    return named
