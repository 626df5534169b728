"""What is different between two releases: two manifests in, values out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from . import canonical, manifest
from .manifest import Artifact, Image, Manifest, Requirements
from .sbom import Package
from .version import Version

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Pair(Generic[T]):
    """The thing ``name`` in the old and in the new release, None where it is not there."""

    name: str
    old: T | None
    new: T | None


@dataclass(frozen=True, kw_only=True)
class Migrations:
    """Migrations ``first`` to ``last`` are in one release only: the new one if ``added``."""

    first: int
    last: int
    irreversible: tuple[int, ...]
    added: bool


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """How the packages of one ``kind`` in ``piece`` changed; one is given by its version, or all of them."""

    piece: str
    kind: str
    packages: tuple[Pair[str], ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Only what differs. The pairs of facts are named as in ``release.json``, artifacts without version.

    ``dependencies`` tells of all that was looked at, None when nobody looked.
    """

    old: Version
    new: Version
    source: tuple[Pair[str], ...]
    pipeline: tuple[Pair[str], ...]
    requirements: tuple[Pair[str], ...]
    console_placeholders: tuple[Pair[str], ...]
    migrations: Migrations | None
    artifacts: tuple[Pair[Artifact], ...]
    images: tuple[Pair[Image], ...]
    dependencies: tuple[Dependencies, ...] | None = None


def compare(old: Manifest, new: Manifest) -> Difference:
    """Compare two manifests."""
    before, after = (canonical.loads(manifest.to_json(one)) for one in (old, new))
    return Difference(
        old=old.version,
        new=new.version,
        source=paired(before["source"], after["source"]),
        pipeline=paired(before["pipeline"], after["pipeline"]),
        requirements=paired(_words(before["requirements"]), _words(after["requirements"])),
        console_placeholders=paired(before["consolePlaceholders"], after["consolePlaceholders"]),
        migrations=_migrations(old.requirements, new.requirements),
        artifacts=paired(_artifacts(old), _artifacts(new)),
        images=paired({one.name: one for one in old.images}, {one.name: one for one in new.images}),
    )


def compare_packages(piece: str, old: Collection[Package], new: Collection[Package]) -> tuple[Dependencies, ...]:
    """Compare what ``piece`` is made of, kind by kind."""
    kinds = sorted({one.kind for one in (*old, *new)})
    return tuple(
        Dependencies(piece=piece, kind=kind, packages=paired(_versions(old, kind), _versions(new, kind)))
        for kind in kinds
    )


def paired(old: Mapping[str, T], new: Mapping[str, T]) -> tuple[Pair[T], ...]:
    """Return what is not the same in both, by name."""
    names = sorted(old.keys() | new.keys())
    pairs = (Pair(name=name, old=old.get(name), new=new.get(name)) for name in names)
    return tuple(pair for pair in pairs if pair.old != pair.new)


def unversioned(name: str, release: Manifest) -> str:
    """Return the ``name`` of an artifact of ``release`` without the version, which would differ always."""
    return name.replace(f"_{release.version}", "", 1)


def document(difference: Difference) -> dict[str, Any]:
    """Return ``difference`` as JSON has it; a side that is not there is left out."""
    migrations = difference.migrations
    result: dict[str, Any] = {
        "schemaVersion": 1,
        "old": str(difference.old),
        "new": str(difference.new),
        "source": _sides(difference.source),
        "pipeline": _sides(difference.pipeline),
        "requirements": _sides(difference.requirements),
        "consolePlaceholders": _sides(difference.console_placeholders),
        "artifacts": _sides(difference.artifacts),
        "images": _sides(difference.images),
    }
    if migrations is not None:
        numbers = {"first": migrations.first, "last": migrations.last, "irreversible": list(migrations.irreversible)}
        result["migrationsAdded" if migrations.added else "migrationsRemoved"] = numbers
    if difference.dependencies is not None:
        result["dependencies"] = {one.piece: {} for one in difference.dependencies}
        for one in difference.dependencies:
            result["dependencies"][one.piece][one.kind] = _sides(one.packages)
    return result


def _versions(packages: Collection[Package], kind: str) -> dict[str, str]:
    """Return versions by name: npm can install several of one package."""
    found: dict[str, list[str]] = {}
    for one in packages:
        if one.kind == kind:
            found.setdefault(one.name, []).append(one.version)
    return {name: ", ".join(sorted(set(versions))) for name, versions in found.items()}


def _sides(pairs: tuple[Pair[Any], ...]) -> dict[str, Any]:
    return {
        pair.name: {side: _plain(value) for side, value in (("old", pair.old), ("new", pair.new)) if value is not None}
        for pair in pairs
    }


def _plain(value: str | Artifact | Image) -> object:
    if isinstance(value, Artifact):
        return {"size": value.size, "digest": value.digest}
    if isinstance(value, Image):
        return {"digest": value.digest, "platforms": list(value.platforms)}
    return value


def _words(requirements: Mapping[str, Any]) -> dict[str, str]:
    """Return the requirements that are text; migrations are compared by number."""
    return {name: value for name, value in requirements.items() if isinstance(value, str)}


def _artifacts(release: Manifest) -> dict[str, Artifact]:
    names = {one.name: unversioned(one.name, release) for one in release.artifacts}
    return {names[one.name]: replace(one, name=names[one.name]) for one in release.artifacts}


def _migrations(old: Requirements, new: Requirements) -> Migrations | None:
    before, after = ((-1 if one.last_migration is None else one.last_migration) for one in (old, new))
    if before == after:
        return None
    longer, end = (new, before) if after > before else (old, after)
    # The numbers go up without a gap, so what is beyond the shorter one's last is what it lacks.
    first = end + 1 if end >= 0 else longer.first_migration or 0
    return Migrations(
        first=first,
        last=max(before, after),
        irreversible=tuple(number for number in longer.irreversible_migrations if number >= first),
        added=after > before,
    )
