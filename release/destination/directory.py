"""A directory as a destination, such as one that a web server serves.

``releases/<version>/…``, ``channels/<name>.json`` and ``index.json``, a list that is derived from
``releases``. One ``rename`` makes a release visible.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import canonical, checksums, manifest, tree
from ..atomic import replacing, sync_folder
from ..checksums import digest_of, digest_of_bytes
from ..errors import ConflictError, DestinationError, VerificationError
from ..filelock import locked
from ..manifest import to_json
from ..staged import StagedRelease
from ..verify import verify
from ..version import Version, check_channel, check_channel_name, from_tag
from . import channel as channels
from .channel import Channel, goes_forward
from .incoming import incoming
from .protocol import Outcome

_NEXT_STEPS = {
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space and run again",
    errno.EACCES: "give this user the right to write there",
    errno.EPERM: "give this user the right to write there",
    errno.EROFS: "name a place that can be written",
    errno.ENOTDIR: "name a directory, not a file",
    errno.EEXIST: "name a directory, not a file",
}


class DirectoryDestination:
    """Releases in the folder ``root``, which is made when needed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def name(self) -> str:
        """The path, as it was given."""
        return str(self._root)

    def folder(self, version: Version) -> Path:
        """Return where the files of ``version`` are, once it is published."""
        return self._root / "releases" / str(version)

    def check(self) -> None:
        """Write and remove a file. Raises DestinationError."""
        with self._told(), self._incoming():
            pass

    def manifest_of(self, version: Version) -> bytes | None:
        """Return the ``release.json`` of ``version``, None when it is not there. Raises DestinationError."""
        with self._told():
            try:
                return (self.folder(version) / manifest.NAME).read_bytes()
            except FileNotFoundError:
                return None

    def holds(self, staged: StagedRelease) -> bool:
        """Compare ``staged`` with what is published, file by file. Raises ConflictError."""
        folder = self.folder(staged.manifest.version)
        with self._told():
            if not folder.exists():
                return False
            published, offered = _digests(folder), _digests(staged.directory)
        for name in sorted(published.keys() | offered.keys(), key=_artifacts_first):
            if published.get(name) != offered.get(name):
                raise ConflictError(
                    f"{staged.manifest.version} is published in {self.name} with another {name}: "
                    f"{published.get(name, 'none')} there, {offered.get(name, 'none')} here",
                    "a published version is never changed: raise the version",
                )
        return True

    def publish(self, staged: StagedRelease) -> Outcome:
        """Copy into a private folder, check the copy, rename it; see :class:`.protocol.Destination`."""
        with self._told():
            outcome = Outcome.UNCHANGED if self.holds(staged) else self._copy(staged)
            self._write_index()
        return outcome

    def channel(self, name: str) -> Channel | None:
        """Return where a channel points. Raises VersionError for a name that is none."""
        path = self._channel_file(name)
        with self._told():
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                return None
        return channels.from_json(data, name)

    def move_channel(self, name: str, version: Version, manifest_digest: str) -> None:
        """Point a channel to a published release; see :class:`.protocol.Destination`."""
        check_channel(version, name)
        published = self.manifest_of(version)
        if published is None or digest_of_bytes(published).sha256 != manifest_digest:
            raise VerificationError(
                f"{self.name} does not hold {version} with the manifest {manifest_digest}", "publish it first"
            )
        wanted = Channel(name=name, version=version, manifest_digest=manifest_digest)
        path = self._channel_file(name)
        with self._told(), locked(self._root / ".lock"):
            if goes_forward(self.channel(name), wanted):
                path.parent.mkdir(exist_ok=True)
                path.parent.chmod(0o755)
                _write(path, channels.to_json(wanted))

    def _copy(self, staged: StagedRelease) -> Outcome:
        target = self.folder(staged.manifest.version)
        with self._incoming() as folder:
            copy = folder / "release"
            # Copies, not hard links: a link would let a later write to the staged file through.
            _copy_tree(staged.directory, copy)
            if to_json(verify(copy)) != to_json(staged.manifest):
                raise VerificationError(f"{staged.directory} changed while it was published", "run again")
            target.parent.mkdir(exist_ok=True)
            target.parent.chmod(0o755)
            try:
                # A folder with files in it is never replaced: of two at once, one wins.
                copy.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                self.holds(staged)
                return Outcome.UNCHANGED
            sync_folder(target.parent)
            return Outcome.PUBLISHED

    def _write_index(self) -> None:
        """List the releases, sorted by SemVer. Derived: a run that died before is made up for."""
        with locked(self._root / ".lock"):
            found = {
                version: digest_of(folder / manifest.NAME).sha256
                for folder in (self._root / "releases").iterdir()
                if (version := from_tag(folder.name, prefix="")) and (folder / manifest.NAME).is_file()
            }
            rows = [{"version": str(version), "manifestDigest": found[version]} for version in sorted(found)]
            _write(self._root / "index.json", canonical.dumps({"schemaVersion": 1, "releases": rows}))

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        self._root.mkdir(parents=True, exist_ok=True)
        with incoming(self._root) as folder:
            yield folder

    def _channel_file(self, name: str) -> Path:
        check_channel_name(name)
        return self._root / "channels" / f"{name}.json"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn errors of the file system into a sentence."""
        try:
            yield
        except OSError as error:
            next_step = _NEXT_STEPS.get(error.errno or 0, "check the path")
            raise DestinationError(f"{self.name} cannot be used: {error.strerror}", next_step) from error


def _digests(folder: Path) -> dict[str, str]:
    return {path: digest_of(folder / path).sha256 for path in tree.files(folder, VerificationError)}


def _artifacts_first(name: str) -> tuple[bool, str]:
    """Sort the files that follow from others last: they say less about what differs."""
    return name in (manifest.NAME, checksums.NAME), name


def _copy_tree(source: Path, target: Path) -> None:
    """Copy all files, public whatever the umask, and put them on the disk."""
    folders = {target}
    for path in tree.files(source, VerificationError):
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        folders.update(parent for parent in copy.parents if parent.is_relative_to(target))
        shutil.copyfile(source / path, copy)
        copy.chmod(0o644)
        with copy.open("rb") as file:
            os.fsync(file.fileno())
    for folder in folders:
        folder.chmod(0o755)
        sync_folder(folder)


def _write(path: Path, data: bytes) -> None:
    """Replace ``path`` unless it holds ``data`` already."""
    if not path.is_file() or path.read_bytes() != data:
        with replacing(path) as sink:
            sink.write(data)
