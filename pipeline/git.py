"""Runs git on a source."""

from __future__ import annotations

import shutil
from pathlib import Path

from release.errors import SourceError
from release.gitcommand import GIT, environment
from release.giturl import without_secrets

from .command import CommandError, run


async def git(folder: Path, *arguments: str) -> str:
    """What git prints in ``folder``. Raises :class:`SourceError` without git, else :class:`CommandError`."""
    return await _run("-C", str(folder), *arguments)


async def clone(url: str, ref: str, folder: Path) -> None:
    """Clone ``url`` with its history and tags, and check ``ref`` out. Raises :class:`SourceError`."""
    try:
        await _run("clone", "--quiet", "--no-checkout", "--", url, str(folder))
        await git(folder, "checkout", "--quiet", "--detach", await _commit(folder, ref))
    except CommandError as error:
        raise SourceError(
            f"{without_secrets(url)} could not be cloned", "see git's message above", detail=error.output
        ) from error


async def _commit(folder: Path, ref: str) -> str:
    for name in (ref, f"refs/tags/{ref}", f"refs/remotes/origin/{ref}"):
        try:
            return (await git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")).strip()
        except CommandError:
            continue
    raise SourceError(f"the source has no ref {ref!r}", "name a tag, a branch or a commit with --ref")


async def _run(*arguments: str) -> str:
    if shutil.which("git") is None:
        raise SourceError("git is not installed", "as root: apt-get install git")
    return await run([*GIT, *arguments], env=environment())
