"""Builds in worlds and compares them with the first: all variations at once, each alone, or ever fewer of them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from release.compare import compare, diffoscope

from ..engine.build import Build
from ..progress import Progress
from .builds import Outcome, Subject, build_in
from .machine import Machine
from .report import Found
from .variations import CLOCK, Variation, is_cold, varied
from .world import World

FIRST = World(name="first", fresh=False)
_EXPLAINED = 3


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One comparison: some variations, the facts of their world, and what differs in its release."""

    variations: tuple[Variation, ...]
    facts: Mapping[str, str]
    found: Found | None


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Builds in worlds, each in a folder of its own below ``work``; ``keep``, if any, gets the releases."""

    subject: Subject
    work: Path
    machine: Machine
    engine: Build | None
    progress: Progress
    keep: Path | None

    async def first(self) -> Outcome:
        """The build that all others are compared to, by an engine that is not cold."""
        (outcome,) = await self.build(FIRST)
        if is_cold(outcome.facts):
            (outcome,) = await self.build(replace(FIRST, name="first, again"))
        return outcome

    async def build(self, world: World, subject: Subject | None = None) -> list[Outcome]:
        """Build in ``world``, by default the subject of this run; see :func:`.build_in`."""
        with self.progress.step(f"build in the world: {world.name}") as step:
            folder = self.work / f"world {len(list(self.work.glob('world *'))) + 1}"
            outcomes = await build_in(world, subject or self.subject, folder, self.engine, step)
        if self.keep is not None:
            for number, outcome in enumerate(outcomes, start=1):
                kept = self.keep / world.name / str(number) / outcome.release.name
                await asyncio.to_thread(shutil.copytree, outcome.release, kept, dirs_exist_ok=True)
        return outcomes


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Comparisons with the build ``first``."""

    builder: Builder
    first: Outcome

    async def at_once(self, variations: tuple[Variation, ...]) -> list[Trial]:
        """One world with all the variations; when its release differs, smaller ones until one is to blame."""
        if not variations:
            return []
        name = "all at once"
        outcomes = await self.builder.build(varied(World(name=name), variations, self.builder.machine))
        others = tuple(one for one in variations if one != CLOCK)
        trials = [await self._compared(name, others, outcomes[0])] if others else []
        if trials and trials[0].found and len(others) > 1:
            trials += await self._blame(others)
        if CLOCK in variations:
            trials.append(await self._compared(CLOCK.name, (CLOCK,), outcomes[-1]))
        return trials

    async def each(self, variations: tuple[Variation, ...]) -> list[Trial]:
        """A world for each of the variations."""
        return [await self._trial((one,)) for one in variations]

    async def _trial(self, variations: tuple[Variation, ...]) -> Trial:
        name = ", ".join(one.name for one in variations)
        outcomes = await self.builder.build(varied(World(name=name), variations, self.builder.machine))
        return await self._compared(name, variations, outcomes[-1])

    async def _blame(self, variations: tuple[Variation, ...]) -> list[Trial]:
        """Trials of ever smaller parts of ``variations``, which differ together; ends where no half does alone."""
        middle = len(variations) // 2
        trials = []
        for half in (variations[:middle], variations[middle:]):
            trials.append(await self._trial(half))
            if trials[-1].found and len(half) > 1:
                trials += await self._blame(half)
        return trials

    async def _compared(self, name: str, variations: tuple[Variation, ...], outcome: Outcome) -> Trial:
        with self.builder.progress.step(f"compare: {name}"):
            found = await asyncio.to_thread(_found, name, self.first.release, outcome.release)
        return Trial(variations=variations, facts=outcome.facts, found=found)


def _found(name: str, first: Path, second: Path) -> Found | None:
    differences = compare(first, second)
    if not differences:
        return None
    artifacts = list(dict.fromkeys(one.artifact for one in differences))
    explained = [diffoscope(first / artifact, second / artifact) for artifact in artifacts[:_EXPLAINED]]
    return Found(world=name, differences=differences, deeper="\n".join(filter(None, explained)))
