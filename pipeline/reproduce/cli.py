"""``nox -s reproduce``: build one release in several worlds and compare byte for byte."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from ..pieces import PIECES, TARGETS, select
from ..progress import Progress
from ..run import SAMPLE
from .inside import Job, build
from .report import Report, show
from .session import Wish, rehearse
from .variations import VARIATIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's own arguments."""
    add = parser.add_argument
    add("--source", default=str(SAMPLE), metavar="PATH|URL[#REF]", help="what is built (default: the sample)")
    add("--ref", help="the tag, branch or commit of a git URL")
    add("--piece", action="append", default=[], metavar="PIECE", help=", ".join(piece.name for piece in PIECES))
    add("--target", action="append", default=[], metavar="OS/ARCH", help=", ".join(map(str, TARGETS)))
    names = [variation.name for variation in VARIATIONS]
    add("--only", action="append", default=[], choices=names, help="vary this; repeatable (default: everything)")
    add("--each", action="store_true", help="a world for each variation instead of one for all")
    add(
        "--set-clock",
        action="store_true",
        help="vary the clock too: set this machine's clock years ahead for some minutes, and back",
    )
    add("--canaries", choices=("all", "packed", "none"), default="all", help="which canaries are let in")
    add("--json", action="store_true", help="print the result as JSON")
    add("--report", type=Path, metavar="FILE", help="write the result to FILE: as JSON where its name ends in .json")
    add("--keep", type=Path, metavar="DIR", help="keep the releases that were built")
    add("--inside", type=Path, help=argparse.SUPPRESS)  # how a world is built in; see inside.py


async def reproduce(arguments: argparse.Namespace, console: Console) -> None:
    """Rehearse a release and show the result.

    Raises the errors of :mod:`release.errors` and those of :mod:`.report`.
    """
    if arguments.inside is not None:
        await build(Job.read(arguments.inside))
        return
    wish = Wish(
        source=arguments.source,
        ref=arguments.ref,
        selection=select(arguments.piece, arguments.target),
        only=tuple(arguments.only),
        each=arguments.each,
        set_clock=arguments.set_clock,
        canaries=arguments.canaries,
        keep=arguments.keep,
    )
    with Progress(Console(stderr=True) if arguments.json else console) as progress:
        report = await rehearse(wish, progress)
    if arguments.report is not None:
        _write(report, arguments.report)
    if arguments.json:
        console.out(report.as_json(), highlight=False)
    else:
        show(report, console)
    report.check()


def _write(report: Report, path: Path) -> None:
    if path.suffix == ".json":
        path.write_text(report.as_json() + "\n")
        return
    with path.open("w") as file:
        show(report, Console(file=file))
