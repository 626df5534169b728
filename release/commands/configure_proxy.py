"""The command ``configure proxy``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..proxy import installed, open_kit, render, write_folder
from ..site import NAME, Site, check_certificates, read
from .reading import answer, warn

_NEXT = """\
next: nginx needs it as the folder tesseral of its configuration (/etc/nginx/tesseral), and in the http context of
      nginx.conf the line `include tesseral/tesseral.conf;`. Then: nginx -t && nginx -s reload"""


def add(group: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to ``configure``."""
    command = group.add_parser(
        "proxy", help="write nginx's configuration for the four hosts", parents=[common], allow_abbrev=False
    )
    command.add_argument("--config", type=Path, default=Path(NAME), metavar="FILE", help=f"the settings ({NAME})")
    command.add_argument(
        "--in",
        dest="kit",
        type=Path,
        metavar="KIT",
        help="proxy kit of a release: its archive, its folder, or a folder that fetch made (this program's own kit)",
    )
    command.add_argument("--into", type=Path, required=True, metavar="DIR", help="folder to write or replace")
    command.add_argument("--json", action="store_true", help="print what was made as JSON")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    site = read(arguments.config)
    kit = installed() if arguments.kit is None else open_kit(arguments.kit)
    files = render(kit, site)
    write_folder(arguments.into, files)
    warnings = _warnings(site)
    warn(warnings)
    answer(
        arguments,
        {"directory": str(arguments.into), "files": sorted(files), "kit": kit.version, "warnings": warnings},
        f"{arguments.into}: nginx for {', '.join(site.hosts.by_key.values())}, kit {kit.version}\n{_NEXT}",
    )


def _warnings(site: Site) -> list[str]:
    """Return what nginx would miss here; the configuration may be meant for another machine."""
    try:
        check_certificates(site)
    except UsageError as error:
        return error.detail.splitlines() or [error.problem]
    return []
