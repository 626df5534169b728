"""Where the source of a release is taken from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..giturl import is_url, without_secrets
from ..manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Place:
    """A repository to clone, and what to check out of it.

    ``expected``: ``ref`` is the commit that the release names, not one that a person chose.
    """

    url: str
    ref: str
    expected: bool

    def __str__(self) -> str:
        return f"{without_secrets(self.url)} at {self.ref}"


def place_of(manifest: Manifest, given: str | None) -> Place:
    """Return the place that ``given`` names (``PATH`` or ``URL``, with another ``#REF`` or not), else the manifest.

    A folder is cloned too, so that its commit counts and not what lies in its work tree. Raises UsageError.
    """
    if given is None:
        url, ref = manifest.source.repository or "", ""
        if not is_url(url):
            names = f"names the repository {url!r}, which is no URL" if url else "names no repository"
            raise UsageError(f"{manifest.version} {names}", "say where its source is with --source")
    elif is_url(given):
        url, _, ref = given.partition("#")
    else:
        path, _, ref = (given, "", "") if Path(given).is_dir() else given.partition("#")
        url = _repository(Path(path)).as_uri()
    return Place(url=url, ref=ref or manifest.source.commit, expected=not ref)


def _repository(folder: Path) -> Path:
    """The top of the work tree around ``folder``; else the folder itself, which may be a bare repository."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "name a git repository with --source")
    here = folder.resolve()
    return next((place for place in (here, *here.parents) if (place / ".git").exists()), here)
