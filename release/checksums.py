"""SHA-256 digests, and the list of them in the form of GNU sha256sum (``SHA256SUMS``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .atomic import replacing
from .compression import Sink
from .errors import VerificationError

NAME = "SHA256SUMS"
"""File name of the list in a release."""

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")
"""Names a file of a release may have: plain in a shell, a URL and on every file system."""

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What some bytes are: ``sha256:<hex>`` and their number."""

    sha256: str
    size: int

    def __str__(self) -> str:
        return self.sha256


class DigestWriter:
    """Digests what is written to it and passes it on to ``sink``."""

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes, /) -> int:
        """Take ``data``."""
        self._hash.update(data)
        self._size += len(data)
        if self._sink is not None:
            self._sink.write(data)
        return len(data)

    @property
    def digest(self) -> Digest:
        """Digest of all bytes so far."""
        return Digest(sha256=f"sha256:{self._hash.hexdigest()}", size=self._size)


def digest_of_bytes(data: bytes) -> Digest:
    """Digest ``data``."""
    writer = DigestWriter()
    writer.write(data)
    return writer.digest


def digest_of(path: Path) -> Digest:
    """Digest the file at ``path``, reading it in pieces. Raises OSError."""
    writer = DigestWriter()
    with path.open("rb") as file:
        while data := file.read(2**20):
            writer.write(data)
    return writer.digest


def render(digests: Mapping[str, str]) -> bytes:
    """Return the list for ``digests`` (file name → ``sha256:<hex>``): ``<hex>  <name>``, sorted by name."""
    return "".join(f"{digests[name].removeprefix('sha256:')}  {name}\n" for name in sorted(digests)).encode()


def write(path: Path, digests: Mapping[str, str]) -> None:
    """Write the list for ``digests`` to ``path``, whole or not at all. Raises OSError."""
    with replacing(path) as sink:
        sink.write(render(digests))


def parse(data: bytes) -> dict[str, str]:
    """Read a list: file name → ``sha256:<hex>``.

    Raises VerificationError for lines of another form, names that are not plain, and duplicates.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise _refused("is not plain ASCII") from error
    if text and not text.endswith("\n"):
        raise _refused("ends in the middle of a line")
    digests: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise _refused(f"line {number} is not '<sha256>  <name>'")
        digest, name = match.groups()
        if PLAIN_NAME.fullmatch(name) is None:
            raise _refused(f"line {number}: {name!r} is not a plain file name")
        if name in digests:
            raise _refused(f"line {number}: {name} is listed twice")
        digests[name] = f"sha256:{digest}"
    return digests


def _refused(problem: str) -> VerificationError:
    return VerificationError(f"{NAME}: {problem}", "fetch the release again")
