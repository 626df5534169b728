"""Private folders to fill before they become visible, swept when their owner is dead."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_PREFIX = ".incoming-"
_LOCK = "lock"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the advisory lock on the file ``path``, waiting for it. Raises OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def incoming(root: Path) -> Iterator[Path]:
    """Make a folder in ``root`` that goes away at the end of the block, however that is left.

    A killed process leaves its folder behind, and the kernel frees its lock: that is how the next
    one knows. Raises OSError.
    """
    with ExitStack() as stack:
        # Under the root's lock no folder is without its own, so a sweep takes none from the living.
        with locked(root / ".lock"):
            _sweep(root)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.enter_context(locked(folder / _LOCK))
        yield folder


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        if not _is_held(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
