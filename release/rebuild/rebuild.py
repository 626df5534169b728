"""A rebuild from end to end: order → build → comparison by digests → a look into what differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from ..compare import Compared, Difference, compare, compare_to_manifest, diffoscope
from ..destination.files import FileStore
from ..destination.protocol import Origin
from ..errors import NotRebuiltError, VerificationError
from ..fetch import Found
from ..manifest import Manifest
from ..transfer import Meter
from ..verify import read_manifest
from .builder import Builder
from .order import order_of
from .published import bring
from .result import Result
from .source import Place
from .wanted import Wanted

PUBLISHED, REBUILT = "published", "rebuilt"
"""Folders of the two sides below the folder of a rebuild; the first holds what differs only."""

_BUILD = "build"
_EXPLAINED = 3


def rebuild(
    origin: Origin,
    found: Found,
    wanted: Wanted,
    place: Place,
    builder: Builder,
    work: Path,
    fetching: Callable[[], AbstractContextManager[Meter]],
) -> Result:
    """Build what is ``wanted`` of the release again, in the folder ``work``, and compare it with the published one.

    Digests are compared; the published bytes are read of what differs alone, and ``fetching`` gives the meter for
    that. Raises NotRebuiltError, and DestinationError when ``work`` cannot be used.
    """
    manifest = found.manifest
    order = order_of(manifest, wanted, place)
    with FileStore(work).told():
        (work / _BUILD).mkdir()
    release = builder.build(order, work / _BUILD)
    built = _built(release, manifest, place)
    with FileStore(work).told():
        release.rename(work / REBUILT)
        shutil.rmtree(work / _BUILD)
        compared = compare_to_manifest(manifest, work / REBUILT, wanted.names)
        different = [one for one in compared if not one.same]
        unread: dict[str, str] = {}
        if different:
            with fetching() as meter:
                unread = bring(origin, found, [one.name for one in different], work / PUBLISHED, meter)
        differences = _differences(work, different, unread)
        deeper = [_deeper(work, one.name) for one in different[:_EXPLAINED] if one.name not in unread]
    return Result(
        version=str(found.version),
        place=place,
        source=built.source,
        compared=compared,
        differences=differences,
        deeper="\n".join(filter(None, deeper)),
        unread=unread,
    )


def _built(release: Path, manifest: Manifest, place: Place) -> Manifest:
    """Read what was built. Only the very commit, by the very tools, tells something about the release."""
    try:
        built = read_manifest(release)
    except VerificationError as error:
        raise NotRebuiltError(f"what was built is no release: {error.problem}", "see what was built above") from error
    if built.pipeline != manifest.pipeline:
        raise NotRebuiltError("the checkout changed while it built", "leave it alone, and run again")
    # A clone may have a tag that is called like a commit that it doesn't have.
    if place.expected and built.source.commit != manifest.source.commit:
        raise NotRebuiltError(f"{place} is the commit {built.source.commit}", "name the right repository with --source")
    return built


def _differences(work: Path, different: list[Compared], unread: dict[str, str]) -> tuple[Difference, ...]:
    """What differs, in the order of ``different``; by digest where the published bytes could not be had."""
    order = [one.name for one in different]
    read = [name for name in order if name not in unread]
    looked_into = compare(work / PUBLISHED, work / REBUILT, read) if read else ()
    by_digest = (
        Difference(artifact=one.name, how=f"{one.wanted} and {one.found or 'nothing'}")
        for one in different
        if one.name in unread
    )
    return tuple(sorted((*looked_into, *by_digest), key=lambda one: order.index(one.artifact)))


def _deeper(work: Path, name: str) -> str:
    first, second = work / PUBLISHED / name, work / REBUILT / name
    return diffoscope(first, second) if first.exists() and second.exists() else ""
