"""Builds everything that a plan names, in the engine, a few steps at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import dagger

from release.errors import ReleaseError

from .binaries import build_binary, build_migrate
from .bundles import build_bundle
from .containers import Toolchain, query_failure
from .images import Built
from .pieces import MIGRATIONS, Kind, Piece, Target
from .plan import Plan
from .progress import Progress, Step
from .source import copy_tree

# A cold compile takes a core and 600 MB at times; six at once starved each other on two cores.
AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class _Results:
    binaries: dict[tuple[Piece, Target], Path] = field(default_factory=dict)
    migrate: dict[Target, Path] = field(default_factory=dict)
    folders: dict[Piece, Path] = field(default_factory=dict)


def steps_of(plan: Plan) -> int:
    """How many steps :func:`build` will show."""
    binaries = sum(piece.kind is Kind.BINARY for piece in plan.selection.pieces) * len(plan.selection.targets)
    bundles = sum(piece.kind is Kind.BUNDLE for piece in plan.selection.pieces)
    migrate = len(plan.selection.platforms) if MIGRATIONS in plan.selection.pieces else 0
    return binaries + bundles + migrate


def needs_engine(plan: Plan) -> bool:
    """Whether anything is built at all: the kit is packed as it is."""
    return any(piece.kind is not Kind.KIT for piece in plan.selection.pieces)


async def build(plan: Plan, tools: Toolchain, work: Path, progress: Progress) -> Built:
    """Build the pieces of ``plan``; results and copies of the source lie below ``work``.

    The first failure ends the rest. Raises what the builders raise.
    """
    results = _Results()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, job: Callable[[Step], Awaitable[None]]) -> None:
        async with gate:
            with progress.step(name) as step:
                try:
                    await job(step)
                except dagger.QueryError as error:
                    raise query_failure(name, error) from error

    jobs = [*_binary_jobs(plan, tools, work, results), *_bundle_jobs(plan, tools, work, results)]
    jobs += _migration_jobs(plan, tools, work, results)
    try:
        async with asyncio.TaskGroup() as group:
            for name, job in jobs:
                group.create_task(one(name, job))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors
    return Built(binaries=results.binaries, migrate=results.migrate, folders=results.folders)


Job = tuple[str, Callable[[Step], Awaitable[None]]]


def _binary_jobs(plan: Plan, tools: Toolchain, work: Path, results: _Results) -> list[Job]:
    pieces = [piece for piece in plan.selection.pieces if piece.kind is Kind.BINARY]
    if not pieces:
        return []
    tree = work / "source" / "go"
    # The bundles' folders are no Go; without them, a change there compiles nothing anew.
    copy_tree(plan.source, tree, keep=lambda path: not path.startswith(("console/", "vault-ui/")))
    source = tools.client.host().directory(str(tree))

    def job(piece: Piece, target: Target) -> Job:
        async def run(step: Step) -> None:
            out = work / "built" / f"{target.os}_{target.arch}"
            results.binaries[piece, target] = await build_binary(tools, source, piece, target, out, step)

        return f"build {piece.name} for {target}", run

    return [job(piece, target) for target in plan.selection.targets for piece in pieces]


def _bundle_jobs(plan: Plan, tools: Toolchain, work: Path, results: _Results) -> list[Job]:
    def job(piece: Piece) -> Job:
        tree = work / "source" / piece.path
        copy_tree(plan.source, tree.parent, keep=lambda path: path.startswith(f"{piece.path}/"))
        source = tools.client.host().directory(str(tree))

        async def run(step: Step) -> None:
            results.folders[piece] = await build_bundle(tools, source, piece, work / "built", step)

        return f"build {piece.name}", run

    return [job(piece) for piece in plan.selection.pieces if piece.kind is Kind.BUNDLE]


def _migration_jobs(plan: Plan, tools: Toolchain, work: Path, results: _Results) -> list[Job]:
    if MIGRATIONS not in plan.selection.pieces:
        return []
    copy_tree(plan.source, work / "source/migrations", keep=lambda path: path.startswith(f"{MIGRATIONS.path}/"))
    results.folders[MIGRATIONS] = work / "source/migrations" / MIGRATIONS.path

    def job(target: Target) -> Job:
        async def run(step: Step) -> None:
            out = work / "built" / f"{target.os}_{target.arch}"
            results.migrate[target] = await build_migrate(tools, target, out, step)

        return f"build golang-migrate for {target}", run

    return [job(target) for target in plan.selection.platforms]


def _first(errors: BaseExceptionGroup) -> BaseException:
    """The error worth telling: ours before anything that followed from it."""
    flat = list(_leaves(errors))
    return next((error for error in flat if isinstance(error, ReleaseError)), flat[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
