"""What the end-to-end tests share besides fixtures."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from pipeline.debian import require

VERSION = "1.0.0"


def install(*packages: str, commands: tuple[str, ...]) -> None:
    """Install Debian packages that the tests need, where they are missing."""
    asyncio.run(require(packages, commands=commands, say=print))


def layout_tar(release: Path, name: str, target: Path) -> Path:
    """An image's layout as one tar file, the form in which engines import it."""
    shutil.make_archive(str(target / name), "tar", release / "images" / name)
    return target / f"{name}.tar"
