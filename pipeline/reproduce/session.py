"""A rehearsal from end to end: what is built in which worlds, and what comes of it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from release.errors import SourceError
from release.version import is_snapshot

from ..base import ensure_root
from ..command import run
from ..engine.build import ensure_build
from ..engine.home import engine_home
from ..git import git
from ..lock import read_lock
from ..pieces import Selection
from ..plan import make_plan
from ..progress import Progress
from ..scratch import scratch
from ..source import Source, open_source
from .builds import Subject
from .canaries import Canary, packed_canaries
from .machine import Machine, look_around
from .pythons import ensure_environment
from .report import Report, Result, Row
from .source_canaries import source_canaries
from .trials import Builder, Trial, Trials
from .variations import CLOCK, VARIATIONS, Variation, varied
from .world import World

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("pipeline", "release")
_LONGEST = 36


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person asks of a rehearsal. ``only``: names of variations, empty for all; ``each``: a world for
    every one of them; ``canaries``: ``all``, ``packed`` or ``none``; ``keep``: a folder for the releases."""

    source: str
    ref: str | None
    selection: Selection
    only: tuple[str, ...] = ()
    each: bool = False
    set_clock: bool = False
    canaries: str = "all"
    keep: Path | None = None


async def rehearse(wish: Wish, progress: Progress) -> Report:
    """Build the release in several worlds and compare. Raises the errors of :mod:`release.errors`."""
    started = time.monotonic()
    with scratch() as work:
        source = await open_source(wish.source, wish.ref, work)
        subject = await _subject(wish, source, work)
        machine = await look_around(work, read_lock().base.suite, sets_clock=wish.set_clock)
        chosen = [one for one in VARIATIONS if not wish.only or one.name in wish.only]
        possible = tuple(one for one in chosen if not one.missing(machine))
        builder = await _prepare(wish, subject, possible, machine, work, progress)
        first = await builder.first()
        trials = Trials(builder=builder, first=first)
        tried = await (trials.each(possible) if wish.each else trials.at_once(possible))
        canaries = await _canaries(wish, builder, first.release)
        rows = [_row(one, one.missing(machine), tried, first.facts, wish) for one in chosen]
    return Report(
        version=subject.version,
        commit=source.commit,
        selection=str(wish.selection),
        seconds=time.monotonic() - started,
        rows=tuple(rows),
        found=tuple(trial.found for trial in tried if trial.found),
        canaries=canaries,
    )


async def _subject(wish: Wish, source: Source, work: Path) -> Subject:
    """Take the source and this project as they are now, so that whoever works on them meanwhile changes nothing."""
    if source.dirty:
        raise SourceError(
            f"{source.root} has changes that are not committed, and every world builds a clone", "commit them"
        )
    plan = make_plan(source, wish.selection, version=None, notes=None, destinations=(), channel=None)
    top = (await git(source.root, "rev-parse", "--show-toplevel")).strip()
    await run(["git", "clone", "--quiet", "--bare", f"file://{top}", str(work / "mirror.git")])
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        await asyncio.to_thread(shutil.copytree, REPOSITORY / name, work / "code" / name, ignore=ignored)
    return Subject(
        mirror=work / "mirror.git",
        subdirectory=source.subdirectory,
        code=work / "code",
        version=str(plan.version),
        tagged=not is_snapshot(plan.version),
        selection=wish.selection,
    )


async def _prepare(
    wish: Wish, subject: Subject, variations: tuple[Variation, ...], machine: Machine, work: Path, progress: Progress
) -> Builder:
    """Make what the worlds will share: the engine's programs, another base, another Python."""
    everything = varied(World(name="everything"), variations, machine)
    if everything.suite:
        await ensure_root("base", everything.suite, read_lock().base.include, progress)
    if machine.python and everything.python == machine.python:
        machine = replace(machine, python=await ensure_environment(machine.python, progress))
    engine = await ensure_build(engine_home(), progress) if everything.cold else None
    return Builder(subject=subject, work=work, machine=machine, engine=engine, progress=progress, keep=wish.keep)


async def _canaries(wish: Wish, builder: Builder, release: Path) -> tuple[Canary, ...]:
    if wish.canaries == "none":
        return ()
    with builder.progress.step("pack canaries"):
        canaries = await asyncio.to_thread(packed_canaries, release, builder.work / "canaries")
    if wish.canaries == "all":
        canaries += await source_canaries(builder)
    return canaries


def _row(variation: Variation, missing: str, trials: list[Trial], first: Mapping[str, str], wish: Wish) -> Row:
    """What the trials say of one variation: the smallest that had it counts."""
    wanted = variation.name in wish.only or (variation == CLOCK and wish.set_clock)
    mine = [trial for trial in trials if variation in trial.variations]
    if not mine:
        return Row(variation=variation.name, result=Result.NOT_VARIED, why=missing, wanted=wanted)
    trial = min(mine, key=lambda trial: len(trial.variations))
    if not variation.took_effect(first, trial.facts):
        result = Result.NO_EFFECT
    elif trial.found is None:
        result = Result.SAME
    else:
        result = Result.DIFFERS if len(trial.variations) == 1 else Result.UNDECIDED

    def told(facts: Mapping[str, str]) -> str:
        return ", ".join(_short(facts.get(fact, "unknown")) for fact in variation.facts)

    return Row(variation=variation.name, result=result, first=told(first), varied=told(trial.facts), wanted=wanted)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
