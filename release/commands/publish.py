"""The commands that write: ``publish``, ``promote``, ``yank`` and ``abandon``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..attestations import sign_release
from ..destination import Destination, open_destination
from ..destination.files import FileStore
from ..progress import showing
from ..promote import promote, yank
from ..publish import Published, lines, publish
from ..signing import open_signer
from ..staged import StagedRelease
from ..verify import read_manifest
from ..version import parse
from .reading import answer


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the commands to the program's parser."""
    shared = {"parents": [common, _destinations()], "allow_abbrev": False}
    command = commands.add_parser("publish", help="publish a release that is built already", **shared)
    command.add_argument("directory", type=Path, metavar="DIR", help="folder of the whole release")
    command.add_argument("--channel", metavar="NAME", help="move this channel to the release")
    command.add_argument(
        "--sign-with", metavar="KEY", help="sign it: a file, env:NAME or awskms:///alias/NAME (see keygen)"
    )
    command.set_defaults(run=_publish)
    command = commands.add_parser("promote", help="point a channel to a published release", **shared)
    command.add_argument("version", metavar="VERSION")
    command.add_argument("--to-channel", required=True, metavar="NAME", help="candidate or stable")
    command.set_defaults(run=_promote)
    command = commands.add_parser("yank", help="record that nobody should use a version; deletes nothing", **shared)
    command.add_argument("version", metavar="VERSION")
    command.add_argument("--reason", required=True, metavar="TEXT", help="why, in one line; people will read it")
    command.set_defaults(run=_yank)
    command = commands.add_parser("abandon", help="give up an unfinished publish, and free its version", **shared)
    command.add_argument("version", metavar="VERSION")
    command.set_defaults(run=_abandon)


def _destinations() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="DESTINATION",
        help="s3://bucket/prefix, oci://registry/prefix or a directory; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print what happened as JSON")
    return parser


def _opened(arguments: argparse.Namespace) -> list[Destination]:
    return [open_destination(text) for text in arguments.to]


def _publish(arguments: argparse.Namespace) -> None:
    destinations = _opened(arguments)
    staged = StagedRelease(directory=arguments.directory, manifest=read_manifest(arguments.directory))
    version = staged.manifest.version
    signer = None if arguments.sign_with is None else open_signer(arguments.sign_with)
    if signer is not None:
        with FileStore(arguments.directory).told():
            sign_release(staged, signer)
    with showing(f"publish {version}") as meter:
        results = publish(staged, destinations, arguments.channel, meter, signer)
    text = "\n".join(line for one in results for line in lines(one))
    answer(arguments, [_document(result) for result in results], text)


def _document(result: Published) -> dict[str, object]:
    return {
        "destination": result.destination,
        "version": str(result.version),
        "outcome": str(result.outcome),
        "channel": None if result.channel is None else result.channel.name,
    }


def _promote(arguments: argparse.Namespace) -> None:
    version = parse(arguments.version)
    channels = promote(_opened(arguments), version, arguments.to_channel)
    answer(
        arguments,
        [
            {"destination": text, "channel": channel.name, "version": str(channel.current.version)}
            for text, channel in zip(arguments.to, channels, strict=True)
        ],
        "\n".join(f"channel {arguments.to_channel} of {text} is at {version}" for text in arguments.to),
    )


def _yank(arguments: argparse.Namespace) -> None:
    version = parse(arguments.version)
    yank(_opened(arguments), version, arguments.reason)
    answer(
        arguments,
        [{"destination": text, "version": str(version), "yanked": arguments.reason} for text in arguments.to],
        "\n".join(f"yanked in {text}: version {version}" for text in arguments.to),
    )


def _abandon(arguments: argparse.Namespace) -> None:
    version = parse(arguments.version)
    found = {destination.name: destination.abandon(version) for destination in _opened(arguments)}
    words = {True: "given up in", False: "nothing unfinished in"}
    answer(
        arguments,
        [{"destination": text, "version": str(version), "abandoned": one} for text, one in found.items()],
        "\n".join(f"{words[one]} {text}: version {version}" for text, one in found.items()),
    )
