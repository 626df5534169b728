"""Files of public keys: ``.pub`` (sshd(8)), allowed signers (ssh-keygen(1)) and PEM, told apart by what is in them."""

from __future__ import annotations

import base64
import re

from ..errors import VerificationError
from .keys import PublicKey, from_blob, from_spki
from .trust import TrustedKey

LARGEST = 256 * 1024
"""Bytes of the largest file that is read."""

_LARGEST_NAME = 200
# What ssh-keygen splits a line at: blanks outside of quotes.
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_ALGORITHM = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+")
_NAMESPACES = re.compile(r'namespaces="([A-Za-z0-9@._,-]+)"')


def parse(data: bytes, place: str) -> tuple[TrustedKey, ...]:
    """Read a file of keys; empty lines and those that start with # don't count.

    Raises VerificationError, with ``place``, for a key that is not taken, for what is no key, and for no key at all.
    """
    if len(data) > LARGEST:
        raise VerificationError(f"{place} is too large for a file of keys", "name a .pub file")
    if data.lstrip().startswith(b"-----"):
        return (TrustedKey(key=from_spki(data.lstrip(), place)),)
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise VerificationError(f"{place} is no text", "name a .pub file") from error
    found = tuple(
        parse_line(line, f"{place}, line {number},")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    )
    if not found:
        raise VerificationError(f"{place} holds no key", "name a .pub file")
    return found


def parse_line(line: str, place: str) -> TrustedKey:
    """Read ``KIND BASE64 [NAME]`` or, of an allowed signers file, ``NAMES [OPTIONS] KIND BASE64``.

    Raises VerificationError, with ``place``.
    """
    words = _WORD.findall(line)
    start = next((index for index, word in enumerate(words[:3]) if _ALGORITHM.fullmatch(word)), None)
    if start is None or len(words) < start + 2:
        raise VerificationError(f"{place} is no public key", "copy the whole line of a .pub file")
    before, after = words[:start], words[start + 2 :]
    key = _key(words[start], words[start + 1], place)
    name = before[0] if before else " ".join(after)
    return TrustedKey(
        key=key, name=_printable(name, place), namespaces=_namespaces(before[1], place) if before[1:] else ()
    )


def _key(algorithm: str, text: str, place: str) -> PublicKey:
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise VerificationError(
            f"{place} has a key that is not base64", "copy the whole line of a .pub file"
        ) from error
    key = from_blob(blob, place)
    if key.algorithm != algorithm:
        raise VerificationError(f"{place} says {algorithm} and holds {key.algorithm}", "get the key again")
    return key


def _namespaces(options: str, place: str) -> tuple[str, ...]:
    """Read the options. An option that is not known may forbid something, so it is refused."""
    match = _NAMESPACES.fullmatch(options)
    if match is None:
        raise VerificationError(
            f'{place} has the options {_printable(options, place)}, of which only namespaces="NAME,…" is known',
            "leave them out",
        )
    return tuple(match[1].split(","))


def _printable(text: str, place: str) -> str:
    """Names are printed, so they must not steer a terminal."""
    if not text.isprintable() or len(text) > _LARGEST_NAME:
        raise VerificationError(f"{place} has a name that cannot be printed", "leave it out")
    return text
