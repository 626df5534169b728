"""The release that is meant to run: what it needs, and the pages of its two bundles."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import pin as pin_file
from ..archive import gunzip, largest_content
from ..archive.read_tar import Pieces, members
from ..checksums import digest_of
from ..destination import open_origin
from ..destination.channel import Pin
from ..errors import UsageError, VerificationError
from ..fetch import Selection, fetch, find
from ..manifest import Artifact, Manifest
from ..verify import read_manifest

VAULT_UI, CONSOLE = "vault-ui", "console"

# What placeholders may be in, and what is compared: not the pictures and films.
_ENDINGS = (".html", ".js", ".css", ".map")


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release; ``bundles``: piece → path → content of its pages, scripts and styles, for the pieces that are here."""

    manifest: Manifest
    bundles: Mapping[str, Mapping[str, bytes]]

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.manifest.version)


def read_release(folder: Path, pin: Pin | None) -> Release:
    """Read the release in a folder that ``fetch`` made, and check what is used of it, by ``pin`` too if there is one.

    Raises VerificationError.
    """
    manifest = read_manifest(folder)
    if pin is not None:
        pin_file.check(pin, manifest, str(folder))
    found = {piece: _artifact(manifest, piece) for piece in (VAULT_UI, CONSOLE)}
    here = {piece: one for piece, one in found.items() if one is not None and (folder / one.name).is_file()}
    return Release(manifest=manifest, bundles={piece: dict(_pages(folder, one)) for piece, one in here.items()})


def fetch_release(origin: str, pin: Pin) -> Release:
    """Fetch both bundles of the pinned release and read them; nothing of it stays here.

    Raises DestinationError, VersionError, VerificationError and UsageError.
    """
    opened = open_origin(origin)
    # No key is asked for: the pin says which bytes, whoever signed them.
    found = find(opened, pin)
    with tempfile.TemporaryDirectory() as folder:
        fetch(opened, found, Selection(pieces=(VAULT_UI, CONSOLE)), Path(folder))
        return read_release(Path(folder), pin)


def read_pin(path: Path | None, origin: str | None) -> Pin | None:
    """Return the pin of the settings. Raises UsageError when ``origin`` has to be asked for it and there is none."""
    if path is not None:
        return pin_file.read(path)
    if origin is not None:
        raise UsageError("--from needs to know which release runs", "name its pin in [release] pin, or use --release")
    return None


def _artifact(manifest: Manifest, piece: str) -> Artifact | None:
    return next((one for one in manifest.artifacts if one.piece == piece and one.tar_digest is not None), None)


def _pages(folder: Path, artifact: Artifact) -> Iterator[tuple[str, bytes]]:
    path = folder / artifact.name
    try:
        if digest_of(path) != artifact.content:
            raise VerificationError(f"{path} is not what release.json says", "fetch the release again")
        with path.open("rb") as file:
            source = Pieces(gunzip(file, largest_content(artifact.size)))
            for member in members(source):
                if member.path.endswith(_ENDINGS):
                    yield member.path, source.read(member.size)
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", "fetch the release again") from error
