"""A web server as an origin, such as one that serves a directory or the public address of a bucket."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from .. import __version__
from ..errors import DestinationError, UsageError, VerificationError
from ..transfer import Retrier
from .documents import LARGEST
from .http_errors import failed, refused
from .store import StoreOrigin

_TIMEOUT = httpx.Timeout(30, connect=10)
_MISSING = (404, 410)
_BEYOND_THE_END = 416
# A bucket that may not be listed says this of what is not there, too.
_DENIED = b"<Code>AccessDenied</Code>"
_LARGEST_ERROR = 2**14


class HttpsOrigin(StoreOrigin):
    """The releases below a URL."""

    @classmethod
    def named(cls, text: str) -> HttpsOrigin:
        """Return the origin at the URL ``text``; nothing is connected to yet.

        Raises UsageError for what is no URL of a folder, and for plain http to another machine.
        """
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise UsageError(f"{text!r} is no URL: {error}", "write it as https://host/path") from error
        if not url.host or url.query or url.fragment:
            raise UsageError(f"{_shown(url)!r} is not the URL of a folder", "write it as https://host/path")
        if not _is_private(url):
            raise UsageError(f"{_shown(url)} could be read and changed on its way", "use https://")
        return cls(url)

    def __init__(self, url: httpx.URL, *, timeout: httpx.Timeout = _TIMEOUT, retrier: Retrier | None = None) -> None:
        super().__init__(_HttpStore(url, timeout, retrier or Retrier()))


class _HttpStore:
    """Files below a URL, read with GET. Proxies, ``SSL_CERT_FILE`` and ``NO_PROXY`` are the environment's."""

    def __init__(self, url: httpx.URL, timeout: httpx.Timeout, retrier: Retrier) -> None:
        self.name = _shown(url)
        self._base = str(url).rstrip("/")
        self._local = url.scheme == "http"
        self._timeout = timeout
        self._retrier = retrier

    @functools.cached_property
    def _client(self) -> httpx.Client:
        try:
            return httpx.Client(
                follow_redirects=True,
                timeout=self._timeout,
                # What arrives has to be the bytes of the file, so nobody may compress them.
                headers={"Accept-Encoding": "identity", "User-Agent": f"tesseral-release/{__version__}"},
                event_hooks={"request": [self._check_private]},
            )
        except (OSError, ValueError, ImportError) as error:
            raise DestinationError(
                f"{self.name} cannot be asked: {error}", "check SSL_CERT_FILE and the variables of the proxy"
            ) from error

    def read(self, key: str) -> bytes | None:
        return self._retrier(lambda: self._read(key))

    def exists(self, key: str) -> bool:
        return self.read(key) is not None

    @contextmanager
    def open(self, key: str, start: int) -> Iterator[Iterator[bytes]]:
        with ExitStack() as stack:
            response = self._retrier(lambda: self._get(key, start))
            stack.callback(response.close)
            if response.status_code in _MISSING or response.status_code == 403:
                raise DestinationError(f"{self.name} does not hold {key}", "check the address, or ask who publishes it")
            yield self._body(key, response, start)

    def names(self, prefix: str) -> None:
        """Nothing can be listed."""

    def _read(self, key: str) -> bytes | None:
        response = self._get(key, 0)
        try:
            if response.status_code in _MISSING or response.status_code == 403:
                return None
            data = bytearray()
            for piece in self._body(key, response, 0):
                data += piece
                if len(data) > LARGEST:
                    raise VerificationError(f"{self.name}: {key} has more than {LARGEST} bytes", "look at it")
            return bytes(data)
        finally:
            response.close()

    def _get(self, key: str, start: int) -> httpx.Response:
        """Ask for a file, and return an answer that is about it. Raises TransientError and DestinationError."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with failed(self.name, key):
            response = self._client.send(
                self._client.build_request("GET", f"{self._base}/{key}", headers=headers), stream=True
            )
        try:
            status = response.status_code
            expected = status in (200, *_MISSING) or (
                start > 0 and (status == _BEYOND_THE_END or (status == 206 and _begins_at(response, start)))
            )
            if not expected and not (status == 403 and self._denied(key, response)):
                raise refused(self.name, key, response)
        except BaseException:
            response.close()
            raise
        return response

    def _denied(self, key: str, response: httpx.Response) -> bool:
        data = b""
        with failed(self.name, key):
            for piece in response.iter_raw():
                data += piece
                if len(data) > _LARGEST_ERROR:
                    break
        return _DENIED in data

    def _body(self, key: str, response: httpx.Response, start: int) -> Iterator[bytes]:
        """Yield the bytes of the file from ``start``, whether or not the server knows ranges."""
        if response.status_code == _BEYOND_THE_END:
            return
        ahead = start if response.status_code == 200 else 0
        with failed(self.name, key):
            for piece in response.iter_raw():
                if ahead < len(piece):
                    yield piece[ahead:]
                ahead = max(0, ahead - len(piece))

    def _check_private(self, request: httpx.Request) -> None:
        """Follow a redirection only to where nobody can listen in."""
        if not _is_private(request.url) or (request.url.scheme == "http" and not self._local):
            raise DestinationError(f"{self.name} sends to {_shown(request.url)}", "ask for https:// there")


def _begins_at(response: httpx.Response, start: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def _is_private(url: httpx.URL) -> bool:
    if url.scheme == "http":
        return url.host == "localhost" or _is_loopback(url.host)
    return url.scheme == "https"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: httpx.URL) -> str:
    """Write a URL without what gives access."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")
