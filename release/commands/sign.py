"""The command ``sign``: sign a published release, as when keys change."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..resign import Basis, Signed, resign
from ..signing import open_signer, trusted_keys
from ..version import parse
from .publish import destination_flags, opened
from .reading import answer, trust_flags


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "sign",
        help="sign a release that is published, with a new key too",
        parents=[common, destination_flags(), trust_flags()],
        allow_abbrev=False,
    )
    command.add_argument("version", metavar="VERSION")
    command.add_argument("--sign-with", required=True, metavar="KEY", help="the new key, as for publish")
    command.add_argument(
        "--replace", action="store_true", help="let it take the place of another key's where there is room for one only"
    )
    command.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="your own copy of the whole release vouches for it, not the keys that signed it",
    )
    command.set_defaults(run=_sign)


def _sign(arguments: argparse.Namespace) -> None:
    basis = Basis(
        trusted=trusted_keys(arguments.key),
        copy=arguments.folder,
        unsigned=arguments.insecure_unsigned,
    )
    results = resign(
        opened(arguments),
        parse(arguments.version),
        open_signer(arguments.sign_with),
        basis,
        replace=arguments.replace,
    )
    answer(arguments, [_document(one) for one in results], "\n".join(map(_line, results)))


def _document(result: Signed) -> dict[str, object]:
    return {"destination": result.destination, "version": str(result.version), "signed": list(result.names)}


def _line(result: Signed) -> str:
    if not result.names:
        return f"signed before in {result.destination}: version {result.version}"
    return f"signed in {result.destination}: version {result.version}, {', '.join(result.names)}"
