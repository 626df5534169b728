"""What goes wrong between us and a registry, as sentences: worth another try, or not."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from ...errors import DestinationError, TransientError

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST = 200


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn failures of the connection to ``place`` into a sentence: TransientError where another try may help."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise TransientError(f"{place} does not answer in time", "run again when it does") from error
    except httpx.TransportError as error:
        if isinstance(_cause(error), ssl.SSLCertVerificationError):
            raise DestinationError(
                f"the certificate of {place} is not trusted: {plain(str(error))}",
                "name the file of its authority in SSL_CERT_FILE",
            ) from error
        raise TransientError(
            f"the connection to {place} failed: {plain(str(error)) or type(error).__name__}",
            "check the name and the network, then run again",
        ) from error


def refusal(place: str, login: str, status: int, headers: Mapping[str, str], body: bytes) -> DestinationError:
    """Return the error for an answer that was not asked for.

    ``place`` is what was asked, ``login`` what ``docker login`` must name.
    """
    said = _said(body)
    because = f": {said}" if said else ""
    if status in _TRANSIENT:
        return TransientError(
            f"{place} answered {status}{because}", "run again", retry_after=_seconds(headers.get("retry-after"))
        )
    if status == 401:
        return DestinationError(
            f"{place} does not accept who we are (401){because}",
            f"log in with `docker login {login}` as somebody who may",
        )
    if status == 403:
        return DestinationError(
            f"{place} does not permit it (403){because}",
            f"log in with `docker login {login}` as somebody who may push there",
        )
    if status == 404:
        return DestinationError(f"{place} is not there (404){because}", "check the name")
    return DestinationError(f"{place} answered {status}{because}", "see what the registry's log says")


def codes(body: bytes) -> frozenset[str]:
    """Return the error codes in an answer (distribution-spec 1.1, "Error Codes")."""
    return frozenset(code for code, _ in _errors(body))


def plain(text: str) -> str:
    """Return ``text`` of a stranger as something that may be printed: one line, not long."""
    line = re.sub(r"\s+", " ", "".join(character if character.isprintable() else " " for character in text)).strip()
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _said(body: bytes) -> str:
    return plain("; ".join(f"{code} {message}".strip() for code, message in _errors(body)))


def _errors(body: bytes) -> list[tuple[str, str]]:
    try:
        errors = json.loads(body)["errors"]
        return [(str(error["code"]), str(error.get("message") or "")) for error in errors]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return []


def _seconds(text: str | None) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): seconds or a date."""
    if text is None:
        return None
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _cause(error: BaseException) -> BaseException:
    """Return the first error in the chain: httpx wraps twice."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error
