"""``nox -s lock``: takes the data packages and base filesystem that are there now into toolchain.lock."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import certifi
import tzdata
from rich.console import Console

from release.atomic import replacing

from .base import ensure_root
from .data import certificate_entries, data_digest, zoneinfo_entries
from .lock import LOCK_FILE, read_lock
from .progress import Progress

BASE_PACKAGES = "[base.packages]\n"


async def relock(console: Console) -> None:
    """Rewrite the parts of toolchain.lock that follow from what is installed and served.

    Go, Node and npm are changed by hand, with the hashes that their registries
    publish. Raises :class:`release.errors.ToolchainError`.
    """
    lock = read_lock()
    text = LOCK_FILE.read_text()
    for package, version, entries in (
        ("certifi", certifi.__version__, certificate_entries()),
        ("tzdata", tzdata.__version__, zoneinfo_entries()),
    ):
        text = pinned(text, package, version, data_digest(entries))
    with Progress(console) as progress, tempfile.TemporaryDirectory() as home:
        root = await ensure_root("base", lock.base.suite, lock.base.include, progress, home=Path(home))
        head, heading, _ = text.partition(BASE_PACKAGES)
        text = head + heading + root.with_suffix(".packages").read_text()
    with replacing(LOCK_FILE) as file:
        file.write(text.encode())
    console.print(f"{LOCK_FILE} is written; `git diff` shows what changed", highlight=False, soft_wrap=True)


def pinned(text: str, package: str, version: str, digest: str) -> str:
    """The lock's text with another version and digest of a data package."""
    return re.sub(
        rf'(package = "{package}"\nversion = )".*"(\ndigest = )".*"', rf'\g<1>"{version}"\g<2>"{digest}"', text
    )
