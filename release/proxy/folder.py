"""Puts a configuration in its folder, in one step: nginx may read it again at any moment."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ..errors import UsageError
from ..place import place
from .render import MARK


def write_folder(into: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` (path → content) as the folder ``into``, whole or not at all, readable by everyone.

    It takes the place of one that this made before. Raises UsageError for a folder with anything else in it, and
    DestinationError.
    """
    place(into, partial(_write, files), _check_ours)


def _write(files: Mapping[str, str], folder: Path) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        with (folder / path).open("w", encoding="utf-8", newline="\n") as sink:
            sink.write(text)
            os.fsync(sink.fileno())
        (folder / path).chmod(0o644)


def _check_ours(folder: Path) -> None:
    """Check that every file in ``folder`` is of an earlier run, also one that somebody changed since then.

    Raises UsageError, and OSError for what is no folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        with path.open("rb") as file:
            if file.read(len(MARK)) != MARK.encode():
                raise UsageError(
                    f"{path} is not of this program, and {folder} would be replaced as a whole",
                    "name another folder, or move the file away",
                )
