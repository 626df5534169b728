"""The command ``keygen``: make a key to sign releases with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .. import canonical
from ..errors import UsageError
from ..signing import passphrase
from ..signing.keygen import Kind, generate

_LARGEST_COMMENT = 200


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "keygen", help="make a key to sign releases with", parents=[common], allow_abbrev=False
    )
    command.add_argument("key", type=Path, metavar="KEY", help="file to write; KEY.pub and KEY.pem are the public half")
    command.add_argument("--type", type=Kind, choices=list(Kind), default=Kind.ECDSA, help="kind of key (%(default)s)")
    command.add_argument("--comment", metavar="TEXT", help="what it is called in KEY.pub (the name of the file)")
    command.add_argument("--json", action="store_true", help="print what was made as JSON")
    command.set_defaults(run=_keygen)


def _keygen(arguments: argparse.Namespace) -> None:
    comment = arguments.key.name if arguments.comment is None else arguments.comment
    if not comment.isprintable() or len(comment) > _LARGEST_COMMENT or not arguments.key.name:
        raise UsageError(f"{comment!r} cannot be the name of a key", "give one line of text with --comment")
    made = generate(arguments.key, arguments.type, comment, passphrase.of_new_key())
    if arguments.json:
        document = {
            "fingerprint": made.public_key.fingerprint,
            "pem": str(made.pem),
            "private": str(made.private),
            "public": str(made.public),
        }
        sys.stdout.write(canonical.dumps(document).decode())
        return
    print(
        f"{made.public_key.fingerprint}\n"
        f"{made.private}      keep it secret, and a copy of it in a safe place\n"
        f"{made.public}  for operators: --key, or trusted-keys in their config\n"
        f"{made.pem}  the same for cosign and openssl"
    )
