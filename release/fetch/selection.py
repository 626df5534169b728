"""Which files of a release a person asks for, by piece and target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import UsageError
from ..manifest import Artifact, Image, Manifest
from ..sbom import is_sbom, sboms_of

# The names of pieces in a manifest begin with one of these; people leave it out.
_PREFIXES = ("tesseral-", "tesseraldb-")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Pieces go by their own name (``api``) or that of their artifacts and images (``tesseral-api``); none means
    all.

    ``sboms`` are those of the artifacts and images that are selected.
    """

    pieces: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    images: bool = False
    sboms: bool = False


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The files and images of a release that a selection names."""

    artifacts: tuple[Artifact, ...]
    images: tuple[Image, ...]


def select(manifest: Manifest, selection: Selection) -> Selected:
    """Return what ``selection`` names in ``manifest``.

    A target leaves out what is for other targets; what is for every one (migrations, bundles) stays. Images
    are for all their platforms at once, so a target leaves none of them out.
    Raises UsageError for a piece or target that would add nothing.
    """
    images = manifest.images if selection.images else ()
    pieces = _pieces(manifest, selection.pieces)
    artifacts = [one for one in manifest.artifacts if not is_sbom(one)]
    artifacts = [one for one in artifacts if not pieces or _short(one.piece) in pieces]
    images = tuple(image for image in images if not pieces or _short(image.name) in pieces)
    if selection.targets:
        _check_targets(manifest, selection.targets)
        artifacts = [one for one in artifacts if one.target is None or one.target in selection.targets]
    left_out = pieces - {_short(one.piece) for one in artifacts} - {_short(image.name) for image in images}
    if left_out:
        raise UsageError(
            f"{manifest.version} has no {min(left_out)} for {', '.join(selection.targets)}"
            if selection.targets
            else f"{manifest.version} has {min(left_out)} as an image only",
            "ask for another target" if selection.targets else "ask for images too",
        )
    if selection.sboms:
        artifacts += sboms_of(manifest, (*artifacts, *images))
    return Selected(artifacts=tuple(artifacts), images=images)


def _pieces(manifest: Manifest, names: Iterable[str]) -> set[str]:
    """Return the short names of the pieces that are asked for: an artifact's piece and its image have the same."""
    known = {_short(one.piece) for one in manifest.artifacts} | {_short(image.name) for image in manifest.images}
    found = {_short(name) for name in names}
    for name in sorted(found - known):
        raise UsageError(f"{manifest.version} has no piece {name!r}", f"it has {', '.join(sorted(known))}")
    return found


def _check_targets(manifest: Manifest, names: Iterable[str]) -> None:
    known = {one.target for one in manifest.artifacts if one.target is not None}
    for name in names:
        if name not in known:
            raise UsageError(
                f"{manifest.version} is not for the target {name!r}",
                f"it is for {', '.join(sorted(known)) or 'every target alike'}",
            )


def _short(piece: str) -> str:
    return next((piece.removeprefix(prefix) for prefix in _PREFIXES if piece.startswith(prefix)), piece)
