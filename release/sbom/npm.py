"""The npm packages in a web bundle as components: names from the bundle, facts from its lock file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import canonical
from ..errors import SourceError
from .component import Component, Hash, Kind
from .purl import purl

_MODULES = "node_modules"
# Subresource Integrity (W3C), "Integrity metadata"; SHA-1 is in older lock files.
_ALGORITHMS = {"sha1": ("SHA-1", 20), "sha256": ("SHA-256", 32), "sha384": ("SHA-384", 48), "sha512": ("SHA-512", 64)}


@dataclass(frozen=True, kw_only=True)
class Packages:
    """What was found; ``unknown`` are files and imports that no package of the lock file stands for."""

    components: tuple[Component, ...]
    unknown: tuple[str, ...]


def packages(lock: bytes, name: str, *, sources: Iterable[str], imports: Iterable[str]) -> Packages:
    """Return the packages that ``sources`` (paths of files) and ``imports`` (names of packages) are of.

    ``lock`` is a package-lock.json with ``packages`` (lockfileVersion 2 and 3), ``name`` is for people.
    Raises SourceError when it is none, or says of a package what can't be.
    """
    listed = _read(lock, name)
    used, unknown = set(), set()
    for source in sources:
        key = _place(source, listed)
        if key:
            used.add(key)
        elif key is None:
            unknown.add(source)
    for package in imports:
        key = f"{_MODULES}/{package}"
        (used if key in listed else unknown).add(key)
    own_code = {key for key in used if listed[key].get("link")}  # a folder of the source, linked
    return Packages(
        components=tuple(_component(key, listed[key], name) for key in sorted(used - own_code)),
        unknown=tuple(sorted(unknown)),
    )


def _read(lock: bytes, name: str) -> Mapping[str, Mapping[str, Any]]:
    try:
        document = canonical.loads(lock)
    except ValueError as error:
        raise SourceError(f"{name} is not JSON: {error}", "restore it") from error
    listed = document.get("packages") if isinstance(document, dict) else None
    if not isinstance(listed, dict) or not all(isinstance(entry, dict) for entry in listed.values()):
        raise SourceError(f"{name} lists no packages", "write it anew with npm 7 or newer")
    return listed


def _place(source: str, listed: Mapping[str, object]) -> str | None:
    """Return the innermost package that ``source`` lies in; "" for the source's own code, None for none of the lock.

    A package may carry folders of the name node_modules that npm knows nothing of; they are part of it.
    """
    segments = [segment for segment in source.split("/") if segment not in (".", "..")]
    starts = [index for index, segment in enumerate(segments) if segment == _MODULES]
    for start in reversed(starts):
        scoped = "".join(segments[start + 1 : start + 2]).startswith("@")
        end = start + (3 if scoped else 2)
        # A bundler may put something before the path from the lock file's folder.
        for first in (0, starts[0]):
            key = "/".join(segments[first:end])
            if key in listed:
                return key
    return None if starts else ""


def _component(key: str, entry: Mapping[str, Any], lock_name: str) -> Component:
    package = entry.get("name") or key.rpartition(f"{_MODULES}/")[2]
    version, licence = entry.get("version"), entry.get("license")
    if not isinstance(package, str) or not isinstance(version, str) or not version:
        raise SourceError(f"{lock_name} gives no version of {key}", "write it anew with `npm install`")
    return Component(
        kind=Kind.LIBRARY,
        name=package,
        version=version,
        purl=purl("npm" if _is_published(entry) else "generic", package, version),
        hashes=tuple(_hashes(entry.get("integrity"), f"{lock_name}: {key}")),
        licence=licence if isinstance(licence, str) else "",
    )


def _is_published(entry: Mapping[str, Any]) -> bool:
    """Whether it comes from a registry: not from git or a folder, where a name and a version mean nothing."""
    resolved = entry.get("resolved") or "https:"  # npm can leave it out for packages of the registry
    return isinstance(resolved, str) and resolved.startswith(("https:", "http:"))


def _hashes(integrity: object, place: str) -> Iterator[Hash]:
    """Yield the hashes of the published archive."""
    for item in integrity.split() if isinstance(integrity, str) else ():
        algorithm, _, encoded = item.partition("?")[0].partition("-")
        if algorithm not in _ALGORITHMS:
            continue
        name, length = _ALGORITHMS[algorithm]
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if len(content) != length:
            raise SourceError(f"{place} has the integrity {item!r}, which is no {name}", "write it anew")
        yield Hash(algorithm=name, content=content.hex())
