"""A proxy that records what a client asks of a server, and fails where a test wants it to.

It stands in front of one server of servers.py, which sees every request as the client made it (the Host header
too: S3 signs it)::

    with FaultProxy(s3.host) as proxy:
        command(env=s3.env(proxy.url))                  # or oci://{proxy.host}/…
        [r.method for r in proxy.requests]; sum(r.down for r in proxy.requests)

        proxy.reset(on(3, DropAfter()))                 # count from 1 again; the third request fails
        proxy.reset(first(2, Answer(503), method="PUT", path=r"/channels/"))
        proxy.reset(either(on(1, Hang(5)), every(Slow(1_000_000), path="blobs")))
        proxy.reset(on(7, Kill(lambda: process.kill())))            # after the server did it, before the client knows
        proxy.reset(lambda request: CutDown(100) if request.range else None)

Sizes and positions count bytes of the body. A rule is asked once a request, one request at a time.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self

from fault_kinds import (
    Answer,
    CutDown,
    CutUp,
    DropAfter,
    DropBefore,
    Fault,
    FlipDown,
    FlipUp,
    Hang,
    Kill,
    Request,
    Rule,
    Slow,
    TruncateDown,
    either,
    every,
    first,
    never,
    on,
)
from http_wire import CutError, Head, Wire

__all__ = [
    "Answer",
    "CutDown",
    "CutUp",
    "DropAfter",
    "DropBefore",
    "Fault",
    "FaultProxy",
    "FlipDown",
    "FlipUp",
    "Hang",
    "Kill",
    "Request",
    "Rule",
    "Slow",
    "TruncateDown",
    "either",
    "every",
    "first",
    "never",
    "on",
]


class FaultProxy:
    """An HTTP/1.1 proxy in front of ``upstream`` (host:port), for as long as its ``with`` block lasts."""

    def __init__(self, upstream: str, rule: Rule = never) -> None:
        self.rule = rule
        host, _, port = upstream.rpartition(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    @property
    def requests(self) -> tuple[Request, ...]:
        """What was asked since the start or the last reset."""
        with self._lock:
            return tuple(self._requests)

    def reset(self, rule: Rule = never) -> None:
        """Forget the requests, count from 1 again, and follow ``rule``."""
        with self._lock:
            self._requests.clear()
            self.rule = rule

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        wire = Wire(connection)
        try:
            with contextlib.suppress(OSError):
                while (head := wire.head()) is not None and self._exchange(wire, head):
                    pass
        except CutError as cut:
            if cut.reset:
                wire.reset()
        finally:
            wire.close()
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _record(self, head: Head) -> Request:
        method, target, _ = head.first
        with self._lock:
            request = Request(number=len(self._requests) + 1, method=method, target=target, headers=head.headers)
            self._requests.append(request)
            request.fault = self.rule(request)
        return request

    def _exchange(self, client: Wire, head: Head) -> bool:
        """Serve one request; return whether the connection can serve another."""
        request = self._record(head)
        fault = request.fault or Fault()
        body = _counted(client.body(head, to_end=False), request)
        if isinstance(fault, Hang):
            self._ended.wait(fault.seconds)
        if isinstance(fault, DropBefore):
            return False
        if isinstance(fault, Answer):
            if not head.waits:
                for _ in body:
                    pass
            request.status, request.down = fault.status, len(fault.body)
            client.send(fault.message(request.method))
            return not head.waits
        # A connection for each request: one that the server closed meanwhile would look like a fault.
        with socket.create_connection(self._upstream) as connection:
            server = Wire(connection)
            try:
                return self._forward(client, server, head, body, request)
            finally:
                server.close()  # wakes the upload, wherever it is

    def _forward(self, client: Wire, server: Wire, head: Head, body: Iterator[bytes], request: Request) -> bool:
        fault = request.fault or Fault()
        upload = threading.Thread(target=_upload, args=(client, server, head, fault.up(body)), daemon=True)
        server.send(head.raw)
        if not head.waits:
            upload.start()
        response = _present(server.head())
        while response.status < 200:
            client.send(response.raw)
            if response.status == 100 and head.waits:
                upload.start()
            response = _present(server.head())
        empty = request.method == "HEAD" or response.status in (204, 304)
        answer = iter(()) if empty else server.body(response, to_end=True)
        if isinstance(fault, Kill):
            answer = iter(list(answer))
            fault.callback()
            if not fault.deliver:
                raise CutError
        request.status = response.status
        client.send(fault.head(response))
        for piece in fault.down(answer):
            request.down += len(piece)
            client.send(_framed(response, piece))
        if response.chunked and not empty:
            client.send(b"0\r\n\r\n")
        if upload.ident is None:
            return False  # the server did not want the body, and the client need not send it
        upload.join(1)
        if upload.is_alive():
            server.close()
            client.linger()
            return False
        to_end = not (empty or response.chunked) and response.length is None
        return not (head.closes or response.closes or to_end)


def _upload(client: Wire, server: Wire, head: Head, body: Iterator[bytes]) -> None:
    """Pass a request's body on. A server that stops reading says why in its answer."""
    try:
        for piece in body:
            server.send(_framed(head, piece))
        if head.chunked:
            server.send(b"0\r\n\r\n")
    except CutError:
        client.close()
        server.close()
    except OSError:
        with contextlib.suppress(CutError):
            for _ in body:
                pass


def _present(head: Head | None) -> Head:
    if head is None:
        raise CutError
    return head


def _framed(head: Head, piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if head.chunked else piece


def _counted(body: Iterator[bytes], request: Request) -> Iterator[bytes]:
    for piece in body:
        request.up += len(piece)
        yield piece
