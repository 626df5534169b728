"""What the commands about a database have in common: their flags, and the release that these name."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import pin as pin_file
from ..database.address import VARIABLE, Address, address
from ..database.locking import DEFAULT_BIG
from ..database.releases import Published, published
from ..database.target import Target, from_folder, from_origin
from ..database.upgrade import Upgrade
from ..destination import open_origin
from ..errors import ImpossibleError, UsageError, VersionError
from ..progress import showing
from ..version import Version, parse
from .columns import plain
from .reading import find_release, trusted, warn


def database_flags() -> argparse.ArgumentParser:
    """Return the parent of commands that compare a database with a release."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--database",
        metavar="URL",
        help=f"postgres://…, or env:NAME for the URL in that environment variable (env:{VARIABLE})",
    )
    parser.add_argument("--to", metavar="RELEASE", help="the release to upgrade to: a version, or a channel")
    parser.add_argument("--pin", type=Path, metavar="FILE", help="the release that this file pins")
    parser.add_argument("--from", dest="origin", metavar="ORIGIN", help="where releases are, as for fetch")
    parser.add_argument("--in", dest="folder", type=Path, metavar="DIR", help="the release that fetch brought there")
    parser.add_argument(
        "--installed", metavar="VERSION|PIN", help="the version that runs now, or the file that pins it"
    )
    parser.add_argument(
        "--big", type=_rows, default=DEFAULT_BIG, metavar="ROWS", help=f"from when on a table is big ({DEFAULT_BIG})"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    return parser


def database_address(arguments: argparse.Namespace) -> Address:
    """Return the database that is meant, after what a person should know about how they named it."""
    place = address(arguments.database, os.environ)
    warn(place.warnings)
    return place


def target_of(arguments: argparse.Namespace) -> tuple[Target, tuple[Published, ...]]:
    """Return the release that is meant, and all that are known.

    Raises UsageError, VersionError, VerificationError and DestinationError.
    """
    pin = None if arguments.pin is None else pin_file.read(arguments.pin)
    if arguments.folder is not None:
        if arguments.to is not None or arguments.origin is not None:
            raise UsageError("--in names a folder with one release", "leave out --to and --from")
        target = from_folder(arguments.folder, trusted(arguments), pin)
        return target, (target.published,)
    if arguments.origin is None or (arguments.to is None) == (pin is None):
        raise UsageError("no release is named", "give --to VERSION or --pin FILE with --from ORIGIN, or --in DIR")
    origin = open_origin(arguments.origin)
    found = find_release(arguments, origin, pin or arguments.to)
    with showing(f"read {found.version}") as meter:
        target = from_origin(origin, found, meter)
    return target, published(origin)


def installed_version(arguments: argparse.Namespace) -> Version | None:
    """Return the version that runs now, None when nobody said it. Raises VersionError, UsageError."""
    text = arguments.installed
    if text is None:
        return None
    try:
        return parse(text)
    except VersionError:
        if text[:1].isdigit() and not Path(text).is_file():
            raise
        return pin_file.read(Path(text)).version


def refuse_impossible(upgrade: Upgrade, database: str) -> None:
    """Raise ImpossibleError when the upgrade can't be done."""
    for reason in upgrade.impossible:
        raise ImpossibleError(
            f"{database} can't be upgraded to {upgrade.target}: {plain(reason.problem)}", reason.next_step
        )


def seconds(text: str) -> float:
    """Read a number of seconds from the command line."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400")
    return value


def _rows(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text[:18]) >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows")
    return int(text)
