"""A source tree as git tracks it: its commit, its content, its tags."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from semver import Version

from release.errors import SourceError
from release.giturl import is_url, without_secrets
from release.version import from_tag

from .command import CommandError
from .git import clone, git

REGULAR, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True, kw_only=True, order=True)
class TrackedFile:
    """A file that git tracks; ``path`` counts from the source's root, ``mode`` is git's."""

    path: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source to release.

    ``root`` is a folder on this machine; ``subdirectory`` is its place in its
    repository, empty for the whole. ``dirty`` tells that tracked content
    differs from the commit; ``untracked`` files never enter. ``tagged`` is the
    version that the commit is tagged with, ``last_tag`` the newest reachable.
    """

    root: Path
    subdirectory: str
    repository: str | None
    commit: str
    committed_at: datetime
    files: tuple[TrackedFile, ...]
    tree_digest: str
    dirty: bool
    untracked: int
    tagged: Version | None
    last_tag: Version | None

    @property
    def epoch(self) -> int:
        """SOURCE_DATE_EPOCH: the commit's time in seconds."""
        return int(self.committed_at.timestamp())

    def read(self, path: str) -> bytes | None:
        """The content of a tracked file, or ``None`` when it is not tracked."""
        return (self.root / path).read_bytes() if any(f.path == path for f in self.files) else None

    def below(self, folder: str) -> dict[str, bytes]:
        """The tracked files right in ``folder``, by name."""
        return {
            name: (self.root / file.path).read_bytes()
            for file in self.files
            for parent, _, name in [file.path.rpartition("/")]
            if parent == folder
        }


async def open_source(
    text: str, ref: str | None, checkouts: Path, *, path: str = "", repository: str | None = None
) -> Source:
    """Open the source that ``text`` names: a folder in a git work tree, or a git URL.

    A URL may carry its ref behind ``#``; it is cloned into ``checkouts``. ``path`` is the source's
    folder below that. ``repository`` is where others find it: by default the URL, empty for nowhere.
    Raises :class:`SourceError`.
    """
    if is_url(text):
        url, _, fragment = text.partition("#")
        folder = checkouts / "clone"
        await clone(url, ref or fragment or "HEAD", folder)
        named = without_secrets(url) if repository is None else repository
        return await _open_folder(_below(folder, path), named or None)
    if ref is not None:
        raise SourceError(f"--ref goes with a git URL, and {text} is a folder", "check the ref out, or use file://")
    return await _open_folder(_below(Path(text), path), repository or None)


def _below(folder: Path, path: str) -> Path:
    """The folder ``path`` in ``folder``. A link must not lead out of it either: the source may be anybody's."""
    place = folder / path
    if path and not place.is_dir():
        raise SourceError(f"the source has no folder {path}", "name one that git tracks with --path")
    if not place.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"the path {path} leads out of the source", "name a folder in it with --path")
    return place


async def _open_folder(folder: Path, repository: str | None) -> Source:
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder", "name a git work tree or a git URL with --source")
    root = folder.resolve()
    try:
        prefix = (await git(root, "rev-parse", "--show-prefix")).strip().rstrip("/")
        commit, seconds = (await git(root, "log", "-1", "--format=%H %ct")).split()
        listing = await git(root, "ls-files", "-z", "--stage", "--", ".")
        status = await git(
            root, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal", "--", "."
        )
        _check_overlooked(await git(root, "ls-files", "-z", "-v", "--", "."))
    except CommandError as error:
        raise SourceError(
            f"{folder} is no git work tree with a commit", "run `git init` and commit the source", detail=error.output
        ) from error
    files = _present(root, _parse_listing(listing))
    changes = [line for line in status.split("\0") if line]
    untracked = sum(line.startswith("??") for line in changes)
    if not files:
        raise SourceError(f"git tracks no file in {folder}", "commit the source")
    return Source(
        root=root,
        subdirectory=prefix,
        repository=repository,
        commit=commit,
        committed_at=datetime.fromtimestamp(int(seconds), UTC),
        files=files,
        tree_digest=tree_digest(root, files),
        dirty=len(changes) > untracked,
        untracked=untracked,
        tagged=_newest(await git(root, "tag", "--points-at", "HEAD"), prefix),
        last_tag=_newest(await git(root, "tag", "--merged", "HEAD"), prefix),
    )


