"""What the commands that read releases have in common: their flags, warnings and answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from .. import canonical
from ..destination import Origin, Pin
from ..errors import UsageError
from ..fetch import Found, Selection, find
from ..memory import FileMemory, memory_path
from ..signing import TrustedKeys, trusted_keys
from ..transfer.parallel import DEFAULT_JOBS

_MOST_JOBS = 64


def origin_flags(*, moves_bytes: bool) -> argparse.ArgumentParser:
    """Return the parent of commands that ask an origin; ``moves_bytes``: several at once."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--from",
        dest="origin",
        required=True,
        metavar="ORIGIN",
        help="https://host/path, s3://bucket/prefix, oci://registry/prefix, a directory, or a bundle's file",
    )
    parser.add_argument("--json", action="store_true", help="print what happened as JSON")
    if moves_bytes:
        parser.add_argument("--jobs", type=_jobs, default=DEFAULT_JOBS, metavar="N", help="transfers at once")
    return parser


def trust_flags() -> argparse.ArgumentParser:
    """Return the parent of commands that take only what a trusted key signed."""
    parser = key_flags("public keys of the maintainers")
    parser.add_argument("--insecure-unsigned", action="store_true", help="take what nobody signed, too")
    return parser


def key_flags(what: str) -> argparse.ArgumentParser:
    """Return the parent of commands that take files of public keys; ``what`` tells which."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help=f"{what} (.pub, allowed signers, PEM); repeatable (those of the config)",
    )
    return parser


def trusted(arguments: argparse.Namespace) -> TrustedKeys | None:
    """Return the keys that the flags of :func:`trust_flags` name, None when nobody need have signed.

    Raises UsageError and VerificationError for keys that cannot be read, or when there are none.
    """
    if not arguments.insecure_unsigned:
        keys = trusted_keys(arguments.key)
        keys.require()
        return keys
    if arguments.key:
        raise UsageError("--key and --insecure-unsigned contradict each other", "leave one out")
    return None


def find_release(arguments: argparse.Namespace, origin: Origin, wanted: str | Pin) -> Found:
    """Return the release that ``wanted`` names, signed as the flags of :func:`trust_flags` say; tell its warnings.

    Raises what :func:`trusted` and :func:`.fetch.find` raise.
    """
    found = find(origin, wanted, trusted(arguments), memory=user_memory())
    warn(found.warnings)
    return found


def user_memory() -> FileMemory:
    """Return what this user's commands remember of channels."""
    return FileMemory(memory_path(), lambda text: warn((text,)))


def selection_flags() -> argparse.ArgumentParser:
    """Return the parent of commands that take a part of a release."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--piece", action="append", default=[], metavar="PIECE", help="only this, such as api; repeatable"
    )
    parser.add_argument(
        "--target", action="append", default=[], metavar="OS/ARCH", help="nothing for others; repeatable"
    )
    return parser


def selection(arguments: argparse.Namespace, *, images: bool, sboms: bool) -> Selection:
    """Return what the flags of :func:`selection_flags` name."""
    return Selection(pieces=tuple(arguments.piece), targets=tuple(arguments.target), images=images, sboms=sboms)


def warn(warnings: Iterable[str]) -> None:
    """Tell a person what they should know, on standard error."""
    for text in warnings:
        print(f"warning: {text}", file=sys.stderr)


def answer(arguments: argparse.Namespace, document: object, text: str) -> None:
    """Print ``document`` with ``--json``, else ``text``."""
    if arguments.json:
        sys.stdout.write(canonical.dumps(document).decode())
    else:
        print(text)


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_JOBS}")
    return int(text)
