"""Which packages a bill of materials lists, to hold it against another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import canonical
from .component import Component, Kind


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package; ``kind`` is the type of its package URL, such as ``golang`` or ``npm``."""

    kind: str
    name: str
    version: str


def packages_of(components: Iterable[Component]) -> frozenset[Package]:
    """Return the libraries among ``components``."""
    return frozenset(_package(one.purl, one.name, one.version) for one in components if one.kind is Kind.LIBRARY)


def read_packages(data: bytes) -> frozenset[Package]:
    """Return the libraries that a CycloneDX document lists. Raises ValueError when it is none."""
    try:
        return frozenset(
            _package(one["purl"], one["name"], one.get("version", ""))
            for one in _components(canonical.loads(data))
            if one["type"] == Kind.LIBRARY
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"no CycloneDX: {error!r}") from error


def _components(parent: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON; what doesn't fit raises
    for component in parent.get("components", ()):
        yield component
        yield from _components(component)


def _package(purl: str, name: str, version: str) -> Package:
    if not isinstance(name, str) or not isinstance(version, str):
        raise TypeError(f"{name!r} with the version {version!r}")
    return Package(kind=purl.removeprefix("pkg:").partition("/")[0], name=name, version=version)
