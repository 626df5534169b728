"""The files that go into an archive or an image layer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from .. import tree
from ..errors import SourceError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file: ``path`` in the archive (POSIX, relative), content, and mode.

    Raises SourceError for a path that is not safe to unpack.
    """

    path: str
    source: Path | bytes = field(repr=False)
    mode: Literal[0o644, 0o755] = 0o644

    def __post_init__(self) -> None:
        tree.check_path(self.path, SourceError)

    def size(self) -> int:
        """Return the number of bytes. Raises SourceError."""
        if isinstance(self.source, bytes):
            return len(self.source)
        try:
            return self.source.stat().st_size
        except OSError as error:
            raise _unreadable(self.source, error) from error

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in pieces. Raises SourceError."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        try:
            with self.source.open("rb") as file:
                while data := file.read(2**20):
                    yield data
        except OSError as error:
            raise _unreadable(self.source, error) from error


def entries_of(directory: Path, prefix: str = "") -> tuple[Entry, ...]:
    """Return all files below ``directory``, sorted by path, in the folder ``prefix`` of the archive.

    The mode is 0755 when anyone may execute the file, else 0644. Folders without files are left out.
    Raises SourceError for links, devices and unsafe names.
    """
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    return tuple(
        Entry(path=folder + path, source=directory / path, mode=_mode(directory / path))
        for path in tree.files(directory, SourceError)
    )


def ordered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Sort by the path's UTF-8 bytes. Raises SourceError when two entries claim one path."""
    result = tuple(sorted(entries, key=lambda entry: entry.path.encode()))
    taken = folders(result)
    for entry in result:
        if entry.path in taken:
            raise SourceError(f"{entry.path} is in the archive twice", "leave one of them out")
        taken.add(entry.path)
    return result


def folders(entries: Iterable[Entry]) -> set[str]:
    """Return the folders that ``entries`` are in."""
    return {str(parent) for entry in entries for parent in PurePosixPath(entry.path).parents} - {"."}


def _mode(path: Path) -> Literal[0o644, 0o755]:
    try:
        return 0o755 if path.stat().st_mode & 0o111 else 0o644
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: os.PathLike[str], error: OSError) -> SourceError:
    return SourceError(f"{path} cannot be read: {error.strerror}", "check that it is there and readable")
