"""The program ``tesseral-release``: parses, calls, prints."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from . import __version__, manifest, table
from .errors import Interrupted, report
from .verify import read_manifest, verify

_PROGRAM = "tesseral-release"


def main(argv: Sequence[str]) -> None:
    """Run the program on the arguments ``argv``; raise what goes wrong (SystemExit 2 for usage)."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "version":
        print(__version__)
    elif arguments.command == "verify":
        release = verify(arguments.directory)
        print(
            f"{release.version}: {len(release.artifacts)} artifacts and {len(release.images)} images "
            "are what release.json says"
        )
    elif arguments.json:
        sys.stdout.write(manifest.to_json(read_manifest(arguments.directory)).decode())
    else:
        print(table.render(read_manifest(arguments.directory)))


def run() -> NoReturn:
    """Run the program on the command line and exit with the status of what happened."""
    signal.signal(signal.SIGTERM, _interrupt)
    # JSON is UTF-8 wherever it is printed.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    verbose = "--verbose" in sys.argv[1:]
    try:
        main(sys.argv[1:])
        sys.stdout.flush()
    except SystemExit:
        raise
    except BrokenPipeError:
        # The reader had enough; keep Python from flushing into the closed pipe at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except KeyboardInterrupt:
        sys.exit(report(Interrupted(signal.SIGINT), _PROGRAM, verbose=verbose))
    except BaseException as error:
        sys.exit(report(error, _PROGRAM, verbose=verbose))
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--verbose", action="store_true", help="show where an error comes from")
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Check and show releases of self-hosted Tesseral.",
        parents=[common],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared: dict[str, Any] = {"parents": [common], "allow_abbrev": False}
    check = commands.add_parser("verify", help="check every byte of a release in a folder", **shared)
    show = commands.add_parser("show", help="list what a release holds, unchecked", **shared)
    show.add_argument("--json", action="store_true", help="print release.json")
    for command in (check, show):
        command.add_argument("directory", type=Path, metavar="DIR", help="folder that holds release.json")
    commands.add_parser("version", help="print the version of this program", **shared)
    return parser


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number)
