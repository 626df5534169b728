"""The command ``upgrade-check``."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import AttentionError
from .columns import plain
from .database import database_address, database_flags, installed_version, refuse_impossible, target_of
from .reading import answer, trust_flags

# Reading sizes waits for who has a table to himself.
_LIMITS = "SET default_transaction_read_only = on; SET lock_timeout = '5s'; SET statement_timeout = '60s'"


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "upgrade-check",
        help="tell what upgrading a database to a release would do, and whether it can be done",
        parents=[common, database_flags(), trust_flags()],
        allow_abbrev=False,
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    # The driver takes a while to load, and no other command needs it.
    from ..database.examine import examine  # noqa: PLC0415
    from ..database.report import document, lines  # noqa: PLC0415
    from ..database.session import connect  # noqa: PLC0415

    place, installed = database_address(arguments), installed_version(arguments)
    target, releases = target_of(arguments)
    with connect(place) as database:
        database.run(_LIMITS)
        upgrade = examine(database, target, releases, installed, arguments.big)
    answer(arguments, document(upgrade, place.name), "\n".join(map(plain, lines(upgrade, place.name))))
    refuse_impossible(upgrade, place.name)
    if upgrade.attention:
        more = f", and {len(upgrade.attention) - 1} more" if upgrade.attention[1:] else ""
        raise AttentionError(
            f"upgrading {place.name} to {upgrade.target} needs a look: {plain(upgrade.attention[0])}{more}",
            "make a backup, choose a quiet hour, then run tesseral-release migrate",
        )
