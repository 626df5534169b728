"""What a browsable destination tells people: ``index.json``, ``index.html`` and a page per release.

All of it is derived from the manifests, channels and yank records, so a run that was killed before
it was through is made up for by the next one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

from . import rfc3339
from .channels import yank_of
from .checksums import digest_of_bytes
from .destination import index
from .destination.documents import INDEX, INDEX_PAGE, page_key
from .destination.index import Row
from .destination.protocol import Destination
from .errors import DestinationError, VerificationError
from .manifest import Manifest, from_json
from .pages import overview_page, release_page
from .standing import standings
from .transfer import in_parallel
from .version import Version

_ATTEMPTS = 20
# A move of a channel changes the pages of the release it points at and the one it pointed at; the
# third makes up for one run that was killed between a move and the pages.
_RECENT = 3


def refresh(destination: Destination, *, everything: bool = False) -> None:
    """Bring the index and the pages up to date; what is right already is not written.

    Reads the manifests of releases that the index lacks or has in another state, and of the few that
    channels name; with ``everything``, all, which also heals pages that were lost or damaged. Does
    nothing where nobody looks with a browser. Raises VerificationError, after all else is done, when
    a release cannot be read, and DestinationError.
    """
    if destination.browsable:
        _Catalogue(destination, everything=everything).refresh()


class _Catalogue:
    """One run over one destination."""

    def __init__(self, destination: Destination, *, everything: bool) -> None:
        self._destination = destination
        self._everything = everything
        self._done: dict[Version, Row] = {}
        self._problems: list[VerificationError] = []

    def refresh(self) -> None:
        """Write all that is out of date."""
        # Pages before the index: a release in the index has its page, so none is forgotten.
        self._replace(INDEX, self._index)
        for version in sorted(self._in_channels() - self._done.keys()):
            self._renew(version)
        self._replace(INDEX_PAGE, self._overview)
        if self._problems:
            raise self._problems[0]

    def _replace(self, key: str, make: Callable[[bytes | None], bytes]) -> None:
        """Let ``key`` hold what ``make`` says, given what it holds.

        Read first, made after: whoever writes in between makes the swap fail, and whoever wrote before
        knew no more, so nothing is replaced by something older.
        """
        for _ in range(_ATTEMPTS):
            current = self._destination.document(key)
            wanted = make(current)
            if current == wanted or self._destination.swap(key, current, wanted):
                return
        raise DestinationError(f"{key} in {self._destination.name} changes all the time", "run again")

    def _index(self, current: bytes | None) -> bytes:
        known = {} if self._everything else {row.version: row for row in index.from_json(current)}
        known |= self._done
        yanked = {version: self._reason(version) for version in self._destination.yanked()}
        versions = self._destination.versions()
        stale = [one for one in versions if one not in known or known[one].yanked != yanked.get(one)]
        in_parallel([functools.partial(self._renew, one) for one in stale])
        known |= self._done
        return index.to_json(replace(known[one], yanked=yanked.get(one)) for one in versions if one in known)

    def _renew(self, version: Version) -> None:
        """Write the page of ``version``, and remember its row for the index."""
        data = self._destination.manifest_of(version)
        if data is None:
            return
        try:
            manifest = from_json(data)
            if manifest.version != version:
                raise VerificationError(f"its release.json is that of {manifest.version}")
        except VerificationError as error:
            problem = f"{version} in {self._destination.name} cannot be listed: {error.problem}"
            self._problems.append(VerificationError(problem, "look at its release.json"))
            return
        self._replace(page_key(version), lambda _: self._page(manifest))
        self._done[version] = Row(
            version=version,
            manifest_digest=digest_of_bytes(data).sha256,
            committed_at=rfc3339.render(manifest.source.committed_at),
            yanked=self._reason(version),
        )

    def _page(self, manifest: Manifest) -> bytes:
        version = manifest.version
        names = [one.name for one in standings(self._destination) if one.reached and one.reached.version == version]
        return release_page(manifest, yanked=self._reason(version), channels=names)

    def _reason(self, version: Version) -> str | None:
        yank = yank_of(self._destination, version)
        return None if yank is None else yank.reason

    def _in_channels(self) -> set[Version]:
        found = standings(self._destination)
        recent = {pin.version for one in found for pin in one.channel.pins[:_RECENT]}
        return recent | {one.reached.version for one in found if one.reached is not None}

    def _overview(self, _current: bytes | None) -> bytes:
        rows = index.from_json(self._destination.document(INDEX))
        return overview_page(rows, standings(self._destination))
