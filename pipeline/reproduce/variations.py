"""The variations: what each changes in a world, and the facts that prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import ne

from .machine import LOCALE, MEMORY_BYTES, Machine
from .world import World

AHEAD = timedelta(days=3 * 365 + 200)

Facts = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Variation:
    """One respect in which worlds differ.

    ``facts`` must each be ``proven``: given what the fact is in the first world and in the varied one.
    ``missing`` says why this machine can't vary it, if so.
    """

    name: str
    facts: tuple[str, ...]
    change: Callable[[World, Machine], World]
    missing: Callable[[Machine], str] = lambda machine: ""
    proven: Callable[[str, str], bool] = ne

    def took_effect(self, first: Facts, varied: Facts) -> bool:
        """Whether all facts prove it; one that nobody could tell proves nothing."""
        return all(fact in first and fact in varied and self.proven(first[fact], varied[fact]) for fact in self.facts)


def _set(name: str, value: str) -> Callable[[World, Machine], World]:
    return lambda world, _: replace(world, environment={**world.environment, name: value})


def _locale(world: World, machine: Machine) -> World:
    return replace(
        world, environment={**world.environment, "LOCPATH": str(machine.locales), "LC_ALL": LOCALE, "LANG": LOCALE}
    )


def _user(world: World, _: Machine) -> World:
    name = "somebody-else"
    return replace(world, user=name, environment={**world.environment, "USER": name, "LOGNAME": name})


def _cores(world: World, _: Machine) -> World:
    return replace(world, one_core=True, cold=True)


def _python(world: World, machine: Machine) -> World:
    return replace(world, python=machine.python or world.python)


def _needs_room(machine: Machine) -> str:
    return "" if machine.rooms else "needs root and Linux namespaces"


def _needs_engine(machine: Machine) -> str:
    return "" if machine.own_engine else "needs root and Debian, for an engine of its own"


def _needs_cores(machine: Machine) -> str:
    return _needs_engine(machine) or ("" if machine.cores > 1 else "this machine has one core")


def _needs_memory(machine: Machine) -> str:
    enough = machine.memory > MEMORY_BYTES
    return _needs_engine(machine) or ("" if enough else f"needs {MEMORY_BYTES / 1e9:.0f} GB of free memory")


def is_cold(facts: Facts) -> bool:
    """Whether these are facts of an engine without any state."""
    return facts["downloads kept"] == "0"


def _emptied(first: str, varied: str) -> bool:
    return int(varied) == 0 < int(first)


def _years_ahead(first: str, varied: str) -> bool:
    return datetime.fromisoformat(varied) - datetime.fromisoformat(first) > AHEAD - timedelta(days=2)


CLOCK = Variation(
    name="clock",
    facts=("clock", "clock of containers"),
    change=lambda world, _: replace(world, clock=AHEAD, cold=True),
    missing=lambda machine: _needs_engine(machine) or machine.clock_kept,
    proven=_years_ahead,
)

VARIATIONS = (
    Variation(
        name="build path",
        facts=("source", "pipeline"),
        change=lambda world, _: replace(world, place="a much longer path, with spaces and a comma/in/which/to build"),
    ),
    Variation(name="home", facts=("home",), change=lambda world, _: replace(world, home=True)),
    Variation(name="user name", facts=("user",), change=_user, missing=_needs_room),
    Variation(
        name="host name",
        facts=("host name",),
        change=lambda world, _: replace(world, host_name="another-host"),
        missing=_needs_room,
    ),
    Variation(
        name="locale",
        facts=("locale",),
        change=_locale,
        missing=lambda machine: "" if machine.locales else "needs localedef and Debian's package locales",
    ),
    Variation(name="time zone", facts=("time zone",), change=_set("TZ", "<+1345>-13:45")),
    Variation(name="umask", facts=("umask",), change=lambda world, _: replace(world, umask=0o077)),
    Variation(name="cores", facts=("cores", "cores of containers"), change=_cores, missing=_needs_cores),
    Variation(name="clone", facts=("clone",), change=lambda world, _: replace(world, shallow=True)),
    Variation(
        name="file order",
        facts=("file order", "file order of containers"),
        change=lambda world, _: replace(world, memory=True, cold=True),
        missing=_needs_memory,
    ),
    Variation(
        name="python",
        facts=("python",),
        change=_python,
        missing=lambda machine: "" if machine.python else "no other Python 3.11 or newer is on this machine",
    ),
    Variation(
        name="base system",
        facts=("base system",),
        change=lambda world, machine: replace(world, suite=machine.suite),
        missing=lambda machine: "" if machine.suite else "needs root and Debian, to make another",
    ),
    Variation(
        name="cold caches",
        facts=("downloads kept", "engine state"),
        change=lambda world, _: replace(world, cold=True),
        missing=_needs_engine,
        proven=_emptied,
    ),
    CLOCK,
)


def varied(world: World, variations: tuple[Variation, ...], machine: Machine) -> World:
    """The world that all of ``variations`` make of ``world``."""
    for variation in variations:
        world = variation.change(world, machine)
    return world
