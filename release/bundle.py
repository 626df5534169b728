"""A release in one file, to carry to a machine without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from . import checksums, manifest, rfc3339
from .archive import Entry, entries_of, write_tar
from .atomic import replacing
from .destination import index
from .destination import yank as yank_file
from .destination.documents import INDEX, RELEASES, yank_key
from .destination.files import FileStore
from .destination.index import Row
from .destination.protocol import Origin
from .errors import UsageError
from .fetch import Fetched, Found, Selection, fetch
from .transfer import SILENT, Meter
from .transfer.parallel import DEFAULT_JOBS


def bundle(
    origin: Origin,
    found: Found,
    selection: Selection,
    into: Path,
    *,
    jobs: int = DEFAULT_JOBS,
    meter: Meter = SILENT,
) -> Fetched:
    """Write what ``selection`` names of the release ``found`` to the tar ``into``, and return what that is.

    The tar has the layout of a directory, with ``index.json`` and the release's yank record: an origin
    as it is, and unpacked a destination. The same release and selection give the same bytes. It is
    fetched into a hidden folder beside ``into`` first, which needs its size twice and stays after a
    failure, so that the same call goes on.

    Raises what :func:`.fetch.fetch` raises, and UsageError when ``into`` is a folder.
    """
    if into.is_dir():
        raise UsageError(f"{into} is a folder", "name the file to write, such as release.tar")
    work = into.with_name(f".{into.name}.{found.version}")
    fetched = fetch(origin, found, selection, work, jobs=jobs, meter=meter)
    entries = [*_files(work, found, fetched), *_documents(found)]
    with FileStore(into).told():
        with replacing(into) as sink:
            write_tar(entries, sink, int(found.manifest.source.committed_at.timestamp()))
        shutil.rmtree(work)
    return fetched


def _files(work: Path, found: Found, fetched: Fetched) -> Iterator[Entry]:
    """Yield the files of the release that were asked for: an earlier run may have left others."""
    for name in (manifest.NAME, checksums.NAME, *found.attestations, *fetched.fetched, *fetched.kept):
        path, place = work / name, f"{RELEASES}{found.version}/{name}"
        if path.is_dir():
            yield from entries_of(path, place)
        else:
            yield Entry(path=place, source=path)


def _documents(found: Found) -> tuple[Entry, ...]:
    """Return what lies beside the release: the index, and that it is yanked."""
    row = Row(
        version=found.version,
        manifest_digest=found.pin.manifest_digest,
        committed_at=rfc3339.render(found.manifest.source.committed_at),
        yanked=None if found.yank is None else found.yank.reason,
    )
    documents = {INDEX: index.to_json([row])}
    if found.yank is not None:
        documents[yank_key(found.version)] = yank_file.to_json(found.yank)
    return tuple(Entry(path=key, source=data) for key, data in documents.items())
