"""A folder for one run, gone when the run ends; what a killed run left is swept by the next."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from release.errors import DestinationError
from release.filelock import is_held, locked

from .cache import cache_root

LOCK = "lock"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Yield an empty folder of this run below the cache directory.

    Raises :class:`DestinationError` when the cache directory can't be written.
    """
    home = cache_root() / "runs"
    try:
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        folder = Path(tempfile.mkdtemp(dir=home))
    except OSError as error:
        raise DestinationError(
            f"the cache directory {home} can't be written: {error.strerror}", "free it, or set XDG_CACHE_HOME"
        ) from error
    try:
        with locked(folder / LOCK):
            work = folder / "work"
            work.mkdir()
            yield work
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(home: Path) -> None:
    for folder in home.iterdir():
        if (folder / LOCK).exists() and not is_held(folder / LOCK):
            shutil.rmtree(folder, ignore_errors=True)
