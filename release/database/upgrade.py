"""Whether a database can be upgraded to a release, by which steps, and what a person should know before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..manifest import Requirements
from ..version import Version
from .locking import Assessment, Run
from .releases import Published, ending_at
from .situation import Reason, Situation, doubts, obstacles, way_of
from .state import State


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What would happen. ``installed``: what may run now: the one that was named, or those with this schema.

    ``steps`` are the migrations that would run, in order; ``stops``: releases to upgrade to before; ``doubts``:
    what isn't sure about the database.
    """

    target: Version
    requirements: Requirements
    state: State
    installed: tuple[Version, ...]
    steps: tuple[Assessment, ...]
    stops: tuple[Version, ...] = ()
    impossible: tuple[Reason, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def fresh(self) -> bool:
        """Tell whether no migration ran yet, so that there is nothing to lose."""
        return self.state.number is None

    @property
    def irreversible(self) -> tuple[int, ...]:
        """The migrations that would run and have no way back; none for a database that is made anew."""
        return () if self.fresh else tuple(one.migration.number for one in self.steps if one.irreversible)

    @property
    def lowest(self) -> int | None:
        """The number that migrations back can reach afterwards; None for before the first."""
        return max(self.irreversible, default=self.state.number)

    @property
    def attention(self) -> tuple[str, ...]:
        """Sentences about all that a person should look at; a database that is made anew has nothing to lose."""
        found = list(self.doubts)
        for one in () if self.fresh else self.steps:
            name = one.migration.name
            found += [f"{name} can't be taken back"] if one.irreversible else []
            found += [f"{name}, line {note.line}: {note.text}" for note in one.attention]
        return tuple(found)

    @property
    def losses(self) -> tuple[str, ...]:
        """What is deleted, which no way back restores."""
        return tuple(note.text for one in self.steps for note in one.notes if note.kind == "loss")


def decide(
    target: Published,
    state: State,
    steps: Sequence[Assessment],
    releases: Sequence[Published] = (),
    installed: Version | None = None,
) -> Upgrade:
    """Judge the upgrade of a database in ``state`` to ``target`` by way of ``steps``.

    ``releases`` are those that are known to be published; ``installed``: the version that is in use, when
    a person said so.
    """
    candidates = (installed,) if installed else () if state.number is None else ending_at(releases, state.number)
    situation = Situation(target=target, state=state, installed=candidates, releases=tuple(releases))
    way = way_of(situation)
    return Upgrade(
        target=target.version,
        requirements=target.requirements,
        state=state,
        installed=candidates,
        steps=tuple(steps),
        stops=way or (),
        impossible=(*obstacles(situation, way), *_refused(steps)),
        doubts=doubts(situation),
    )


def _refused(steps: Sequence[Assessment]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            problem=f"{one.migration.name}.up.sql can't run: {one.script.problem}",
            next_step="ask who publishes the release",
        )
        for one in steps
        if one.script.run is Run.NEVER
    )
