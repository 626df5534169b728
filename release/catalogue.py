"""What a browsable destination tells people: ``index.json``, ``index.html`` and a page per release.

All of it is derived from the manifests, channels and yank records.
"""

from __future__ import annotations

from . import rfc3339
from .channels import yank_of
from .checksums import digest_of_bytes
from .destination import index
from .destination.documents import INDEX
from .destination.index import Row
from .destination.protocol import Destination
from .errors import DestinationError
from .manifest import from_json

_ATTEMPTS = 20


def refresh(destination: Destination, *, everything: bool = False) -> None:
    """Bring the index and the pages up to date; with ``everything``, read every manifest again.

    Does nothing where nobody looks with a browser.
    """
    if not destination.browsable:
        return
    for _ in range(_ATTEMPTS):
        current = destination.document(INDEX)
        known = {} if everything else {row.version: row for row in index.from_json(current)}
        yanked = destination.yanked()
        rows: list[Row] = []
        for version in destination.versions():
            row = known.get(version)
            if row is None or (row.yanked is not None) != (version in yanked):
                data = destination.manifest_of(version)
                if data is None:
                    continue
                yank = yank_of(destination, version) if version in yanked else None
                row = Row(
                    version=version,
                    manifest_digest=digest_of_bytes(data).sha256,
                    committed_at=rfc3339.render(from_json(data).source.committed_at),
                    yanked=None if yank is None else yank.reason,
                )
            rows.append(row)
        wanted = index.to_json(rows)
        if current == wanted or destination.swap(INDEX, current, wanted):
            return
    raise DestinationError(f"{destination.name}: {INDEX} changes all the time", "run again")
