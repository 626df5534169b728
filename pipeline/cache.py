"""Where this project keeps what it can make again: the user's cache directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAME = "tesseral-release"


def cache_root() -> Path:
    """The cache directory by the XDG Base Directory Specification; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / NAME


def free_bytes(path: Path) -> int:
    """Free space, in bytes, of the file system that will hold ``path``."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
