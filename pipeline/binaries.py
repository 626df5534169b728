"""Builds the Go programs: ``api``, ``openauthctl``, and golang-migrate for the migrations image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import dagger

from release.errors import BuildError, ReleaseError, SourceError

from .containers import Toolchain, execute
from .pieces import Piece, Target
from .progress import Step

# -trimpath and -buildvcs=false keep paths and the state of the checkout out of the binary.
BUILD = ("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w")
LOCK_TROUBLE = ("missing go.sum entry", "updates to go.mod needed", "updates to go.sum needed", "checksum mismatch")

MIGRATE = "github.com/golang-migrate/migrate/v4/cmd/migrate"
MIGRATE_MODULE = Path(__file__).parent / "migrate"


async def build_binary(
    tools: Toolchain, source: dagger.Directory, piece: Piece, target: Target, out: Path, step: Step
) -> Path:
    """Build one program for one target into the folder ``out``; returns the file.

    Raises :class:`BuildError`, or :class:`SourceError` when go.mod and go.sum
    do not match the code.
    """
    name = piece.binary + target.executable
    return await _go_build(
        tools,
        source,
        target,
        [*BUILD, "-o", f"/out/{name}", f"./{piece.path}"],
        what=f"{piece.name} for {target}",
        out=out / name,
        step=step,
    )


async def build_migrate(tools: Toolchain, target: Target, out: Path, step: Step) -> Path:
    """Build golang-migrate's own command for one target into ``out``; returns the file."""
    module = tools.client.host().directory(str(MIGRATE_MODULE), include=["go.mod", "go.sum"])
    flags = ["-tags", "postgres pgx5", "-o", "/out/migrate"]
    return await _go_build(
        tools,
        module,
        target,
        [*BUILD, *flags, MIGRATE],
        what=f"golang-migrate for {target}",
        out=out / "migrate",
        step=step,
    )


async def _go_build(
    tools: Toolchain,
    source: dagger.Directory,
    target: Target,
    command: Sequence[str],
    *,
    what: str,
    out: Path,
    step: Step,
) -> Path:
    container = (
        tools.go.with_mounted_directory("/src", source)
        .with_workdir("/src")
        .with_env_variable("GOOS", target.os)
        .with_env_variable("GOARCH", target.arch)
    )
    try:
        done = await execute(tools, container, command, what=what, step=step)
    except BuildError as error:
        raise _explained(error) from error
    out.parent.mkdir(parents=True, exist_ok=True)
    await done.file(command[command.index("-o") + 1]).export(str(out))
    out.chmod(0o755)
    return out


def _explained(error: BuildError) -> ReleaseError:
    if any(trouble in error.detail for trouble in LOCK_TROUBLE):
        return SourceError(
            "go.mod and go.sum do not match the code", "run `go mod tidy` and commit both", detail=error.detail
        )
    return error
