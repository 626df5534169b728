"""Pairing what lies in the folders of two builds of a release."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Collection, Iterator
from pathlib import Path

from .. import checksums, tree
from ..errors import VerificationError
from ..manifest import NAME
from ..staged import IMAGES
from .archives import archive_differences
from .difference import Difference
from .documents import document_differences
from .images import image_differences

# In release.json they follow from artifacts and images, which are compared themselves.
_FOLLOWING = ("digest", "size", "tarDigest")


def compare(first: Path, second: Path, names: Collection[str] | None = None) -> tuple[Difference, ...]:
    """Compare two folders of a release, file by file and byte by byte; empty when they are the same.

    ``names``: only these artifacts, images (``images/NAME``) and documents. Of ``release.json`` and
    ``SHA256SUMS`` only that is told which does not follow from another difference. Raises
    VerificationError for links and unsafe names, and OSError.
    """
    one, other = (
        {name: paths for name, paths in _things(folder).items() if names is None or name in names}
        for folder in (first, second)
    )
    found: list[Difference] = []
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            found.append(Difference(artifact=name, how=f"is in the {'first' if name in one else 'second'} only"))
        elif name not in (NAME, checksums.NAME):
            found.extend(_pair(name, first / name, second / name, one[name], other[name]))
    if NAME in one and NAME in other:
        found.extend(_manifests(first / NAME, second / NAME))
    rest = (name for name in (NAME, checksums.NAME) if name in one and name in other and not found)
    return (*found, *(difference for name in rest for difference in _bytes(name, first / name, second / name)))


def _things(folder: Path) -> dict[str, list[str]]:
    """The artifacts and images in a folder, each with the paths of its files."""
    things: dict[str, list[str]] = {}
    for path in tree.files(folder, VerificationError):
        first, *rest = path.split("/")
        name = f"{first}/{rest[0]}" if first == IMAGES and len(rest) > 1 else path
        things.setdefault(name, []).append(path)
    return things


def _pair(name: str, first: Path, second: Path, one: list[str], other: list[str]) -> Iterator[Difference]:
    if one == other and all(_same(first, second, path.removeprefix(name).lstrip("/")) for path in one):
        return
    looked = image_differences if first.is_dir() else archive_differences
    yield from (Difference(artifact=name, member=member, how=how) for member, how in looked(first, second))


def _same(first: Path, second: Path, path: str) -> bool:
    return filecmp.cmp(first / path, second / path, shallow=False)


def _manifests(first: Path, second: Path) -> Iterator[Difference]:
    try:
        documents = [json.loads(path.read_bytes()) for path in (first, second)]
    except ValueError as error:
        yield Difference(artifact=NAME, how=f"one of them is no JSON: {error}")
        return
    for how in document_differences(*documents, but=_FOLLOWING):
        yield Difference(artifact=NAME, how=how)


def _bytes(name: str, first: Path, second: Path) -> Iterator[Difference]:
    yield from (Difference(artifact=name, how=how) for _, how in archive_differences(first, second))
