"""The commands about what a place holds: ``list``, ``channels``, and ``pages``, which writes that for browsers."""

from __future__ import annotations

import argparse
from typing import Any

from .. import rfc3339
from ..catalogue import refresh
from ..channels import yank_of
from ..destination import Origin, Pin, open_destination, open_origin
from ..destination.seal import signing_key
from ..errors import UsageError
from ..standing import Standing, standings
from ..version import Version
from .columns import aligned, plain
from .reading import answer, origin_flags


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the commands to the program's parser."""
    reading: dict[str, Any] = {"parents": [common, origin_flags(moves_bytes=False)], "allow_abbrev": False}
    command = commands.add_parser("list", help="list the published versions, newest first", **reading)
    command.set_defaults(run=_list)
    command = commands.add_parser("channels", help="tell where the channels are", **reading)
    command.set_defaults(run=_channels)
    command = commands.add_parser(
        "pages", help="write the index and all pages that are not right", parents=[common], allow_abbrev=False
    )
    command.add_argument("--to", required=True, metavar="DESTINATION", help="s3://bucket/prefix or a directory")
    command.set_defaults(run=_pages)


def _list(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    channels = standings(origin)
    yanked = {yank.version: yank.reason for one in origin.yanked() if (yank := yank_of(origin, one)) is not None}
    newest = sorted(origin.versions(), reverse=True)
    reached = {one: _names(channels, one) for one in newest}
    documents = [
        {"version": str(one), "channels": reached[one], **({"yanked": yanked[one]} if one in yanked else {})}
        for one in newest
    ]
    lines = [(str(one), ", ".join(reached[one]), plain(yanked.get(one, ""))) for one in newest]
    answer(arguments, documents, "\n".join(aligned([("VERSION", "CHANNELS", "YANKED"), *lines])))


def _names(channels: tuple[Standing, ...], version: Version) -> list[str]:
    """Return the channels whose readers get ``version``."""
    return [one.name for one in channels if one.reached is not None and one.reached.version == version]


def _channels(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    documents = [_document(one, origin) for one in standings(origin)]
    lines = [
        (
            document["channel"],
            document["version"],
            "nothing: all are yanked" if document["readersGet"] is None else document["readersGet"]["version"],
            str(document["sequence"]),
            document["expires"] or "never",
            document["signedBy"] or "nobody",
            document["manifestDigest"],
            ", ".join(pin["version"] for pin in document["previous"]),
        )
        for document in documents
    ]
    titles = ("CHANNEL", "IS AT", "READERS GET", "SEQUENCE", "EXPIRES", "SIGNED BY", "MANIFEST", "BEFORE")
    answer(arguments, documents, "\n".join(aligned([titles, *lines])))


def _document(standing: Standing, origin: Origin) -> dict[str, Any]:
    """Return what ``--json`` prints of a channel; who signed it may be anybody."""
    channel = standing.channel
    key = signing_key(channel, origin.name)
    return {
        "channel": standing.name,
        **_pin(channel.current),
        "previous": [_pin(pin) for pin in channel.previous],
        "readersGet": None if standing.reached is None else _pin(standing.reached),
        "sequence": channel.sequence,
        "expires": None if channel.seal is None else rfc3339.render(channel.seal.expires),
        "signedBy": None if key is None else key.fingerprint,
    }


def _pin(pin: Pin) -> dict[str, str]:
    document = {"version": str(pin.version), "manifestDigest": pin.manifest_digest}
    return document if pin.yanked is None else document | {"yanked": pin.yanked}


def _pages(arguments: argparse.Namespace) -> None:
    destination = open_destination(arguments.to)
    if not destination.browsable:
        raise UsageError(f"{destination.name} has no pages", "name a directory or s3://bucket/prefix")
    refresh(destination, everything=True)
    print(f"the index and the pages of {destination.name} are up to date")
