"""The command ``pin``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import pin as pin_file
from ..destination import open_origin
from .reading import answer, find_release, origin_flags, trust_flags


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "pin",
        help="write down an exact release, for fetch and verify",
        parents=[common, origin_flags(moves_bytes=False), trust_flags()],
        allow_abbrev=False,
    )
    command.add_argument("wanted", metavar="RELEASE", help="a version such as 1.4.0, or a channel")
    command.add_argument(
        "--into", type=Path, default=Path(pin_file.NAME), metavar="FILE", help=f"the pin's file ({pin_file.NAME})"
    )
    command.add_argument("--update", action="store_true", help="replace the pin of another release")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    found = find_release(arguments, open_origin(arguments.origin), arguments.wanted)
    written = pin_file.write(arguments.into, found.pin, update=arguments.update)
    answer(
        arguments,
        {
            "version": str(found.version),
            "manifestDigest": found.pin.manifest_digest,
            "file": str(arguments.into),
            "written": written,
            "warnings": list(found.warnings),
        },
        f"{arguments.into} {'pins' if written else 'pinned already'} {found.version} ({found.pin.manifest_digest})",
    )
