"""An operator's values in the syntax of nginx's configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError
from ..site import Site
from ..site.values import shown

# Inside of "…" nginx takes $ for a variable, and the others end the text or begin something in it.
_MEANINGFUL = re.compile(r'[$"\\]')
_USUAL_BUCKET = 64  # bytes, nginx's own server_names_hash_bucket_size where it is lowest
_POINTER = 8  # bytes


def path(site: Site, key: str, value: Path) -> str:
    """Quote a path; ``key`` is where the settings have it. Raises UsageError for one that cannot be quoted."""
    text = str(value)
    found = _MEANINGFUL.search(text)
    if found is not None or not text.isprintable():
        character = shown(found[0]) if found else "a character that is not printable"
        raise UsageError(f"{site.path}: {key}: {shown(text)} has {character}, which nginx cannot take", "rename it")
    return f'"{text}"'


def listen_https(site: Site) -> str:
    """Return the lines that open the port for HTTPS."""
    # nginx 1.25 has a directive http2, which 1.22 does not know; the older form still works there.
    return _listen(site, f"{site.listen.https} ssl http2")


def listen_http(site: Site) -> str:
    """Return the lines that open the port for plain HTTP, if there is to be one."""
    return _listen(site, str(site.listen.http)) if site.listen.http else "    # No port for plain HTTP."


def names_hash(names: Iterable[str]) -> str:
    """Return the line that lets nginx keep the longest of ``names``, where it could not by itself."""
    longest = max(map(len, names))
    # ngx_hash_init: a name takes a pointer and its own bytes with two more, aligned; a pointer ends the bucket.
    needed = 2 * _POINTER + -(-(longest + 2) // _POINTER) * _POINTER
    size = _USUAL_BUCKET
    while size < needed:
        size *= 2
    if size == _USUAL_BUCKET:
        return "# All names are short enough for nginx's usual server_names_hash_bucket_size."
    return f"# For long names. Two of these contradict each other: remove one.\nserver_names_hash_bucket_size {size};"


def _listen(site: Site, rest: str) -> str:
    return "\n".join(f"    listen {address}:{rest};" for address in site.listen.addresses)
