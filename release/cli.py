"""The program ``tesseral-release``: parses, calls, prints."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from .commands import (
    bundle,
    configure,
    diff,
    doctor,
    fetch,
    keygen,
    listing,
    migrate,
    pin,
    publish,
    rebuild,
    show,
    sign,
    upgrade_check,
    verify,
)
from .errors import Interrupted, report
from .progress import stop_transfers

_PROGRAM = "tesseral-release"
_COMMANDS = (
    *(fetch, verify, show, pin, bundle, rebuild),
    *(configure, doctor, upgrade_check, migrate),
    *(listing, diff, publish, sign, keygen),
)
"""In the order of the help: to get a release, to run it, to publish it."""


def main(argv: Sequence[str]) -> None:
    """Run the program on the arguments ``argv``; raise what goes wrong (SystemExit 2 for usage)."""
    arguments = parser().parse_args(argv)
    arguments.run(arguments)


def run() -> NoReturn:
    """Run the program on the command line and exit with the status of what happened."""
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as in the background
        signal.signal(signal.SIGINT, _interrupt)
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
    except BaseException as error:
        sys.exit(report(error, _PROGRAM, verbose=verbose))
    sys.exit(0)


def parser() -> argparse.ArgumentParser:
    """The whole command line; a module of :mod:`release.commands` each adds its commands."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--verbose", action="store_true", help="show where an error comes from")
    top = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Fetch, check, publish and promote releases of self-hosted Tesseral.",
        parents=[common],
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands, common)
    return top


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    stop_transfers()
    raise Interrupted(number)
