"""Builds the web bundles: ``vault-ui``, and ``console`` with placeholders for the operator's values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagger

from release.configure import PLACEHOLDERS
from release.errors import BuildError, ReleaseError, SourceError

from .containers import Toolchain, execute
from .pieces import CONSOLE, Piece
from .progress import Step

BUILT = ("index.html", "index.js", "index.js.map", "index.css")
LOCK_TROUBLE = ("in sync", "EUSAGE", "EINTEGRITY")


def placeholders_of(piece: Piece) -> Mapping[str, str]:
    """The placeholders that a bundle is built with."""
    return PLACEHOLDERS if piece == CONSOLE else {}


async def build_bundle(tools: Toolchain, source: dagger.Directory, piece: Piece, out: Path, step: Step) -> Path:
    """Build one bundle into the folder ``out``; returns the folder of its files.

    ``source`` is the piece's own folder. Raises :class:`BuildError`, or
    :class:`SourceError` when the lock file does not match.
    """
    container = tools.node.with_mounted_directory("/src", source).with_workdir("/src")
    try:
        installed = await execute(
            tools, container, ["npm", "ci", "--ignore-scripts"], what=f"{piece.name} (in {piece.path}/)", step=step
        )
    except BuildError as error:
        raise _explained(error, piece) from error
    for name, value in placeholders_of(piece).items():
        installed = installed.with_env_variable(name, value)
    done = await execute(tools, installed, ["npm", "run", "build"], what=f"{piece.name} (in {piece.path}/)", step=step)
    folder = out / piece.path
    await done.directory("/src/public").export(str(folder))
    check_bundle(piece, folder)
    return folder


def check_bundle(piece: Piece, folder: Path) -> None:
    """Check that a built bundle is whole and carries each of its placeholders. Raises :class:`BuildError`."""
    for name in BUILT:
        if not (folder / name).is_file():
            raise BuildError(f"{piece.name}: the build left no public/{name}", f"see {piece.path}/build.mjs")
    script = (folder / "index.js").read_text()
    for variable, placeholder in placeholders_of(piece).items():
        if placeholder not in script:
            raise BuildError(
                f"{piece.name}: public/index.js carries no value of {variable}",
                f"{piece.path}/build.mjs has to compile it in (esbuild's define)",
            )


def _explained(error: BuildError, piece: Piece) -> ReleaseError:
    if any(trouble in error.detail for trouble in LOCK_TROUBLE):
        return SourceError(
            f"{piece.path}/package-lock.json does not match package.json",
            f"run `npm install` in {piece.path}/ and commit package-lock.json",
            detail=error.detail,
        )
    return error
