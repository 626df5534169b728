"""The command ``configure console``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..configure import Configured, configure_console, console_values
from .columns import aligned
from .reading import answer


def add(group: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the group ``configure``."""
    command = group.add_parser(
        "console", help="make a console for your own api, ready to be served", parents=[common], allow_abbrev=False
    )
    command.add_argument("--api-url", required=True, metavar="URL", help="where browsers reach the api")
    command.add_argument(
        "--dogfood-project-id", required=True, metavar="ID", help="the project_… that bootstrap printed"
    )
    command.add_argument(
        "--in",
        dest="bundle",
        type=Path,
        required=True,
        metavar="BUNDLE",
        help="the console as released: its archive, the folder of that, an image layout, or a folder that fetch made",
    )
    command.add_argument(
        "--into", type=Path, required=True, metavar="DIR", help="folder to write, or to replace if this wrote it before"
    )
    command.add_argument("--json", action="store_true", help="print what was made as JSON")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    values = console_values(api_url=arguments.api_url, dogfood_project_id=arguments.dogfood_project_id)
    made = configure_console(arguments.bundle, values, arguments.into)
    base = made.record.base
    answer(
        arguments,
        {
            "directory": str(made.directory),
            "written": made.written,
            "base": {"kind": base.kind, "digest": base.digest},
            "version": base.version,
            "values": dict(made.record.values),
            "image": None if made.image is None else {"digest": made.image.digest, "tag": made.image.ref},
        },
        "\n".join(_lines(made)),
    )


def _lines(made: Configured) -> list[str]:
    base, directory = made.record.base, made.directory
    what = "console" if base.version is None else f"console {base.version}"
    holds = "holds" if made.written else "holds already"
    if made.image is None:
        next_step = f"serve {directory} over https, and let every 404 answer with its index.html"
    else:
        target = f"docker://REGISTRY/tesseral-console:{made.image.ref}"
        next_step = f"skopeo copy --all oci:{directory}:{made.image.ref} {target}"
    return [
        f"{directory} {holds} the {what}{'' if made.image is None else ' as an image'}, with",
        *(f"  {line}" for line in aligned(sorted(made.record.values.items()))),
        f"next: {next_step}",
    ]
