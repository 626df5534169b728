"""Comparing what a manifest says with what lies in a folder, by digests alone."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..checksums import digest_of, digest_of_bytes
from ..manifest import NAME, Manifest, to_json
from ..staged import IMAGES


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The digest that a manifest gives for ``name``, and the one ``found`` in a folder: None where nothing is."""

    name: str
    wanted: str
    found: str | None

    @property
    def same(self) -> bool:
        """Tell whether both are the same."""
        return self.wanted == self.found


def compare_to_manifest(manifest: Manifest, folder: Path, names: Collection[str] | None = None) -> tuple[Compared, ...]:
    """Compare what is in ``folder`` with ``manifest``: its artifacts, its images (``images/NAME``) and itself.

    ``names``: only these, in their order. Raises OSError.
    """
    wanted = {artifact.name: artifact.digest for artifact in manifest.artifacts}
    wanted |= {f"{IMAGES}/{image.name}": image.digest for image in manifest.images}
    wanted[NAME] = digest_of_bytes(to_json(manifest)).sha256
    return tuple(
        Compared(name=name, wanted=wanted[name], found=_digest(folder / name))
        for name in (wanted if names is None else names)
    )


def _digest(path: Path) -> str | None:
    """The digest of an artifact, or of the index of an image; what can't be read has none."""
    try:
        if path.is_dir():
            return str(json.loads((path / "index.json").read_bytes())["manifests"][0]["digest"])
        return digest_of(path).sha256
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None
