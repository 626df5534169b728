"""Where this project keeps what it can make again: the user's cache directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

NAME = "tesseral-release"


def cache_root() -> Path:
    """The cache directory by the XDG Base Directory Specification; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / NAME


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``path`` as a lock of this machine; it is free again when the process ends, however."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_locked(path: Path) -> bool:
    """Whether some process holds ``path``; asked to say that one waits, not to decide."""
    try:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def free_bytes(path: Path) -> int:
    """Free space, in bytes, of the file system that will hold ``path``."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
