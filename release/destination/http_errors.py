"""What goes wrong between this machine and a web server, in sentences."""

from __future__ import annotations

import email.utils
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from ..errors import DestinationError, TransientError

_AGAIN = "run again in a while"
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_NEXT_STEPS = {
    401: "put a user and a password into the URL, or use another one",
    403: "ask who runs it, or use another address",
    407: "give the proxy's user and password in the variable of the proxy",
}


@contextmanager
def failed(place: str, key: str) -> Iterator[None]:
    """Turn errors of the transport into TransientError, and into DestinationError where trying again cannot help."""
    try:
        yield
    except httpx.TransportError as error:
        raise _transport(place, key, error) from error
    except httpx.TooManyRedirects as error:
        raise DestinationError(f"{place} sends from place to place for {key}", "check the address") from error
    except httpx.InvalidURL as error:
        raise DestinationError(f"{place} sends to what is no URL for {key}", "check the address") from error


def refused(place: str, key: str, response: httpx.Response) -> DestinationError:
    """Return the error for an answer of the server that is not the file."""
    status = response.status_code
    words = f"{place} answers {status} {response.reason_phrase}".rstrip() + f" for {key}"
    if status in _BUSY:
        return TransientError(words, _AGAIN, retry_after=retry_after(response.headers.get("Retry-After")))
    return DestinationError(words, _NEXT_STEPS.get(status, "check the address"))


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for: a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _transport(place: str, key: str, error: httpx.TransportError) -> DestinationError:
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return DestinationError(
            f"{place} has a certificate that is not trusted: {cause.verify_message}",
            "if its authority is your own, name the authority's certificate in SSL_CERT_FILE",
        )
    if isinstance(cause, ssl.SSLError):
        return DestinationError(f"{place} speaks no TLS that this machine can use: {cause.reason}", "check the address")
    if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
        return DestinationError(f"{place} has a host that is not known here", "check the address, or the proxy")
    if isinstance(error, (httpx.ProxyError, httpx.UnsupportedProtocol)):
        return DestinationError(f"{place} cannot be reached: {error}", "check the variables of the proxy")
    if isinstance(error, httpx.TimeoutException):
        return TransientError(f"{place} did not answer in time for {key}", _AGAIN)
    return TransientError(f"{place} cannot be reached, or hung up, for {key}: {cause}", _AGAIN)


def _root(error: BaseException) -> BaseException:
    """Return the deepest cause that says something."""
    while (cause := error.__cause__ or error.__context__) is not None and str(cause):
        error = cause
    return error
