"""The commands ``show`` and ``version``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .. import __version__, manifest, table
from ..verify import read_manifest


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the commands to the program's parser."""
    shared = {"parents": [common], "allow_abbrev": False}
    command = commands.add_parser("show", help="list what a release holds, unchecked", **shared)
    command.add_argument("--json", action="store_true", help="print release.json")
    command.add_argument("directory", type=Path, metavar="DIR", help="folder that holds release.json")
    command.set_defaults(run=_show)
    command = commands.add_parser("version", help="print the version of this program", **shared)
    command.set_defaults(run=lambda _: print(__version__))


def _show(arguments: argparse.Namespace) -> None:
    release = read_manifest(arguments.directory)
    if arguments.json:
        sys.stdout.write(manifest.to_json(release).decode())
    else:
        print(table.render(release))
