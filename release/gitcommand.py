"""How git is run on somebody's repository: never with its hooks, never asking, never in another repository."""

from __future__ import annotations

import os

# fsmonitor is a hook that a repository may configure; the others are about display.
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "log.showSignature=false")
"""How each command begins."""

# git sets these for its hooks; they would win over -C.
_OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE")
_OWN = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def environment() -> dict[str, str]:
    """Return the variables for it: those of this process, but none that names a repository."""
    return {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER} | _OWN
