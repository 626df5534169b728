"""Fetch a published release, or a part of it, into a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import checksums
from ..archive import folder_name, unpack
from ..atomic import replacing, sync_folder
from ..checksums import digest_of_bytes
from ..destination.files import FileStore
from ..destination.protocol import Origin
from ..errors import UsageError, VerificationError
from ..filelock import passing_lock
from ..manifest import NAME, Manifest, from_json, to_json
from ..staged import IMAGES, expected_checksums
from ..transfer import SILENT, Meter, Retrier, in_parallel
from ..transfer.parallel import DEFAULT_JOBS
from .download import Downloads, Item, check_present
from .find import Found
from .layouts import LayoutDownload
from .selection import Selection, select

_LOCK = ".lock"
_CLAIM = f".{NAME}.part"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What is in ``directory`` now: relative paths of files and image layouts, by whether they came just now.

    ``unpacked`` are the folders of archives, also those that were there already.
    """

    directory: Path
    fetched: tuple[str, ...]
    kept: tuple[str, ...]
    unpacked: tuple[str, ...] = ()


def fetch(
    origin: Origin,
    found: Found,
    selection: Selection,
    into: Path,
    *,
    unpacked: bool = False,
    jobs: int = DEFAULT_JOBS,
    meter: Meter = SILENT,
    retrier: Retrier | None = None,
) -> Fetched:
    """Bring what ``selection`` names of the release ``found`` into the folder ``into``.

    A file gets its name when its size and digest are those of the manifest, not before; what is there
    already is checked and kept. With ``unpacked``, each archive gets a folder beside it, named without
    its ending; a folder that is there is left as it is. ``SHA256SUMS`` and ``release.json`` come last.
    After a failure, or a kill, the same call goes on where it stopped. Several at once into one folder
    take turns.

    Raises UsageError for a selection that names nothing, and for a folder that holds another release;
    VerificationError for bytes that are not the manifest's, there or here; DestinationError when the
    origin cannot be read or the folder cannot be written.
    """
    manifest = found.manifest
    selected = select(manifest, selection)
    downloads = Downloads(origin, found.version, meter, retrier)
    files = {one.name: Item(path=one.name, digest=one.content, target=into / one.name) for one in selected.artifacts}
    layouts = [LayoutDownload(downloads, image, manifest, into) for image in selected.images]
    with FileStore(into).told():
        into.mkdir(parents=True, exist_ok=True)
        with passing_lock(into / _LOCK):
            _claim(into, manifest)
            if layouts:
                (into / IMAGES).mkdir(exist_ok=True)
            blobs = in_parallel([layout.start for layout in layouts], jobs)
            items = [*files.values(), *(item for group in blobs for item in group or ())]
            downloads.expect(items)
            came = in_parallel([partial(downloads.bring, item) for item in items], jobs)
            for layout, group in zip(layouts, blobs, strict=True):
                if group is not None:
                    layout.finish()
            folders = _unpack(into, files) if unpacked else ()
            _sign_off(into, manifest, found.attestations)
    # The files came first; whether each blob came says little to a person.
    new = dict(zip(files, came, strict=False)) | {
        layout.path: group is not None for layout, group in zip(layouts, blobs, strict=True)
    }
    return Fetched(
        directory=into,
        fetched=tuple(name for name, arrived in new.items() if arrived),
        kept=tuple(name for name, arrived in new.items() if not arrived),
        unpacked=folders,
    )


def _claim(into: Path, manifest: Manifest) -> None:
    """Say whose folder this is, before ``release.json`` says so. Raises UsageError for another release's."""
    data = to_json(manifest)
    for name in (NAME, _CLAIM):
        there = FileStore(into).read(name)
        if there in (None, data):
            continue
        other = _version_in(there or b"")
        if other is None and name == _CLAIM:
            continue  # A run was killed while it wrote this.
        kind = "another " if other in (None, str(manifest.version)) else ""
        raise UsageError(f"{into} holds {kind}{other or NAME}, not {manifest.version}", "name another folder")
    if not (into / NAME).exists():
        (into / _CLAIM).write_bytes(data)


def _version_in(data: bytes) -> str | None:
    try:
        return str(from_json(data).version)
    except VerificationError:
        return None


def _unpack(into: Path, names: Iterable[str]) -> tuple[str, ...]:
    folders = {name: folder for name in names if (folder := folder_name(name)) is not None}
    for name, folder in folders.items():
        if not (into / folder).exists():
            unpack(into / name, into / folder)
    return tuple(folders.values())


def _sign_off(into: Path, manifest: Manifest, said: Mapping[str, bytes]) -> None:
    """Write attestations, the list of checksums, then ``release.json``, when all other names are on the disk."""
    for name, data in said.items():
        # One of an earlier run may be of another key; this one was checked just now.
        with replacing(into / name) as sink:
            sink.write(data)
    sync_folder(into)
    for name, data in (
        (checksums.NAME, checksums.render(expected_checksums(manifest))),
        (NAME, to_json(manifest)),
    ):
        target = into / name
        if target.exists():
            check_present(Item(path=name, digest=digest_of_bytes(data), target=target))
            continue
        # Its hidden name is that of the claim, which becomes release.json here.
        with replacing(target) as sink:
            sink.write(data)
