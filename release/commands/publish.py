"""The commands that write: ``publish``, ``promote``, ``renew``, ``yank`` and ``abandon``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from .. import rfc3339
from ..attestations import sign_release
from ..destination import Channel, Destination, open_destination
from ..destination.files import FileStore
from ..destination.seal import LIFETIME, until
from ..errors import UsageError
from ..progress import showing
from ..promote import promote, renew, yank
from ..publish import Published, lines, publish
from ..revision import PLAIN, Writing
from ..signing import TrustedKeys, open_signer, trusted_keys
from ..staged import StagedRelease
from ..verify import read_manifest
from ..version import parse
from .reading import answer, key_flags, user_memory

_MOST_DAYS = 3650


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the commands to the program's parser."""
    parents = [common, destination_flags()]
    shared: dict[str, Any] = {"parents": parents, "allow_abbrev": False}
    signing = shared | {"parents": [*parents, _signing()]}
    again = shared | {"parents": [*parents, _signing(), key_flags("keys that may have signed the channel until now")]}
    command = commands.add_parser("publish", help="publish a release that is built already", **signing)
    command.add_argument("directory", type=Path, metavar="DIR", help="folder of the whole release")
    command.add_argument("--channel", metavar="NAME", help="move this channel to the release")
    command.set_defaults(run=_publish)
    command = commands.add_parser("promote", help="point a channel to a published release", **signing)
    command.add_argument("version", metavar="VERSION")
    command.add_argument("--to-channel", required=True, metavar="NAME", help="candidate or stable")
    command.set_defaults(run=_promote)
    command = commands.add_parser("renew", help="sign a channel anew, as it is, before it expires", **again)
    command.add_argument("channel", metavar="CHANNEL", help="candidate or stable")
    command.set_defaults(run=_renew)
    command = commands.add_parser("yank", help="record that nobody should use a version; deletes nothing", **again)
    command.add_argument("version", metavar="VERSION")
    command.add_argument("--reason", required=True, metavar="TEXT", help="why, in one line; people will read it")
    command.set_defaults(run=_yank)
    command = commands.add_parser("abandon", help="give up an unfinished publish, and free its version", **shared)
    command.add_argument("version", metavar="VERSION")
    command.set_defaults(run=_abandon)


def destination_flags() -> argparse.ArgumentParser:
    """Return the parent of commands that write to destinations."""
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


def _signing() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--sign-with", metavar="KEY", help="sign: a file, env:NAME or awskms:///alias/NAME (see keygen)"
    )
    parser.add_argument(
        "--expires-in",
        type=_days,
        metavar="DAYS",
        help=f"how long the signature of a channel counts ({LIFETIME.days})",
    )
    return parser


def _days(text: str) -> timedelta:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_DAYS}")
    return timedelta(days=int(text))


def _writing(arguments: argparse.Namespace) -> Writing:
    """Return with what channels are written. Raises UsageError, SigningError, and VerificationError for no keys."""
    if arguments.sign_with is None:
        if arguments.expires_in is not None:
            raise UsageError("--expires-in is about a signature, and nothing is signed", "name a key with --sign-with")
        return PLAIN
    return Writing(
        signer=open_signer(arguments.sign_with),
        lifetime=arguments.expires_in or LIFETIME,
        known=trusted_keys(arguments.key) if "key" in arguments else TrustedKeys(),
        memory=user_memory(),
    )


def opened(arguments: argparse.Namespace) -> list[Destination]:
    """Return what the flags of :func:`destination_flags` name. Raises UsageError."""
    return [open_destination(text) for text in arguments.to]


def _publish(arguments: argparse.Namespace) -> None:
    destinations = opened(arguments)
    staged = StagedRelease(directory=arguments.directory, manifest=read_manifest(arguments.directory))
    version = staged.manifest.version
    writing = _writing(arguments)
    if writing.signer is not None:
        with FileStore(arguments.directory).told():
            sign_release(staged, writing.signer)
    with showing(f"publish {version}") as meter:
        results = publish(
            staged,
            destinations,
            arguments.channel,
            meter,
            writing.signer,
            lifetime=writing.lifetime,
            memory=writing.memory,
        )
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
    _tell(arguments, promote(opened(arguments), version, arguments.to_channel, _writing(arguments)))


def _renew(arguments: argparse.Namespace) -> None:
    _tell(arguments, renew(opened(arguments), arguments.channel, _writing(arguments)))


def _tell(arguments: argparse.Namespace, channels: Sequence[Channel]) -> None:
    """Tell where the channels are that were written, one in each destination."""
    pairs = list(zip(arguments.to, channels, strict=True))
    answer(
        arguments,
        [
            {
                "destination": text,
                "channel": channel.name,
                "version": str(channel.current.version),
                "expires": None if channel.seal is None else rfc3339.render(channel.seal.expires),
            }
            for text, channel in pairs
        ],
        "\n".join(
            f"channel {channel.name} of {text} is at {channel.current.version}{until(channel)}"
            for text, channel in pairs
        ),
    )


def _yank(arguments: argparse.Namespace) -> None:
    version = parse(arguments.version)
    yank(opened(arguments), version, arguments.reason, _writing(arguments))
    answer(
        arguments,
        [{"destination": text, "version": str(version), "yanked": arguments.reason} for text in arguments.to],
        "\n".join(f"yanked in {text}: version {version}" for text in arguments.to),
    )


def _abandon(arguments: argparse.Namespace) -> None:
    version = parse(arguments.version)
    found = {destination.name: destination.abandon(version) for destination in opened(arguments)}
    words = {True: "given up in", False: "nothing unfinished in"}
    answer(
        arguments,
        [{"destination": text, "version": str(version), "abandoned": one} for text, one in found.items()],
        "\n".join(f"{words[one]} {text}: version {version}" for text, one in found.items()),
    )
