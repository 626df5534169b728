"""Package URLs, the names that scanners know packages by (ECMA-427)."""

from __future__ import annotations

from urllib.parse import quote


def purl(kind: str, path: str, version: str = "", **qualifiers: str) -> str:
    """Return the package URL for ``path`` (a name, with its namespace before a slash) of the type ``kind``.

    Letters keep their case, as readers of such URLs expect it: paths of Go modules differ by it.
    """
    encoded = "/".join(_encoded(segment) for segment in path.split("/"))
    at = f"@{_encoded(version)}" if version else ""
    pairs = "&".join(f"{key}={_encoded(value)}" for key, value in sorted(qualifiers.items()))
    return f"pkg:{kind}/{encoded}{at}" + (f"?{pairs}" if pairs else "")


def _encoded(text: str) -> str:
    """Percent-encode all but letters, digits, ``.-_~`` and the colon (ECMA-427, "Character encoding")."""
    return quote(text, safe=":")
