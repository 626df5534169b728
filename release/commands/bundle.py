"""The command ``bundle``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..bundle import bundle
from ..checksums import digest_of
from ..destination import open_origin
from ..progress import showing
from .reading import answer, find_release, origin_flags, selection, selection_flags, trust_flags


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "bundle",
        help="put a release into one file, for a machine without a network",
        parents=[common, origin_flags(moves_bytes=True), selection_flags(), trust_flags()],
        allow_abbrev=False,
    )
    command.add_argument("wanted", metavar="RELEASE", help="a version such as 1.4.0, or a channel")
    command.add_argument("--into", type=Path, metavar="FILE", help="the file to write (tesseral-VERSION.tar)")
    command.add_argument("--no-images", action="store_true", help="leave the container images out")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    found = find_release(arguments, origin, arguments.wanted)
    into = arguments.into or Path(f"tesseral-{found.version}.tar")
    with showing(f"bundle {found.version}") as meter:
        result = bundle(
            origin,
            found,
            selection(arguments, images=not arguments.no_images, sboms=True),
            into,
            jobs=arguments.jobs,
            meter=meter,
        )
    digest = digest_of(into)
    held = sorted((*result.fetched, *result.kept))
    answer(
        arguments,
        {
            "version": str(found.version),
            "manifestDigest": found.pin.manifest_digest,
            "file": str(into),
            "size": digest.size,
            "digest": digest.sha256,
            "held": held,
            "signedBy": None if found.signed_by is None else found.signed_by.key.fingerprint,
            "warnings": list(found.warnings),
        },
        f"{into} holds {len(held)} files and images of {found.version}, {digest.size} bytes ({digest})",
    )
