"""Canaries that go the whole way: a source whose builds carry the time, built twice by the pipeline."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from release.compare import compare
from release.manifest import NAME, from_json
from release.sbom import is_sbom
from release.staged import IMAGES

from ..command import run
from ..pieces import PIECES, Kind, Piece, Selection
from .builds import Subject
from .canaries import Canary, kind_of
from .trials import Builder
from .world import World

# Written when the build ends, whatever the script does before.
BUNDLE_CANARY = """
import { appendFileSync as canarySings } from "node:fs";
process.on("exit", () => canarySings("public/index.js", `\\n// ${Date.now()}\\n`));
"""
GO_CANARY = """package main

import "os"

func init() { os.Setenv("CANARY", "%d") }
"""
NOBODY = {f"GIT_{who}_{what}": "canary@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


async def source_canaries(builder: Builder) -> tuple[Canary, ...]:
    """Build canaries of each kind of piece that the builder's subject has. Raises :class:`.BuildError`."""
    kinds = {piece.kind for piece in builder.subject.selection.pieces}
    work = builder.work / "canary sources"

    async def build(subject: Subject, name: str, *, fresh: bool) -> Path:
        (outcome,) = await builder.build(World(name=name, fresh=fresh), subject)
        return outcome.release

    found: list[Canary] = []
    if Kind.BUNDLE in kinds:
        one = await _with_canary(_part(builder.subject, Kind.BUNDLE), work / "bundles")
        found += _compared(*[await build(one, f"canary in bundles, build {n}", fresh=True) for n in (1, 2)])
    if kinds & {Kind.BINARY, Kind.MIGRATIONS}:
        # Go compiles nothing that would tell the time, so two commits tell it.
        part = _part(builder.subject, Kind.BINARY, Kind.MIGRATIONS)
        pair = [await _with_canary(part, work / f"programs-{number}") for number in (1, 2)]
        found += _compared(
            *[await build(one, f"canary in programs, commit {n}", fresh=False) for n, one in enumerate(pair, start=1)]
        )
    return tuple(found)


def _part(subject: Subject, *kinds: Kind) -> Subject:
    """Less of the same: the pieces of ``kinds``, for one target a kind of archive."""
    targets = {target.extension: target for target in reversed(subject.selection.targets)}
    pieces = tuple(piece for piece in subject.selection.pieces if piece.kind in kinds)
    selection = Selection(pieces=pieces, targets=tuple(sorted(targets.values())))
    return dataclasses.replace(subject, selection=selection, tagged=False)


async def _with_canary(subject: Subject, folder: Path) -> Subject:
    """A clone of the source with canaries committed, at the time of the commit before."""
    await run(["git", "clone", "--quiet", f"file://{subject.mirror}", str(folder)])
    for piece in subject.selection.pieces:
        _let_in(piece, folder / subject.subdirectory)
    git = ["git", "-C", str(folder)]
    when = (await run([*git, "log", "-1", "--format=%cI"])).strip()
    await run([*git, "add", "--all"])
    env = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "GIT_CONFIG_GLOBAL": os.devnull}
    await run([*git, "commit", "--quiet", "-m", "A canary"], env={**os.environ, **NOBODY, **env})
    return dataclasses.replace(subject, mirror=folder)


def _let_in(piece: Piece, source: Path) -> None:
    folder = source / piece.path
    if piece.kind is Kind.BUNDLE:
        with (folder / "build.mjs").open("a") as script:
            script.write(BUNDLE_CANARY)
    elif piece.kind is Kind.BINARY:
        (folder / "canary.go").write_text(GO_CANARY % time.time_ns())
    else:
        with next(iter(sorted(folder.glob("*.up.sql")))).open("a") as migration:
            migration.write(f"\n-- {time.time_ns()}\n")


def _compared(first: Path, second: Path) -> list[Canary]:
    """One canary for each kind of artifact; it is caught when every artifact of that kind shows it."""
    pieces = [piece for piece in PIECES if piece.path]  # those that come from the source
    members: Mapping[str, str] = {piece.name: _member(piece) for piece in pieces}
    manifest = from_json((first / NAME).read_bytes())
    wanted = defaultdict(list)
    # What an SBOM says of a file follows from the file.
    for artifact in (one for one in manifest.artifacts if not is_sbom(one)):
        wanted[kind_of(artifact)].append((artifact.name, members[artifact.piece]))
    stems = {piece.stem: members[piece.name] for piece in pieces}
    for image in manifest.images:
        wanted["image"].append((f"{IMAGES}/{image.name}", stems[image.name]))
    found = compare(first, second)
    canaries = []
    for kind, things in wanted.items():
        hits = [
            next((one for one in found if one.artifact == artifact and member in one.member), None)
            for artifact, member in things
        ]
        hit = hits[0]
        canaries.append(
            Canary(
                kind=f"{kind}, from the source",
                artifact=", ".join(artifact for artifact, _ in things),
                member=things[0][1],
                caught=None not in hits,
                how=hit.how if hit else "no difference was seen",
            )
        )
    return canaries


def _member(piece: Piece) -> str:
    """Part of the name of the file that a canary of ``piece`` shows in."""
    return {Kind.BUNDLE: "index.js", Kind.BINARY: piece.binary, Kind.MIGRATIONS: ".up.sql"}[piece.kind]
