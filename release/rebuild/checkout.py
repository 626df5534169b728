"""The checkout of this repository that rebuilds: where it is, and whether it is the one that built a release."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ..checksums import digest_of_bytes
from ..errors import NotRebuiltError, UsageError
from ..manifest import Pipeline
from .history import commit_of

COMMAND = Path("nox")
LOCK = Path("pipeline", "toolchain.lock")
INIT = Path("release", "__init__.py")

_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
# Where this very module lies, when it is not installed.
_AROUND = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A folder that holds the maintainers' pipeline, and what it would write into ``release.json``."""

    folder: Path
    pipeline: Pipeline


def find_checkout(named: Path | None, *, around: Path = _AROUND, here: Path = Path()) -> Checkout:
    """Return the checkout ``named``, else the one that this program runs from, else the folder ``here``.

    Raises UsageError when that is none.
    """
    next_step = "clone the repository of tesseral-release and name the clone with --pipeline"
    for folder in (around, here) if named is None else (named,):
        if all((folder / name).is_file() for name in (COMMAND, LOCK, INIT)):
            pipeline = _read((folder / INIT).read_bytes(), (folder / LOCK).read_bytes())
            return Checkout(folder=folder.resolve(), pipeline=pipeline)
    if named is None:
        raise UsageError("a rebuild needs a checkout of tesseral-release, and there is none here", next_step)
    raise UsageError(f"{named} is no checkout of tesseral-release", next_step)


def check_checkout(checkout: Checkout, wanted: Pipeline) -> None:
    """Raise NotRebuiltError unless ``checkout`` has the version and the tools that a release was built with."""
    if checkout.pipeline == wanted:
        return
    here = checkout.folder
    commit = commit_of(here, (INIT, LOCK), lambda contents: _read(*contents) == wanted)
    there = f"run `git -C {shlex.quote(str(here))} checkout {commit}`"
    raise NotRebuiltError(
        f"the release was built by {_told(wanted)}, and {here} has {_told(checkout.pipeline)}",
        f"fetch or clone that state of {here}" if commit is None else there,
    )


def _read(init: bytes, lock: bytes) -> Pipeline:
    version = _VERSION.search(init.decode(errors="replace"))
    return Pipeline(version=version[1] if version else "unknown", toolchain_lock_digest=digest_of_bytes(lock).sha256)


def _told(pipeline: Pipeline) -> str:
    return f"version {pipeline.version} with the {LOCK.name} {pipeline.toolchain_lock_digest}"
