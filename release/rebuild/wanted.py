"""Which artifacts and images of a release a person wants to see rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..fetch import Selection, select
from ..manifest import NAME, Artifact, Image, Manifest
from ..sbom import is_sbom
from ..staged import IMAGES


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is compared; ``whole``: all of it, and ``release.json`` too."""

    artifacts: tuple[Artifact, ...]
    images: tuple[Image, ...]
    whole: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all of it as provenance has them; what follows from others (SBOMs, ``release.json``) is last."""
        sboms = tuple(one.name for one in self.artifacts if is_sbom(one))
        archives = tuple(one.name for one in self.artifacts if not is_sbom(one))
        images = tuple(f"{IMAGES}/{image.name}" for image in self.images)
        return (*archives, *images, *sboms, *((NAME,) if self.whole else ()))


def wanted_of(manifest: Manifest, names: Sequence[str], pieces: Sequence[str], targets: Sequence[str]) -> Wanted:
    """Return what is named, by file name or ``images/NAME``, and what ``pieces`` and ``targets`` select.

    These bring SBOMs along, and images where no target is asked for, since an image is for several. Without
    anything it is the whole release. Raises UsageError for what the release does not have.
    """
    if not (names or pieces or targets):
        return Wanted(artifacts=manifest.artifacts, images=manifest.images, whole=True)
    chosen = set(names)
    if pieces or targets:
        selection = Selection(pieces=tuple(pieces), targets=tuple(targets), images=not targets, sboms=True)
        selected = select(manifest, selection)
        chosen |= {one.name for one in selected.artifacts} | {f"{IMAGES}/{one.name}" for one in selected.images}
    artifacts = tuple(one for one in manifest.artifacts if one.name in chosen)
    images = tuple(one for one in manifest.images if f"{IMAGES}/{one.name}" in chosen)
    wanted = Wanted(artifacts=artifacts, images=images, whole=False)
    unknown = [name for name in names if name not in wanted.names]
    if unknown:
        known = Wanted(artifacts=manifest.artifacts, images=manifest.images, whole=False).names
        raise UsageError(f"{manifest.version} has no artifact {unknown[0]!r}", f"it has {', '.join(known)}")
    return wanted
