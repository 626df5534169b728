"""What is below a folder: regular files with names that are safe to unpack anywhere."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from .errors import ReleaseError


def check_path(path: str, error: type[ReleaseError]) -> None:
    """Raise ``error`` unless ``path`` is relative, POSIX, normal and free of control characters."""
    unsafe = (
        "\\" in path
        or any(segment in ("", ".", "..") for segment in path.split("/"))
        # Cc: control characters; Cs: what stands for bytes that are not UTF-8.
        or any(unicodedata.category(character) in ("Cc", "Cs") for character in path)
    )
    if unsafe:
        raise error(f"{path!r} is not a safe file name in a release", "rename it")


def files(directory: Path, error: type[ReleaseError]) -> tuple[str, ...]:
    """Return the relative POSIX paths of all files below ``directory``, sorted by their UTF-8 bytes.

    Folders without files are passed over. Raises ``error`` for links, devices, unsafe names, and
    where a folder cannot be read.
    """
    try:
        return tuple(sorted(_visit(directory, "", error), key=os.fsencode))
    except OSError as failure:
        raise error(f"{failure.filename} cannot be read: {failure.strerror}", "check the folder") from failure


def _visit(folder: Path, prefix: str, error: type[ReleaseError]) -> Iterator[str]:
    with os.scandir(folder) as items:
        for item in items:
            path = prefix + item.name
            check_path(path, error)
            if item.is_dir(follow_symlinks=False):
                yield from _visit(Path(item.path), f"{path}/", error)
            elif item.is_file(follow_symlinks=False):
                yield path
            else:
                raise error(f"{item.path} is neither a file nor a folder", "replace it by a plain file")
