"""Variations: each changes its world, is proven by its facts, and says what it lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.reproduce.machine import Machine
from pipeline.reproduce.variations import AHEAD, VARIATIONS, Variation, is_cold, varied
from pipeline.reproduce.world import World

FULL = Machine(
    cores=8,
    memory=10**11,
    rooms=True,
    own_engine=True,
    suite="trixie",
    locales=Path("locales"),
    python=Path("python3.99"),
    clock_kept="",
)
BARE = Machine(
    cores=1,
    memory=10**9,
    rooms=False,
    own_engine=False,
    suite="",
    locales=None,
    python=None,
    clock_kept="only with --set-clock",
)
PLAIN = World(name="plain")
BY_NAME = {variation.name: variation for variation in VARIATIONS}


def test_what_the_issue_asks_for_is_there() -> None:
    assert list(BY_NAME) == [
        "build path",
        "home",
        "user name",
        "host name",
        "locale",
        "time zone",
        "umask",
        "cores",
        "clone",
        "file order",
        "python",
        "base system",
        "cold caches",
        "clock",
    ]


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda variation: variation.name)
def test_each_changes_the_world(variation: Variation) -> None:
    assert variation.missing(FULL) == ""
    assert varied(PLAIN, (variation,), FULL) != PLAIN


def test_together_none_undoes_another() -> None:
    together = varied(PLAIN, VARIATIONS, FULL)
    for variation in VARIATIONS:
        assert varied(together, (variation,), FULL) == together, variation.name
    assert together.environment.keys() == {"LANG", "LC_ALL", "LOCPATH", "LOGNAME", "TZ", "USER"}


def test_what_a_bare_machine_can_vary() -> None:
    possible = [variation.name for variation in VARIATIONS if not variation.missing(BARE)]
    assert possible == ["build path", "home", "time zone", "umask", "clone"]


@pytest.mark.parametrize(
    ("name", "machine", "why"),
    [
        ("clock", replace(FULL, clock_kept="only with --set-clock"), "only with --set-clock"),
        ("cores", replace(FULL, cores=1), "this machine has one core"),
        ("file order", replace(FULL, memory=10**9), "needs 8 GB of free memory"),
        ("python", replace(FULL, python=None), "no other Python 3.11 or newer is on this machine"),
        ("locale", replace(FULL, locales=None), "needs localedef and Debian's package locales"),
        ("host name", replace(FULL, rooms=False), "needs root and Linux namespaces"),
        ("cold caches", replace(FULL, own_engine=False), "needs root and Debian, for an engine of its own"),
    ],
)
def test_what_is_missing_is_said(name: str, machine: Machine, why: str) -> None:
    assert BY_NAME[name].missing(machine) == why


def test_a_fact_that_is_the_same_proves_nothing() -> None:
    zone = BY_NAME["time zone"]
    assert zone.took_effect({"time zone": "+0000"}, {"time zone": "+1345"})
    assert not zone.took_effect({"time zone": "+0000"}, {"time zone": "+0000"})
    assert not zone.took_effect({"time zone": "+0000"}, {})


def test_every_fact_has_to_prove_it() -> None:
    cores = BY_NAME["cores"]
    first = {"cores": "2", "cores of containers": "2"}
    assert cores.took_effect(first, {"cores": "1", "cores of containers": "1"})
    assert not cores.took_effect(first, {"cores": "1", "cores of containers": "2"})


@pytest.mark.parametrize(
    ("first", "cold", "proven"), [("40", "0", True), ("0", "0", False), ("40", "3", False), ("0", "40", False)]
)
def test_cold_is_empty_where_there_was_something(first: str, cold: str, proven: bool) -> None:
    before = {"downloads kept": first, "engine state": "4"}
    after = {"downloads kept": cold, "engine state": "0"}
    assert BY_NAME["cold caches"].took_effect(before, after) is proven
    assert is_cold(after) is (cold == "0")


@pytest.mark.parametrize(
    ("later", "proven"),
    [(timedelta(hours=1), False), (timedelta(days=300), False), (AHEAD, True), (AHEAD + timedelta(hours=1), True)],
)
def test_a_clock_is_ahead_by_years(later: timedelta, proven: bool) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    before, after = (
        {fact: time.isoformat() for fact in ("clock", "clock of containers")} for time in (now, now + later)
    )
    assert BY_NAME["clock"].took_effect(before, after) is proven
