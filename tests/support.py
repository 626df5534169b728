"""What all tests share: a source to release, and the pipeline's command line as a person runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
SAMPLE = REPOSITORY / "examples" / "minitesseral"
WHO = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
COMMIT_TIME = "2026-02-03T04:05:06+00:00"


def git(folder: Path, *arguments: str) -> str:
    """Run git in ``folder`` as somebody, at a fixed time."""
    env = {
        **os.environ,
        "GIT_AUTHOR_DATE": COMMIT_TIME,
        "GIT_COMMITTER_DATE": COMMIT_TIME,
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}": "somebody@example.com" for who in WHO},
    }
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], env=env, check=True, capture_output=True, text=True
    ).stdout


def make_source(folder: Path, *, tag: str | None = "v1.0.0") -> Path:
    """A repository of its own with the sample's tracked files in one commit; the same commit every time."""
    for name in git(SAMPLE, "ls-files", "-z").split("\0"):
        if name and (SAMPLE / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "A source")
    if tag is not None:
        git(folder, "tag", tag)
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit all that is in ``folder``."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)


def pipeline(
    *arguments: str | Path, env: Mapping[str, str] | None = None, timeout: float = 1800
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m pipeline`` as nox does; both streams are captured."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
