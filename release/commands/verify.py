"""The command ``verify``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import attestations
from .. import pin as pin_file
from ..checksums import digest_of_bytes
from ..destination.files import FileStore
from ..manifest import to_json
from ..sbom import is_sbom
from ..verify import Verified, inspect, read_manifest
from .reading import answer, trust_flags, trusted


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "verify",
        help="check every byte of a release in a folder, and who signed it",
        parents=[common, trust_flags()],
        allow_abbrev=False,
    )
    command.add_argument("directory", type=Path, metavar="DIR", help="folder that holds release.json")
    command.add_argument("--complete", action="store_true", help="insist that nothing is left out, or more")
    command.add_argument("--pin", type=Path, metavar="FILE", help="insist that it is the release this file pins")
    command.add_argument("--json", action="store_true", help="print what was found as JSON")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    directory, keys = arguments.directory, trusted(arguments)
    if arguments.pin is not None:
        pin_file.check(pin_file.read(arguments.pin), read_manifest(directory), str(directory))
    found = inspect(directory, partial=not arguments.complete)
    signed_by = None if keys is None else attestations.check(_said(directory), found.manifest, keys, str(directory))
    answer(
        arguments,
        {
            "version": str(found.manifest.version),
            "manifestDigest": digest_of_bytes(to_json(found.manifest)).sha256,
            "complete": found.complete,
            "signedBy": None if signed_by is None else signed_by.key.fingerprint,
            "artifacts": [artifact.name for artifact in found.artifacts],
            "images": [image.name for image in found.images],
        },
        describe(found) + ("" if signed_by is None else f"; signed by {signed_by}"),
    )


def _said(directory: Path) -> dict[str, bytes]:
    with FileStore(directory).told():
        return attestations.read(directory)


def describe(found: Verified) -> str:
    """Return the sentence about a folder that was verified."""
    release = found.manifest
    sides = (found.artifacts, release.artifacts)
    counts = {
        "artifacts": [sum(not is_sbom(one) for one in side) for side in sides],
        "images": [len(found.images), len(release.images)],
        "SBOMs": [sum(map(is_sbom, side)) for side in sides],
    }
    if not any(counts["SBOMs"]):
        del counts["SBOMs"]
    words = [f"{here} {name}" if found.complete else f"{here} of {of} {name}" for name, (here, of) in counts.items()]
    listed = f"{', '.join(words[:-1])} and {words[-1]} are"
    return f"{release.version}: {listed} {'' if found.complete else 'here, and are '}what release.json says"
