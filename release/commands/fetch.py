"""The command ``fetch``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import pin as pin_file
from ..destination import open_origin
from ..destination.channel import Pin
from ..errors import UsageError
from ..fetch import fetch
from ..progress import showing
from .reading import answer, find_release, origin_flags, selection, selection_flags, trust_flags


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "fetch",
        help="download a release or a part of it, every byte checked",
        parents=[common, origin_flags(moves_bytes=True), selection_flags(), trust_flags()],
        allow_abbrev=False,
    )
    command.add_argument("wanted", nargs="?", metavar="RELEASE", help="a version such as 1.4.0, or a channel")
    command.add_argument("--pin", type=Path, metavar="FILE", help="the release that this file pins")
    command.add_argument("--into", type=Path, metavar="DIR", help="folder for it (tesseral-VERSION)")
    command.add_argument("--images", action="store_true", help="the container images too, as OCI layouts")
    command.add_argument("--sboms", action="store_true", help="the SBOMs of what is fetched too")
    command.add_argument("--unpack", action="store_true", help="unpack the archives beside them")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    found = find_release(arguments, origin, _wanted(arguments))
    into = arguments.into or Path(f"tesseral-{found.version}")
    with showing(f"fetch {found.version}") as meter:
        result = fetch(
            origin,
            found,
            selection(arguments, images=arguments.images, sboms=arguments.sboms),
            into,
            unpacked=arguments.unpack,
            jobs=arguments.jobs,
            meter=meter,
        )
    there = f", {len(result.kept)} were there already" if result.kept else ""
    answer(
        arguments,
        {
            "version": str(found.version),
            "manifestDigest": found.pin.manifest_digest,
            "directory": str(result.directory),
            "fetched": list(result.fetched),
            "kept": list(result.kept),
            "unpacked": list(result.unpacked),
            "signedBy": None if found.signed_by is None else found.signed_by.key.fingerprint,
            "warnings": list(found.warnings),
        },
        "\n".join(
            [f"{found.version}: fetched {len(result.fetched)} into {result.directory}{there}"]
            + [str(result.directory / name) for name in (*result.fetched, *result.kept, *result.unpacked)]
        ),
    )


def _wanted(arguments: argparse.Namespace) -> str | Pin:
    if (arguments.wanted is None) == (arguments.pin is None):
        raise UsageError("fetch takes either a release or --pin", "name a version, a channel, or the file of a pin")
    return str(arguments.wanted) if arguments.pin is None else pin_file.read(arguments.pin)
