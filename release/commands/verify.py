"""The command ``verify``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import pin as pin_file
from ..checksums import digest_of_bytes
from ..manifest import to_json
from ..verify import Verified, inspect, read_manifest
from .reading import answer


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "verify", help="check every byte of a release in a folder", parents=[common], allow_abbrev=False
    )
    command.add_argument("directory", type=Path, metavar="DIR", help="folder that holds release.json")
    command.add_argument("--complete", action="store_true", help="insist that nothing is left out, or more")
    command.add_argument("--pin", type=Path, metavar="FILE", help="insist that it is the release this file pins")
    command.add_argument("--json", action="store_true", help="print what was found as JSON")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    directory = arguments.directory
    if arguments.pin is not None:
        pin_file.check(pin_file.read(arguments.pin), read_manifest(directory), str(directory))
    found = inspect(directory, partial=not arguments.complete)
    answer(
        arguments,
        {
            "version": str(found.manifest.version),
            "manifestDigest": digest_of_bytes(to_json(found.manifest)).sha256,
            "complete": found.complete,
            "artifacts": [artifact.name for artifact in found.artifacts],
            "images": [image.name for image in found.images],
        },
        describe(found),
    )


def describe(found: Verified) -> str:
    """Return the sentence about a folder that was verified."""
    release = found.manifest
    if found.complete:
        return (
            f"{release.version}: {len(found.artifacts)} artifacts and {len(found.images)} images "
            "are what release.json says"
        )
    return (
        f"{release.version}: {len(found.artifacts)} of {len(release.artifacts)} artifacts and "
        f"{len(found.images)} of {len(release.images)} images are here, and are what release.json says"
    )
