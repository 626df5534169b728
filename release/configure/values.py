"""The values that a console is configured with: their names, what stands for them, and what they may be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from ..errors import UsageError

API_URL = "CONSOLE_API_URL"
PROJECT_ID = "CONSOLE_DOGFOOD_PROJECT_ID"

PLACEHOLDERS: Mapping[str, str] = {name: f"__PLACEHOLDER_{name}__" for name in (API_URL, PROJECT_ID)}
"""Variable → what stands for its value in a bundle, where no ``release.json`` says so."""

# RFC 3986, appendix A: the characters of a URI.
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_PROJECT_ID = re.compile(r"project_[A-Za-z0-9]{1,100}")
_LIKE = "write it like https://vault.console.example.com"


def console_values(*, api_url: str, dogfood_project_id: str) -> dict[str, str]:
    """Return both values by the name of their variable. Raises UsageError for one that no console can use."""
    return {API_URL: _checked_url(api_url), PROJECT_ID: _checked_project_id(dogfood_project_id)}


def _checked_url(text: str) -> str:
    """Return a URL without the slashes at its end: consoles put paths behind it that begin with one."""
    # First, since what comes next shows the URL.
    if "@" in re.split("[/?#]", text.partition("//")[2])[0]:
        raise UsageError(
            "the URL of the api holds a user name or a password", "leave it out: whoever opens the console can read it"
        )
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        sound = _CHARACTERS.fullmatch(text) is not None and parts.port != 0
        sound = sound and (_NAME.fullmatch(host) is not None or _address(host) is not None)
    except ValueError:  # a port that is no number, brackets around something else
        sound = False
    if not sound or "://" not in text:
        raise UsageError(f"{text!r} is no absolute URL", _LIKE)
    if "?" in text or "#" in text:
        raise UsageError(f"the URL {text} has a query or a fragment", "leave out what follows the path")
    if not _is_safe(parts):
        raise UsageError(f"{text} is no https URL", f"{_LIKE}; http does for localhost only")
    return text.rstrip("/")


def _is_safe(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    address = _address(host)
    here = host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)
    return parts.scheme == "https" or (parts.scheme == "http" and here)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _checked_project_id(text: str) -> str:
    if _PROJECT_ID.fullmatch(text) is None:
        # It is not shown: what bootstrap printed may be pasted whole, password and all.
        raise UsageError(
            "the id of the dogfood project is not project_ and letters or digits",
            "it is the first of the three values that bootstrap printed",
        )
    return text
