"""Asking a database all that an upgrade depends on."""

from __future__ import annotations

from collections.abc import Sequence

from ..version import Version
from .locking import Catalog, assess, read_catalog
from .protocol import Database
from .releases import Published
from .state import read_state
from .target import Target
from .upgrade import Upgrade, decide


def examine(
    database: Database, target: Target, releases: Sequence[Published], installed: Version | None, big: int
) -> Upgrade:
    """Return what an upgrade of ``database`` to ``target`` would do; nothing is changed.

    ``big``: from how many rows on a table is big. Raises DatabaseError.
    """
    state = read_state(database)
    pending = target.after(state.number)
    catalog = read_catalog(database) if pending else Catalog()
    steps = assess(pending, target.manifest.requirements.irreversible_migrations, catalog, big)
    return decide(target.published, state, steps, releases, installed)