def _check_overlooked(listing: str) -> None:
    """Refuse files whose changes git does not look at (``ls-files -v``: S, or a small letter)."""
    for record in filter(None, listing.split("\0")):
        if record[0] == "S" or record[0].islower():
            raise SourceError(
                f"git is told to overlook changes of {record[2:]}",
                f"git update-index --no-assume-unchanged --no-skip-worktree {record[2:]}",
            )


def _newest(tags: str, subdirectory: str) -> Version | None:
    """The highest version among ``tags``; a source in a subdirectory has tags ``sub/dir/v1.4.0``,
    as Go's modules do (Go modules reference, "Mapping versions to commits")."""
    prefix = f"{subdirectory}/v" if subdirectory else "v"
    return max((version for tag in tags.split() if (version := from_tag(tag, prefix))), default=None)


def _parse_listing(listing: str) -> tuple[TrackedFile, ...]:
    """Files from ``git ls-files --stage -z``: ``mode object stage TAB path``."""
    found = []
    for record in filter(None, listing.split("\0")):
        header, _, path = record.partition("\t")
        mode, _, stage = header.split()
        if mode == SUBMODULE:
            raise SourceError(f"{path} is a git submodule, which cannot be released", "commit its files instead")
        if stage != "0":
            raise SourceError(f"{path} has an unfinished merge", "finish the merge and commit")
        if "\N{REPLACEMENT CHARACTER}" in path:
            raise SourceError(f"the name {path} is not UTF-8", "rename the file")
        found.append(TrackedFile(path=path, mode=mode))
    return tuple(sorted(found))


def _present(root: Path, files: Sequence[TrackedFile]) -> tuple[TrackedFile, ...]:
    """The files that are there; a tracked file that was deleted makes the tree dirty, not unreadable."""
    return tuple(file for file in files if (root / file.path).is_symlink() or (root / file.path).exists())


def tree_digest(root: Path, files: Sequence[TrackedFile]) -> str:
    """Digest of a tree's content: SHA-256 over ``mode SP sha256 NUL path NUL`` of each file, sorted by path.

    Raises :class:`SourceError` for a file whose content is not there, or lies outside the tree.
    """
    whole = hashlib.sha256()
    for file in sorted(files):
        content = _content(root, file)
        if content.startswith(LFS_POINTER):
            raise SourceError(f"{file.path} is a Git LFS pointer, not the file itself", "run `git lfs pull`")
        whole.update(f"{file.mode} {hashlib.sha256(content).hexdigest()}\0{file.path}\0".encode())
    return f"sha256:{whole.hexdigest()}"


def _content(root: Path, file: TrackedFile) -> bytes:
    path = root / file.path
    # The folder above counts too: it may have become a link since.
    if path.is_symlink() != (file.mode == SYMLINK) or path.parent.resolve() != (root.resolve() / file.path).parent:
        raise SourceError(f"{file.path} is not what git tracks: one of the two is a link", "restore or commit it")
    try:
        if file.mode != SYMLINK:
            return path.read_bytes()
        link = path.readlink()
        inside = not link.is_absolute() and path.parent.joinpath(link).resolve().is_relative_to(root)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise SourceError(f"{file.path} can't be read: {error}", "restore or commit it") from error
    if not inside:
        raise SourceError(f"{file.path} is a link out of the source, to {link}", "commit the file itself")
    return link.as_posix().encode()


def copy_tree(source: Source, target: Path, *, keep: Callable[[str], bool] = lambda path: True) -> None:
    """Lay out the tracked files below ``target`` with modes 644 and 755 and the commit's time."""
    target.mkdir(parents=True, exist_ok=True)
    for file in source.files:
        if not keep(file.path):
            continue
        place = target / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.mode == SYMLINK:
            place.symlink_to((source.root / file.path).readlink())
        else:
            shutil.copyfile(source.root / file.path, place)
            place.chmod(0o755 if file.mode == EXECUTABLE else 0o644)
        os.utime(place, (source.epoch, source.epoch), follow_symlinks=False)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o755)
        os.utime(folder, (source.epoch, source.epoch))
