"""Which files of a release a person asks for, by piece and target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import UsageError
from .manifest import Artifact, Image, Manifest

# The names of pieces in a manifest begin with one of these; people leave it out.
_PREFIXES = ("tesseral-", "tesseraldb-")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Pieces go by their name in the manifest (``tesseral-api``) or the short one (``api``); none named means all."""

    pieces: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    images: bool = False


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The files and images of a release that a selection names."""

    artifacts: tuple[Artifact, ...]
    images: tuple[Image, ...]


def select(manifest: Manifest, selection: Selection) -> Selected:
    """Return what ``selection`` names in ``manifest``.

    What is for every target (migrations, bundles) is taken along with a target only when its piece is
    asked for by name. Images are for all their platforms at once, so a target leaves none of them out.
    Raises UsageError for a piece or target that would add nothing.
    """
    images = manifest.images if selection.images else ()
    pieces = _pieces(manifest, selection.pieces)
    artifacts = [one for one in manifest.artifacts if not pieces or one.piece in pieces]
    images = tuple(image for image in images if not pieces or image.name in pieces)
    if selection.targets:
        _check_targets(manifest, selection.targets)
        wanted = {*selection.targets, *([None] if pieces else [])}
        artifacts = [one for one in artifacts if one.target in wanted]
    left_out = pieces - {one.piece for one in artifacts} - {image.name for image in images}
    if left_out:
        raise UsageError(
            f"{manifest.version} has no {_short(min(left_out))} for {', '.join(selection.targets)}"
            if selection.targets
            else f"{manifest.version} has {_short(min(left_out))} as an image only",
            "ask for another target" if selection.targets else "ask for images too",
        )
    return Selected(artifacts=tuple(artifacts), images=images)


def _pieces(manifest: Manifest, names: Iterable[str]) -> set[str]:
    known = {one.piece for one in manifest.artifacts} | {image.name for image in manifest.images}
    found: set[str] = set()
    for name in names:
        matching = {piece for piece in known if name in (piece, _short(piece))}
        if not matching:
            raise UsageError(
                f"{manifest.version} has no piece {name!r}", f"it has {', '.join(sorted(map(_short, known)))}"
            )
        found |= matching
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
