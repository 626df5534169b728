"""HTTP/1.1 on a socket, for faults.py: heads as they came, bodies piece by piece."""

from __future__ import annotations

import contextlib
import fcntl
import io
import socket
import struct
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

PIECE = 1 << 17


class CutError(Exception):
    """A connection ended in the middle of something; ``reset``: without a farewell."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("the connection was cut")
        self.reset = reset


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first line and the headers of a message: ``raw`` as they came, names of ``headers`` in lower case."""

    raw: bytes
    first: tuple[str, str, str]
    headers: dict[str, str]

    @property
    def status(self) -> int:
        return int(self.first[1])

    @property
    def chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        return int(self.headers["content-length"]) if "content-length" in self.headers else None

    @property
    def waits(self) -> bool:
        """Whether the sender keeps the body back until it is asked for it."""
        return "expect" in self.headers

    @property
    def closes(self) -> bool:
        """Whether the sender ends the connection after this message."""
        return "close" in self.headers.get("connection", "").lower() or "HTTP/1.0" in self.first

    def with_length(self, length: int) -> bytes:
        """Return the same bytes with another Content-Length."""
        lines = self.raw.split(b"\r\n")
        return b"\r\n".join(
            b"Content-Length: %d" % length if line.lower().startswith(b"content-length:") else line for line in lines
        )


class Wire:
    """One connection, read in buffered pieces."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        # Heads and bodies are sent apart: without this the second one waits for the first one's receipt, 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = cast(io.BufferedReader, connection.makefile("rb", buffering=PIECE))

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def head(self) -> Head | None:
        """Read the head of the next message; None when the connection ends before it."""
        lines = [self._line()]
        if not lines[0]:
            return None
        while lines[-1] not in (b"\r\n", b"\n"):
            lines.append(self._line())
            if not lines[-1]:
                raise CutError
        method, _, rest = lines[0].decode("latin-1").strip().partition(" ")
        target, _, version = rest.partition(" ")
        headers: dict[str, str] = {}
        for line in lines[1:-1]:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return Head(raw=b"".join(lines), first=(method, target, version), headers=headers)

    def body(self, head: Head, *, to_end: bool) -> Iterator[bytes]:
        """Read the body that ``head`` announces; ``to_end``: one without a length goes on to the connection's end."""
        if head.chunked:
            while size := int(self._line().split(b";")[0] or b"0", 16):
                yield from self._exactly(size)
                self._line()
            while self._line().strip():  # trailers
                pass
        elif head.length is not None:
            yield from self._exactly(head.length)
        elif to_end:
            while piece := self._read(PIECE):
                yield piece

    def close(self) -> None:
        """Say farewell both ways; a thread that reads from here sees the end."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def linger(self, seconds: float = 2.0) -> None:
        """End our side and let the other finish what it is sending: it then reads our answer to the end."""
        with contextlib.suppress(OSError, CutError):
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(seconds)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and self._read(PIECE):
                pass

    def reset(self) -> None:
        """End the connection as a crashed machine's peer sees it, once all that was sent has arrived."""
        unsent = bytearray(4)
        deadline = time.monotonic() + 5
        while fcntl.ioctl(self._socket, termios.TIOCOUTQ, unsent) == 0 and any(unsent) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._reader.close()
        self._socket.close()

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._read(min(size, PIECE))
            if not piece:
                raise CutError
            size -= len(piece)
            yield piece

    def _line(self) -> bytes:
        try:
            return self._reader.readline()
        except (OSError, ValueError) as error:
            raise CutError from error

    def _read(self, size: int) -> bytes:
        try:
            return self._reader.read1(size)
        except (OSError, ValueError) as error:
            raise CutError from error
