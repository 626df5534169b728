"""What can go wrong with a request, and rules that say with which one; see faults.py."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from http_wire import CutError, Head


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request; by itself nothing does."""

    def up(self, body: Iterator[bytes]) -> Iterator[bytes]:
        """Return what the server gets of the request's body."""
        return body

    def down(self, body: Iterator[bytes]) -> Iterator[bytes]:
        """Return what the client gets of the response's body."""
        return body

    def head(self, response: Head) -> bytes:
        """Return what the client gets as the response's head."""
        return response.raw


@dataclass(frozen=True)
class Answer(Fault):
    """Answer in the server's place; it gets nothing."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def message(self, method: str) -> bytes:
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Fault", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + (b"" if method == "HEAD" else self.body)


@dataclass(frozen=True)
class DropBefore(Fault):
    """Close the connection; the server gets nothing."""


@dataclass(frozen=True)
class Kill(Fault):
    """Let the server do it and answer in full, run ``callback``, then deliver the answer or close the connection."""

    callback: Callable[[], object]
    deliver: bool = False


@dataclass(frozen=True)
class DropAfter(Kill):
    """Let the server do it, and close the connection before the client learns of it."""

    callback: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Hang(Fault):
    """Do nothing for a while, then go on as if nothing had been."""

    seconds: float


@dataclass(frozen=True)
class CutUp(Fault):
    """End both connections when the server has got ``after`` bytes of the request."""

    after: int

    def up(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from _limited(body, self.after)
        raise CutError


@dataclass(frozen=True)
class CutDown(Fault):
    """Reset the connection when the client has got ``after`` bytes of the response."""

    after: int

    def down(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from _limited(body, self.after)
        raise CutError(reset=True)


@dataclass(frozen=True)
class TruncateDown(Fault):
    """Deliver only the first ``size`` bytes and close the connection; ``hidden``: as if there were no more."""

    size: int
    hidden: bool = False

    def down(self, body: Iterator[bytes]) -> Iterator[bytes]:
        yield from _limited(body, self.size)
        if not self.hidden:
            raise CutError
        for _ in body:
            pass

    def head(self, response: Head) -> bytes:
        return response.with_length(min(self.size, response.length or 0)) if self.hidden else response.raw


@dataclass(frozen=True)
class FlipUp(Fault):
    """Change the byte at ``position`` of the request's body."""

    position: int

    def up(self, body: Iterator[bytes]) -> Iterator[bytes]:
        return _flipped(body, self.position)


@dataclass(frozen=True)
class FlipDown(Fault):
    """Change the byte at ``position`` of the response's body."""

    position: int

    def down(self, body: Iterator[bytes]) -> Iterator[bytes]:
        return _flipped(body, self.position)


@dataclass(frozen=True)
class Slow(Fault):
    """Pass both bodies on at so many bytes per second."""

    rate: int

    def up(self, body: Iterator[bytes]) -> Iterator[bytes]:
        step = max(1, self.rate // 20)
        for piece in body:
            for start in range(0, len(piece), step):
                yield piece[start : start + step]
                time.sleep(len(piece[start : start + step]) / self.rate)

    down = up


@dataclass(kw_only=True)
class Request:
    """One request as it came; ``up`` and ``down`` count the bytes of the bodies so far, without heads."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    fault: Fault | None = None
    status: int | None = None
    up: int = 0
    down: int = 0

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


Rule = Callable[[Request], Fault | None]


def never(request: Request) -> Fault | None:
    """Let every request pass."""
    return None


def on(number: int, fault: Fault) -> Rule:
    """Fail the request with this number."""
    return lambda request: fault if request.number == number else None


def every(fault: Fault, *, method: str | None = None, path: str = "") -> Rule:
    """Fail each request of this method whose path and query match the regular expression ``path``."""
    return lambda request: fault if method in (None, request.method) and re.search(path, request.target) else None


def first(times: int, fault: Fault, *, method: str | None = None, path: str = "") -> Rule:
    """Fail the first requests that :func:`every` would fail."""
    rule, count = every(fault, method=method, path=path), 0

    def limited(request: Request) -> Fault | None:
        nonlocal count
        if count == times or rule(request) is None:
            return None
        count += 1
        return fault

    return limited


def either(*rules: Rule) -> Rule:
    """Take the first fault that one of ``rules`` wants."""
    return lambda request: next((fault for rule in rules if (fault := rule(request)) is not None), None)


def _limited(body: Iterator[bytes], size: int) -> Iterator[bytes]:
    while size and (piece := next(body, b"")):
        yield piece[:size]
        size -= len(piece[:size])


def _flipped(body: Iterator[bytes], position: int) -> Iterator[bytes]:
    for piece in body:
        if 0 <= position < len(piece):
            yield piece[:position] + bytes([piece[position] ^ 1]) + piece[position + 1 :]
        else:
            yield piece
        position -= len(piece)
