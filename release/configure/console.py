"""From a console as it was released to one for an operator's own api."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .. import tree
from ..archive import Entry
from ..atomic import replacing
from ..errors import UsageError, VerificationError
from ..oci import ImageIndex, read_layout
from ..place import place
from . import image, record
from .bundle import Bundle, read_bundle
from .fill import configured_files
from .record import Kind, Record, record_of


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What is in ``directory`` now; ``written`` tells whether it was not before, ``image`` is that of a layout."""

    directory: Path
    record: Record
    written: bool
    image: ImageIndex | None = None


def configure_console(path: Path, values: Mapping[str, str], into: Path) -> Configured:
    """Fill ``values`` (of :func:`.values.console_values`) into the console at ``path``, as ``into``.

    ``into`` becomes a folder of files to serve, among them ``configured.json``; for an image layout
    another layout, with these files in its layer. The same console and values give the same bytes. Raises
    what :func:`.bundle.read_bundle`, :func:`.fill.configured_files` and :func:`release.place.place` raise.
    """
    bundle = read_bundle(path)
    made, entries = _configured(bundle, values)
    if bundle.base.kind is not Kind.IMAGE:
        written = place(into, partial(_write, entries), partial(_check, _is_earlier))
        return Configured(directory=into, record=made, written=written)
    written = place(into, lambda part: _write_image(path, part, entries), partial(_check, image.is_rewritten))
    return Configured(directory=into, record=made, written=written, image=read_layout(into))


def _configured(bundle: Bundle, values: Mapping[str, str]) -> tuple[Record, tuple[Entry, ...]]:
    contents = {entry.path: image.content(entry) for entry in bundle.entries}
    try:
        filled = configured_files(contents, values, bundle.placeholders)
    except VerificationError as error:
        raise VerificationError(f"{bundle.path}: {error.problem}", error.next_step) from error
    made = record_of(bundle.base, values, filled)
    entries = (replace(entry, source=filled[entry.path]) for entry in bundle.entries)
    return made, (*entries, Entry(path=record.NAME, source=record.to_json(made)))


def _write(entries: Iterable[Entry], folder: Path) -> None:
    for entry in entries:
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as sink:
            for data in entry.chunks():
                sink.write(data)


def _write_image(layout: Path, target: Path, entries: Iterable[Entry]) -> None:
    image.rewrite(layout, target, tuple(entries))


def _check(is_earlier: Callable[[Path], bool], into: Path) -> None:
    if not into.is_dir() or (any(into.iterdir()) and not is_earlier(into)):
        raise UsageError(
            f"{into} holds something that `configure` did not write, or wrote from a bundle of another form",
            "name another folder",
        )


def _is_earlier(folder: Path) -> bool:
    """Tell whether a folder holds what an earlier run wrote, and nothing that would be lost with it."""
    try:
        made = record.from_json((folder / record.NAME).read_bytes())
        return made.files.keys() | {record.NAME} >= set(tree.files(folder, VerificationError))
    except (FileNotFoundError, VerificationError):
        return False
