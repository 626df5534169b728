"""The maintainers' command line, behind the nox sessions: ``python -m pipeline release|bump|engine|lock|reproduce``."""

from __future__ import annotations

import argparse
import asyncio
import io
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from release.errors import Interrupted, report

from .bump import bump
from .engine.cli import add_arguments as add_engine_arguments
from .engine.cli import engine
from .pieces import PIECES, TARGETS, select
from .relock import relock
from .reproduce.cli import add_arguments as add_reproduce_arguments
from .reproduce.cli import reproduce
from .run import SAMPLE, Request, release


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="nox -s", description="Builds and releases self-hosted Tesseral.")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("release", help="build a release and publish it").set_defaults(run=_release)
    _release_arguments(commands.choices["release"])
    bumps = commands.add_parser("bump", help="turn the changelog's Unreleased section into the next version")
    bumps.add_argument("part", nargs="+", choices=("major", "minor", "patch", "rc"), help="`minor rc` is 1.4.0-rc.1")
    bumps.add_argument("--source", metavar="DIR", type=Path, default=Path(), help="the folder of CHANGELOG.md")
    bumps.set_defaults(run=lambda arguments, console: bump(arguments.source, arguments.part, console))
    engines = commands.add_parser("engine", help="the Dagger engine built on this machine")
    add_engine_arguments(engines)
    engines.set_defaults(run=engine)
    locks = commands.add_parser("lock", help="write toolchain.lock anew from what is installed and served now")
    locks.set_defaults(run=lambda _, console: relock(console))
    rehearsals = commands.add_parser("reproduce", help="build a release in several worlds and compare byte for byte")
    add_reproduce_arguments(rehearsals)
    rehearsals.set_defaults(run=reproduce)
    for command in commands.choices.values():
        command.add_argument("--verbose", action="store_true", help="show tracebacks of errors")
    return top


def _release_arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--source",
        default=str(SAMPLE),
        metavar="PATH|URL[#REF]",
        help="a git work tree or URL (default: the sample)",
    )
    add("--ref", help="the tag, branch or commit of a git URL")
    add("--path", default="", metavar="DIR", help="the folder of the source in its repository")
    add(
        "--repository",
        metavar="URL",
        help="where others find the source, for release.json (default: the URL of --source; '': nowhere)",
    )
    add("--version", help="the version (default: the commit's tag, else a snapshot)")
    add(
        "--notes",
        type=Path,
        metavar="FILE",
        help="the release notes (default: from the source's CHANGELOG.md)",
    )
    add(
        "--to",
        action="append",
        metavar="DESTINATION",
        help="s3://bucket/prefix, oci://registry/prefix or a directory; repeatable (default: dist/)",
    )
    add("--sign-with", metavar="KEY", help="sign the release: a file, env:NAME or awskms:///alias/NAME")
    add("--channel", help="move this channel to the release: candidate or stable")
    add("--piece", action="append", default=[], metavar="PIECE", help=", ".join(p.name for p in PIECES))
    add("--target", action="append", default=[], metavar="OS/ARCH", help=", ".join(map(str, TARGETS)) + "; repeatable")
    add("--plan", action="store_true", help="print what would be built and published, and build nothing")


async def _release(arguments: argparse.Namespace, console: Console) -> None:
    request = Request(
        source=arguments.source,
        ref=arguments.ref,
        path=arguments.path,
        repository=arguments.repository,
        version=arguments.version,
        notes=arguments.notes,
        destinations=tuple(arguments.to or ["dist"]),
        channel=arguments.channel,
        selection=select(arguments.piece, arguments.target),
        plan_only=arguments.plan,
        sign_with=arguments.sign_with,
    )
    await release(request, console)


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end; a signal cancels it, and it clears up before Interrupted is raised."""
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    try:
        await task
    except BaseException as error:
        # What a signal broke on its way (a session that the terminal's Ctrl-C ended too) is no error of its own.
        if received:
            raise Interrupted(received[0]) from error
        raise


def main(argv: Sequence[str]) -> None:
    """Parse and run. Raises the errors of :mod:`release.errors`."""
    arguments = parser().parse_args(argv)
    asyncio.run(_until_signal(arguments.run(arguments, Console())))


def run() -> NoReturn:
    """The program: errors become a sentence and an exit status here, and only here."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every locale's encoding has the marks of the progress
    argv = sys.argv[1:]
    program = argv[0] if argv and not argv[0].startswith("-") else "pipeline"
    try:
        main(argv)
    except KeyboardInterrupt:  # before the signals are ours
        sys.exit(report(Interrupted(signal.SIGINT), program, verbose="--verbose" in argv))
    except Exception as error:
        sys.exit(report(error, program, verbose="--verbose" in argv))
    sys.exit(0)
