"""The kit of templates that proxies are configured with: this program's own, or that of a release.

As an archive of a release it holds ``tesseral.conf``, ``servers/*.conf``, ``snippets/*.conf``, a ``README``, and
``VERSION``: that of the release, in one line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..archive import Entry, gunzip
from ..archive.read_tar import Pieces, members
from ..checksums import digest_of_bytes
from ..errors import UsageError, VerificationError, VersionError
from ..manifest import NAME as MANIFEST
from ..manifest import Artifact
from ..sbom import is_sbom
from ..verify import read_manifest
from ..version import parse

PIECE = "proxy"
"""What a release calls it."""

MAIN = "tesseral.conf"
VERSION = "VERSION"
README = "README"
_TEMPLATE = re.compile(r"(?:[a-z-]+/)?[a-z-]+\.conf")
_LARGEST = 1 << 20  # bytes; a kit has some ten thousand
_FETCH = f"fetch it again with --piece {PIECE}"


@dataclass(frozen=True, kw_only=True)
class Kit:
    """Templates by path, and what version they are of; ``readme`` is for people."""

    version: str
    templates: Mapping[str, str]
    readme: str


def installed() -> Kit:
    """Return the kit that comes with this program. Raises VerificationError when it was damaged."""
    folder = Path(__file__).parent / "templates"
    return _kit({**_files_of(folder), VERSION: f"{__version__}\n".encode()}, str(folder))


def archive_entries(kit: Kit) -> tuple[Entry, ...]:
    """Return the files of the archive that a release of version ``kit.version`` has."""
    texts = {**kit.templates, README: kit.readme, VERSION: f"{kit.version}\n"}
    return tuple(Entry(path=path, source=text.encode()) for path, text in texts.items())


def open_kit(place: Path) -> Kit:
    """Return the kit in ``place``: its archive, the folder where that was unpacked, or that of a fetched release.

    Of a release, it is checked that the archive is the one that ``release.json`` names. Raises UsageError for a
    place without a kit, and VerificationError for one that is damaged.
    """
    try:
        if not place.is_dir():
            return _kit(_unpacked(_read(place), str(place)), str(place))
        if (place / MANIFEST).exists():
            artifact = _artifact(place)
            path = place / artifact.name
            return _kit(_unpacked(_checked(path, artifact), str(path)), str(path))
        return _kit(_files_of(place), str(place))
    except OSError as error:
        raise UsageError(f"{error.filename or place} cannot be read: {error.strerror}", "check --in") from error


def _artifact(folder: Path) -> Artifact:
    manifest = read_manifest(folder)
    found = [one for one in manifest.artifacts if one.piece == PIECE and not is_sbom(one)]
    if not found:
        raise UsageError(f"release {manifest.version} in {folder} has no proxy kit", "leave --in out, or name another")
    if not (folder / found[0].name).exists():
        raise UsageError(f"{folder} has no {found[0].name}", _FETCH)
    return found[0]


def _checked(path: Path, artifact: Artifact) -> bytes:
    data = _read(path)
    if digest_of_bytes(data) != artifact.content:
        raise VerificationError(f"{path} is not what {MANIFEST} says", _FETCH)
    return data


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise VerificationError(f"{path} is larger than a proxy kit", "name the kit, its folder or a fetched release")
    return data


def _unpacked(archive: bytes, place: str) -> dict[str, bytes]:
    try:
        source = Pieces(gunzip(io.BytesIO(archive), _LARGEST))
        return {one.path: source.read(one.size) for one in members(source) if not one.folder}
    except VerificationError as error:
        raise VerificationError(f"{place} is no proxy kit: {error.problem}", error.next_step) from error


def _files_of(folder: Path) -> dict[str, bytes]:
    found = [path for pattern in ("*.conf", "*/*.conf", VERSION, README) for path in folder.glob(pattern)]
    return {path.relative_to(folder).as_posix(): _read(path) for path in found}


def _kit(files: Mapping[str, bytes], place: str) -> Kit:
    if MAIN not in files or VERSION not in files:
        raise UsageError(f"{place} holds no proxy kit: no {MAIN} or {VERSION} is in it", "check --in")
    try:
        texts = {path: data.decode() for path, data in files.items()}
        version = str(parse(texts[VERSION].strip()))
    except (UnicodeDecodeError, VersionError) as error:
        raise VerificationError(f"{place} is a damaged proxy kit: {error}", _FETCH) from error
    return Kit(
        version=version,
        templates={path: texts[path] for path in sorted(texts) if _TEMPLATE.fullmatch(path)},
        readme=texts.get(README, ""),
    )
