"""The migrations of a release: pairs of files in an archive, in golang-migrate's form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from ..archive import gunzip, largest_content
from ..archive.read_tar import Pieces, members
from ..checksums import digest_of_bytes
from ..errors import VerificationError
from ..manifest import Artifact, Manifest, Requirements

# Ours have a few hundred kilobytes at most; they are held in memory.
LARGEST_ARCHIVE = 2**24
_LARGEST_FILE = 2**24
# golang-migrate's source/parse.go has the form; docs/formats.md says where in the archive they lie.
_NAME = re.compile(r"migrations/(?P<number>[0-9]{1,18})_(?P<title>[^/]*)\.(?P<direction>up|down)\.sql")
_PIECE = "migrations"
ASK = "ask who publishes it"
"""What to do about an archive that can't be used."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One step of the schema. ``name`` is that of its files without direction; ``down`` is None without a way back."""

    number: int
    name: str
    up: str
    down: str | None

    @property
    def reversible(self) -> bool:
        """Tell whether there is a way back; golang-migrate takes an empty file as nothing to undo."""
        return bool(self.down and self.down.strip())


def artifact_of(manifest: Manifest) -> Artifact:
    """Return the archive of migrations of a release. Raises VerificationError when it has none."""
    name = f"tesseraldb-{_PIECE}_{manifest.version}.tar.gz"
    found = next((one for one in manifest.artifacts if one.name == name), None)
    if found is None:
        raise VerificationError(f"{manifest.version} has no {name}", "take a release with all its pieces")
    if found.size > LARGEST_ARCHIVE:
        raise VerificationError(f"{name} has more than {LARGEST_ARCHIVE} bytes", ASK)
    return found


def read(archive: bytes, manifest: Manifest) -> tuple[Migration, ...]:
    """Return the migrations in the archive of a release, in order.

    Raises VerificationError when it isn't the one of the manifest, is damaged, holds one twice, leaves one
    out, or ends with others than the manifest says.
    """
    artifact = artifact_of(manifest)
    if digest_of_bytes(archive) != artifact.content:
        raise VerificationError(f"{artifact.name} is not what release.json says", "fetch the release again")
    try:
        return _checked(_pairs(_files(archive)), manifest.requirements)
    except VerificationError as error:
        raise VerificationError(f"{artifact.name}: {error.problem}", error.next_step) from error


def _files(archive: bytes) -> dict[str, str]:
    found = {}
    source = Pieces(gunzip(BytesIO(archive), largest_content(len(archive))))
    for member in members(source):
        if member.folder or _NAME.fullmatch(member.path) is None:
            continue
        if member.size > _LARGEST_FILE:
            raise VerificationError(f"{member.path} has more than {_LARGEST_FILE} bytes", ASK)
        try:
            found[member.path] = source.read(member.size).decode()
        except UnicodeDecodeError:
            raise VerificationError(f"{member.path} is not UTF-8", ASK) from None
    return found


def _pairs(files: Mapping[str, str]) -> tuple[Migration, ...]:
    names: dict[int, dict[str, str]] = {}
    for path in sorted(files):
        match = _NAME.fullmatch(path)
        pair = names.setdefault(int(match["number"]), {}) if match else {}
        if match and match["direction"] in pair:
            raise VerificationError(f"it has {pair[match['direction']]} and {path}", ASK)
        if match:
            pair[match["direction"]] = path
    return tuple(_migration(number, names[number], files) for number in sorted(names))


def _migration(number: int, pair: Mapping[str, str], files: Mapping[str, str]) -> Migration:
    if "up" not in pair:
        raise VerificationError(f"{pair['down']} has no way up", ASK)
    return Migration(
        number=number,
        name=pair["up"].rpartition("/")[2].removesuffix(".up.sql"),
        up=files[pair["up"]],
        down=files[pair["down"]] if "down" in pair else None,
    )


def _checked(migrations: tuple[Migration, ...], requirements: Requirements) -> tuple[Migration, ...]:
    first, last = requirements.first_migration, requirements.last_migration
    expected = [] if first is None or last is None else list(range(first, last + 1))
    if _numbers(migrations) != expected:
        raise VerificationError(
            f"it holds the migrations {_range(_numbers(migrations))}, release.json says {_range(expected)}",
            "don't use it, and ask who publishes it",
        )
    return migrations


def _numbers(migrations: Sequence[Migration]) -> list[int]:
    return [one.number for one in migrations]


def _range(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]} ({len(numbers)})" if numbers else "none"
