"""``nox -s bump``: the changelog's Unreleased section becomes the next version, dated today."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from release import changelog
from release.atomic import replacing
from release.errors import SourceError
from release.version import Part

from .command import CommandError
from .git import git
from .plan import CHANGELOG

OWN_VERSION = Path("release/__init__.py")


async def bump(folder: Path, parts: Sequence[Part], console: Console) -> None:
    """Rewrite ``folder``'s CHANGELOG.md, and this project's own version when the changelog is its own.

    Raises :class:`SourceError` and :class:`release.errors.VersionError`.
    """
    path = folder / CHANGELOG
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{path} can't be read: {why}", "name the folder with --source") from error
    changed, version = changelog.cut(text, parts, datetime.now(UTC).date())
    _write(path, changed)
    files = [str(path)]
    if (folder / OWN_VERSION).exists() and (folder / "pipeline").is_dir():
        own = (folder / OWN_VERSION).read_text()
        _write(folder / OWN_VERSION, re.sub(r'(?m)^__version__ = ".*"$', f'__version__ = "{version}"', own))
        files.append(str(folder / OWN_VERSION))
    verb = "says" if len(files) == 1 else "say"
    tag = f"{await _tag_prefix(folder)}{version}"
    console.print(f"{' and '.join(files)} now {verb} {version}", highlight=False, soft_wrap=True)
    console.print(f"next: git commit -am 'Release {version}' && git tag {tag}", highlight=False, soft_wrap=True)


async def _tag_prefix(folder: Path) -> str:
    """What a tag of this source starts with: its place in its repository, as ``source.py`` reads it."""
    try:
        return (await git(folder, "rev-parse", "--show-prefix")).strip() + "v"
    except CommandError:
        return "v"  # no repository yet


def _write(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text.encode())
