"""The command ``doctor``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import site
from ..destination.channel import Pin
from ..errors import ReleaseError, UnhealthyError, UsageError
from .reading import answer

if TYPE_CHECKING:
    from ..doctor import Problem, Release

_SECONDS = 10.0
_LONGEST = 600.0
_NAMED = 3


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "doctor",
        help="check an installation: settings, database, AWS, hosts, proxies, what is served",
        parents=[common],
        allow_abbrev=False,
    )
    command.add_argument(
        "--config", type=Path, default=Path(site.NAME), metavar="FILE", help=f"the settings ({site.NAME})"
    )
    command.add_argument("--before", action="store_true", help="only what has to be there before the api starts")
    known = command.add_mutually_exclusive_group()
    known.add_argument("--release", type=Path, metavar="DIR", help="folder of the release, which fetch made")
    known.add_argument("--from", dest="origin", metavar="ORIGIN", help="fetch the release of [release] pin from here")
    command.add_argument(
        "--resolve",
        action="append",
        default=[],
        metavar="HOST:PORT:ADDRESS[:PORT]",
        help="ask HOST (or *, *.NAME) at this address, whatever DNS says; repeatable",
    )
    command.add_argument(
        "--timeout", type=_seconds, default=_SECONDS, metavar="SECONDS", help=f"for each question ({_SECONDS:g})"
    )
    command.add_argument("--json", action="store_true", help="print what was found as JSON")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    # Here, since the database's driver takes a while to load, and no other command needs it.
    from ..doctor import Resolver, Status, examine, parse_override, read_pin, report  # noqa: PLC0415

    resolver = Resolver([parse_override(text) for text in arguments.resolve])
    settings = site.read(arguments.config)
    release = _release(arguments, read_pin(settings.pin, arguments.origin))
    findings = examine(settings, release, before=arguments.before, seconds=arguments.timeout, resolver=resolver)
    failed = [one for one in findings if one.status is Status.FAIL]
    answer(
        arguments,
        {"config": str(arguments.config), "healthy": not failed, "checks": report.document(findings)},
        report.render(findings),
    )
    if failed:
        names = [one.name for one in failed]
        listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        raise UnhealthyError(
            f"{arguments.config}: {len(names)} of {len(findings)} checks failed: {listed}", "do what their lines say"
        )


def _release(arguments: argparse.Namespace, pin: Pin | None) -> Release | Problem | None:
    from ..doctor import Problem, fetch_release, read_release  # noqa: PLC0415

    try:
        if arguments.origin is not None and pin is not None:
            return fetch_release(arguments.origin, pin)
        return None if arguments.release is None else read_release(arguments.release, pin)
    except UsageError:
        raise
    except ReleaseError as error:  # the other checks are worth making
        return Problem(error.problem)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to {_LONGEST:g}")
    return seconds
