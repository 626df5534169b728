"""Advisory locks on files: free again when the process that holds one ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock on the file ``path``, made with its folder when needed; waits for it. Raises OSError.

    Yields the file's descriptor.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


@contextmanager
def passing_lock(path: Path) -> Iterator[None]:
    """Hold the lock on ``path`` as :func:`locked` does, and leave no file behind. Raises OSError."""
    while True:
        with locked(path) as handle:
            # While this one waited, the one before may have removed the file that it waited for.
            if _is_at(handle, path):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock on ``path``; nobody holds one that is not there.

    Raises OSError for a file that is there and cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
