"""What the files of a repository were like before."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ..gitcommand import GIT, environment


def commit_of(folder: Path, paths: Sequence[Path], suits: Callable[[list[bytes]], bool]) -> str | None:
    """Return the newest commit, of any branch or tag, that changed ``paths`` and whose contents of them ``suits``.

    None where there is none, no repository, or no git.
    """
    commits = _git(folder, "log", "--all", "--format=%H", "--", *map(str, paths)) or b""
    for commit in commits.decode().split():
        contents = [_git(folder, "show", f"{commit}:./{path.as_posix()}") for path in paths]
        known = [content for content in contents if content is not None]
        if len(known) == len(paths) and suits(known):
            return commit
    return None


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, None when it fails."""
    command = [*GIT, "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
