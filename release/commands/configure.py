"""The commands ``configure …``: fill an operator's values into what a release brings; a module each."""

from __future__ import annotations

import argparse
from typing import Any

from . import configure_console, configure_deployment, configure_proxy

_MODULES = (configure_console, configure_proxy, configure_deployment)


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the commands to the program's parser."""
    command = commands.add_parser(
        "configure", help="fill your own values into what a release brings", parents=[common], allow_abbrev=False
    )
    group = command.add_subparsers(dest="configured", required=True, metavar="WHAT")
    for module in _MODULES:
        module.add(group, common)
