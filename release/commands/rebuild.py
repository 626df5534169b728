"""The command ``rebuild``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ..atomic import replacing
from ..clock import system_clock
from ..destination import open_origin
from ..destination.files import FileStore
from ..errors import UsageError
from ..fetch import Found
from ..progress import showing
from ..rebuild import CheckoutBuilder, Place, Result, check_checkout, find_checkout, place_of, rebuild, wanted_of
from ..rebuild.attestation import attest, file_name
from ..signing import Signer, open_signer
from .columns import aligned, plain
from .reading import answer, find_release, origin_flags, selection_flags, trust_flags, warn

_SHORT = 12
_SHOWN = 20


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "rebuild",
        help="build a published release again from its source, and compare it to the byte",
        parents=[common, origin_flags(moves_bytes=False), selection_flags(), trust_flags()],
        allow_abbrev=False,
    )
    add = command.add_argument
    add("wanted", metavar="RELEASE", help="a version such as 1.4.0, or a channel")
    add("--artifact", action="append", default=[], metavar="NAME", help="only this file or images/NAME; repeatable")
    add("--source", metavar="PATH|URL[#REF]", help="take the source from there, and REF instead of the commit")
    add("--pipeline", type=Path, metavar="DIR", help="the checkout of tesseral-release that builds (this one)")
    add("--keep", type=Path, metavar="DIR", help="keep what was rebuilt, and what was published of that which differs")
    add("--sign-with", metavar="KEY", help="attest what is found: a file, env:NAME or awskms:///alias/NAME")
    add("--attestation", type=Path, metavar="FILE", help=f"file for it ({file_name('VERSION')})")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    found = find_release(arguments, origin, arguments.wanted)
    manifest = found.manifest
    wanted = wanted_of(manifest, arguments.artifact, arguments.piece, arguments.target)
    place = place_of(manifest, arguments.source)
    checkout = find_checkout(arguments.pipeline)
    attestation = _attestation(arguments, found, place)
    signer = None if arguments.sign_with is None else open_signer(arguments.sign_with)
    check_checkout(checkout, manifest.pipeline)
    if not place.expected:
        warn((f"{place} is built, and {found.version} is of the commit {manifest.source.commit}",))
    with _workspace(arguments.keep) as work:
        builder = CheckoutBuilder(checkout.folder)
        result = rebuild(origin, found, wanted, place, builder, work, partial(showing, "fetch what differs"))
    warn(f"{name} could not be looked into: {why}" for name, why in result.unread.items())
    if signer is not None:
        _write(attestation, attest(signer, found, result, system_clock()))
    answer(arguments, _document(arguments, found, result, signer, attestation), _text(result, signer, attestation))
    result.check(arguments.keep)


def _attestation(arguments: argparse.Namespace, found: Found, place: Place) -> Path:
    """Return the file of the attestation, which can be written, as far as that can be known before."""
    if arguments.sign_with is None and arguments.attestation is not None:
        raise UsageError("--attestation needs a key", "name one with --sign-with")
    if arguments.sign_with is not None and not place.expected:
        raise UsageError(
            f"an attestation is about the commit {found.manifest.source.commit}, and {place.ref} is to be built",
            "leave out --sign-with, or #REF",
        )
    path: Path = arguments.attestation or Path(file_name(str(found.version)))
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path} cannot be a file", "name another with --attestation")
    return path


@contextmanager
def _workspace(keep: Path | None) -> Iterator[Path]:
    """Have a folder to build in, which is gone afterwards unless it is to be kept."""
    if keep is None:
        with FileStore(Path(tempfile.gettempdir())).told():
            folder = tempfile.TemporaryDirectory(prefix="tesseral-rebuild-", ignore_cleanup_errors=True)
        with folder as name:
            yield Path(name).resolve()
        return
    with FileStore(keep).told():
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise UsageError(f"{keep} is not empty", "name a new folder with --keep")
    yield keep.resolve()


def _write(path: Path, data: bytes) -> None:
    with FileStore(path.parent).told(), replacing(path) as sink:
        sink.write(data)


def _document(
    arguments: argparse.Namespace, found: Found, result: Result, signer: Signer | None, attestation: Path
) -> dict[str, object]:
    return {
        "schemaVersion": 1,
        "version": result.version,
        "manifestDigest": found.pin.manifest_digest,
        "signedBy": None if found.signed_by is None else found.signed_by.key.fingerprint,
        "commit": result.source.commit,
        "treeDigest": result.source.tree_digest,
        "same": not result.different,
        "compared": [
            {"name": one.name, "published": one.wanted, "rebuilt": one.found, "same": one.same}
            for one in result.compared
        ],
        "differences": [{"artifact": one.artifact, "member": one.member, "how": one.how} for one in result.differences],
        "diffoscope": result.deeper,
        "unread": dict(result.unread),
        "attestation": None if signer is None else str(attestation),
        "kept": None if arguments.keep is None else str(arguments.keep),
        "warnings": list(found.warnings),
    }


def _text(result: Result, signer: Signer | None, attestation: Path) -> str:
    rows = [
        (one.name, _short(one.wanted), _short(one.found or "nothing"), "same" if one.same else "DIFFERS")
        for one in result.compared
    ]
    lines = aligned([("NAME", "PUBLISHED", "REBUILT", ""), *rows])
    if result.differences:
        lines += ["", "differences, what was published first"]
        lines += [f"  {plain(str(one))}" for one in result.differences[:_SHOWN]]
    if len(result.differences) > _SHOWN:
        lines.append(f"  and {len(result.differences) - _SHOWN} more: --json has them all")
    if result.deeper:
        lines += ["", result.deeper]
    return "\n".join([*lines, "", _summary(result, signer, attestation)])


def _summary(result: Result, signer: Signer | None, attestation: Path) -> str:
    said = "nothing is attested: --sign-with KEY does it"
    if signer is not None:
        said = f"attested in {attestation} by {signer.public_key.fingerprint}"
    return (
        f"{result.version}: {len(result.same)} of {len(result.compared)} are what the commit "
        f"{result.source.commit[:_SHORT]} yields, to the byte; {said}"
    )


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_SHORT]
