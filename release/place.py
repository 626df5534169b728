"""Put a new folder where an older one may be, so that whoever serves it never sees a part."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from . import tree
from .atomic import sync_folder
from .destination.files import FileStore
from .errors import DestinationError
from .exchange import exchange
from .filelock import passing_lock


def place(into: Path, write: Callable[[Path], None], check: Callable[[Path], None]) -> bool:
    """Have ``write`` fill a new folder, and make that ``into``; tells whether anything changed.

    What is at ``into`` is replaced whole, unless ``check`` refuses it: that raises UsageError when something
    there is not of an earlier run, or OSError when it is no folder. A link to a folder stays, and the folder
    is replaced. Several at once take turns. Raises what ``check`` and ``write`` raise, and DestinationError.
    """
    with FileStore(into).told():
        target = into.resolve()
        if target.exists():
            check(into)
        target.parent.mkdir(parents=True, exist_ok=True)
        with passing_lock(target.with_name(f".{target.name}.lock")):
            return _replace(target, write)


def _replace(target: Path, write: Callable[[Path], None]) -> bool:
    part = target.with_name(f".{target.name}.part")
    for left in (part, part.with_name(f"{part.name}.old")):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        write(part)
        if target.exists() and _same(part, target):
            return False
        for folder, _, _ in os.walk(part):
            Path(folder).chmod(0o755)
            sync_folder(Path(folder))
        if target.exists() and any(target.iterdir()):
            exchange(part, target)
        else:
            part.rename(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return True


def _same(one: Path, other: Path) -> bool:
    names = tree.files(one, DestinationError)
    return names == tree.files(other, DestinationError) and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in names
    )
