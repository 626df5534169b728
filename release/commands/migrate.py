"""The command ``migrate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from ..database.upgrade import Upgrade
from ..errors import AttentionError
from .columns import plain
from .database import database_address, database_flags, installed_version, refuse_impossible, seconds, target_of
from .reading import answer, trust_flags

_LOCK_SECONDS = 15.0
_TABLE_LOCK_SECONDS = 5.0


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "migrate",
        help="upgrade a database to the schema of a release, as golang-migrate would",
        parents=[common, database_flags(), trust_flags()],
        allow_abbrev=False,
    )
    command.add_argument("--dry-run", action="store_true", help="tell which files would run, and change nothing")
    command.add_argument("--accept-irreversible", action="store_true", help="run what can't be taken back, too")
    command.add_argument(
        "--lock-timeout",
        type=seconds,
        default=_LOCK_SECONDS,
        metavar="SECONDS",
        help=f"how long to wait while another migrates this database ({_LOCK_SECONDS:g})",
    )
    command.add_argument(
        "--table-lock-timeout",
        type=seconds,
        default=_TABLE_LOCK_SECONDS,
        metavar="SECONDS",
        help=f"how long a statement waits for a table, and others behind it; 0: for ever ({_TABLE_LOCK_SECONDS:g})",
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    # The driver takes a while to load, and no other command needs it.
    from ..database.advisory import take_lock  # noqa: PLC0415
    from ..database.apply import Applied, apply, prepare  # noqa: PLC0415
    from ..database.examine import examine  # noqa: PLC0415
    from ..database.report import document, lines  # noqa: PLC0415
    from ..database.session import connect  # noqa: PLC0415
    from ..database.state import read_state  # noqa: PLC0415

    place, installed = database_address(arguments), installed_version(arguments)
    target, releases = target_of(arguments)
    applied: Sequence[Applied] = ()
    with connect(place) as database:
        state = read_state(database)
        prepare(database, state, arguments.table_lock_timeout)
        if not arguments.dry_run:
            # From here on nobody else changes what is read now.
            take_lock(database, state, arguments.lock_timeout)
        upgrade = examine(database, target, releases, installed, arguments.big)
        told = sys.stderr if arguments.json else sys.stdout
        print("\n".join(map(plain, lines(upgrade, place.name))), file=told, flush=True)
        refuse_impossible(upgrade, place.name)
        _refuse_irreversible(upgrade, place.name, accepted=arguments.accept_irreversible)
        if not arguments.dry_run:
            applied = apply(
                database,
                upgrade.state,
                upgrade.steps,
                lambda text: print(plain(text), file=told, flush=True),
                arguments.table_lock_timeout,
            )
    answer(
        arguments,
        {
            **document(upgrade, place.name),
            "dryRun": arguments.dry_run,
            "applied": [{"number": one.number, "seconds": round(one.seconds, 3)} for one in applied],
        },
        _done(upgrade, len(applied), dry=arguments.dry_run),
    )


def _refuse_irreversible(upgrade: Upgrade, database: str, *, accepted: bool) -> None:
    if upgrade.irreversible and not accepted:
        numbers = ", ".join(map(str, upgrade.irreversible))
        raise AttentionError(
            f"{database} is not upgraded to {upgrade.target}: migrations that can't be taken back: {numbers}",
            "make a backup, then run again with --accept-irreversible",
        )


def _done(upgrade: Upgrade, count: int, *, dry: bool) -> str:
    if dry:
        return "nothing was changed"
    ran = "1 migration ran" if count == 1 else f"{count or 'no'} migrations ran"
    return f"{ran}, the schema is at {upgrade.requirements.last_migration}"
