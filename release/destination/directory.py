"""A directory as a destination, such as one that a web server serves. One ``rename`` makes a release visible."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import attestations, checksums, manifest, tree
from ..atomic import replacing, sync_folder
from ..checksums import digest_of
from ..errors import ConflictError, VerificationError
from ..filelock import locked
from ..manifest import Manifest, to_json
from ..signing import Signer
from ..staged import StagedRelease
from ..transfer import Meter
from ..verify import verify
from ..version import Version
from .documents import RELEASES, release_key
from .files import FileStore
from .incoming import incoming
from .protocol import Outcome, Staging
from .staging import AlreadyThere, Pending
from .store import StoreOrigin

_PIECE = 2**20


class DirectoryDestination(StoreOrigin):
    """Releases in the folder ``root``, which is made when needed."""

    browsable = True

    def __init__(self, root: Path) -> None:
        self._files = FileStore(root)
        super().__init__(self._files)
        self._root = root

    def folder(self, version: Version) -> Path:
        """Return where the files of ``version`` are, once it is published."""
        return self._root / RELEASES / str(version)

    def check(self) -> None:
        """Write and remove a file. Raises DestinationError."""
        with self._files.told(), self._incoming():
            pass

    def holds(self, staged: StagedRelease) -> bool:
        """Compare ``staged`` with what is published, file by file. Raises ConflictError."""
        folder = self.folder(staged.manifest.version)
        with self._files.told():
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

    @contextmanager
    def staging(self, staged: StagedRelease, meter: Meter) -> Iterator[Staging]:
        """Copy into a private folder and check the copy; see :class:`.protocol.Destination`."""
        if self.holds(staged):
            yield AlreadyThere()
            return
        with ExitStack() as stack:
            with self._files.told():
                copy = stack.enter_context(self._incoming()) / "release"
                # Copies, not hard links: a link would let a later write to the staged file through.
                _copy_tree(staged.directory, copy, meter)
                if to_json(verify(copy)) != to_json(staged.manifest):
                    raise VerificationError(f"{staged.directory} changed while it was published", "run again")
            yield Pending(lambda: self._commit(staged, copy))

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Write a small file under the directory's lock; see :class:`.protocol.Destination`."""
        path = self._root / key
        with self._files.told(), locked(self._root / ".lock"):
            if self._files.read(key) != expected:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o755)
            with replacing(path) as sink:
                sink.write(data)
        return True

    def attest(self, manifest: Manifest, name: str, data: bytes) -> None:
        """Add a file to a published release; a staged one brings its own. See :class:`.protocol.Destination`."""
        if self.manifest_of(manifest.version) is not None:
            self.swap(release_key(manifest.version, name), None, data)

    def check_images(self, manifest: Manifest) -> None:
        """Do nothing, as :meth:`sign_images` does."""

    def sign_images(self, manifest: Manifest, signer: Signer) -> tuple[str, ...]:
        """Do nothing: its images are layouts, and release.json, which SHA256SUMS lists, names them."""
        return ()

    def tag(self, name: str, manifest: Manifest) -> None:
        """Do nothing: a directory has no tags."""

    def abandon(self, version: Version) -> bool:
        """Return False: an unfinished copy is swept by the next run, and claims no version."""
        if self.manifest_of(version) is not None:
            raise ConflictError(f"{version} is published in {self.name}", "yank it instead")
        return False

    def _commit(self, staged: StagedRelease, copy: Path) -> Outcome:
        target = self.folder(staged.manifest.version)
        with self._files.told():
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

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        self._root.mkdir(parents=True, exist_ok=True)
        with incoming(self._root) as folder:
            yield folder


def _digests(folder: Path) -> dict[str, str]:
    """Digest the bytes that a version stands for."""
    names = (path for path in tree.files(folder, VerificationError) if path not in attestations.NAMES)
    return {path: digest_of(folder / path).sha256 for path in names}


def _artifacts_first(name: str) -> tuple[bool, str]:
    """Sort the files that follow from others last: they say less about what differs."""
    return name in (manifest.NAME, checksums.NAME), name


def _copy_tree(source: Path, target: Path, meter: Meter) -> None:
    """Copy all files, public whatever the umask, and put them on the disk."""
    folders = {target}
    names = tree.files(source, VerificationError)
    meter.expect(sum((source / name).stat().st_size for name in names))
    for name in names:
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        folders.update(parent for parent in copy.parents if parent.is_relative_to(target))
        _copy_file(source / name, copy, meter)
    for folder in folders:
        folder.chmod(0o755)
        sync_folder(folder)


def _copy_file(source: Path, target: Path, meter: Meter) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        while data := reading.read(_PIECE):
            writing.write(data)
            meter.advance(len(data))
        writing.flush()
        os.fchmod(writing.fileno(), 0o644)
        os.fsync(writing.fileno())
