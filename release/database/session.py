"""A connection to PostgreSQL, by psycopg."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from psycopg import pq

from ..errors import DatabaseError
from .address import Address
from .protocol import StatementError

_CONNECT_SECONDS = 10
_CANCEL_SECONDS = 10.0
_COPIES = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_ERRORS = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)
# lock_not_available, query_canceled
_BUSY = ("55P03", "57014")
_BLOCK = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)


class Session:
    """A :class:`.protocol.Database`."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
        self._connection = connection
        self._wire = connection.pgconn
        self.name = name

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction block is open, be it a failed one."""
        return self._wire.transaction_status in _BLOCK

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - as the driver has it
        """Return what a query answers. Raises DatabaseError."""
        try:
            cursor = self._connection.execute(query.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._failure(error) from error

    def run(self, sql: str) -> None:
        """Send ``sql`` as one message. Raises StatementError and DatabaseError."""
        done = 0
        try:
            for result in self._results(sql.encode()):
                if result.status in _ERRORS:
                    self._drain()
                    raise _refused(result, done)
                done += 1
        except psycopg.Error as error:
            raise self._failure(error) from error

    def stop(self) -> None:
        """Cancel what runs, wait until it has stopped, and roll back a transaction that is open."""
        try:
            if self._wire.transaction_status == pq.TransactionStatus.ACTIVE:
                self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
                self._drain()
            if self.in_transaction:
                self.run("ROLLBACK")
        except psycopg.Error as error:
            raise self._failure(error) from error

    def _results(self, sql: bytes) -> Iterator[pq.abc.PGresult]:
        """Yield what each statement answers, as soon as it does; a signal's handler runs in between."""
        self._wire.send_query(sql)
        while self._wire.flush():
            readable, _, _ = select.select([self._wire.socket], [self._wire.socket], [])
            if readable:
                self._wire.consume_input()
        while (result := self._next()) is not None:
            if result.status in _COPIES:
                self._connection.close()
                raise DatabaseError("COPY from or to a client is no part of a migration", "ask who publishes it")
            yield result

    def _next(self) -> pq.abc.PGresult | None:
        while self._wire.is_busy():
            select.select([self._wire.socket], [], [])
            self._wire.consume_input()
        return self._wire.get_result()

    def _drain(self) -> None:
        while self._next() is not None:
            pass

    def _failure(self, error: psycopg.Error) -> DatabaseError:
        if self._wire.status == pq.ConnStatus.BAD:
            return DatabaseError(f"the connection to {self.name} was lost", "run again when it answers")
        busy = error.sqlstate in _BUSY
        next_step = "run again when nobody keeps a table to himself" if busy else "check the rights of this user"
        return DatabaseError(f"{self.name}: {_first_line(error)}", next_step)


@contextmanager
def connect(address: Address) -> Iterator[Session]:
    """Connect for as long as the block lasts.

    Raises DatabaseError when the server can't be reached or refuses the login; it holds no password.
    """
    try:
        connection = psycopg.connect(
            address.url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=_CONNECT_SECONDS,
            application_name="tesseral-release",
            client_encoding="utf8",
        )
    except psycopg.ProgrammingError:
        # From None: the message repeats a part of the URL.
        raise DatabaseError(f"the URL of {address.name} has a parameter that is unknown", "check the URL") from None
    except psycopg.Error as error:
        raise DatabaseError(
            f"{address.name} can't be connected to: {_first_line(error)}", "check the URL, and that the server runs"
        ) from error
    with closing(connection):
        yield Session(connection, address.name)


def _refused(result: pq.abc.PGresult, done: int) -> StatementError:
    def field(name: pq.DiagnosticField) -> str:
        return (result.error_field(name) or b"").decode(errors="replace")

    rest = (field(pq.DiagnosticField.MESSAGE_DETAIL), field(pq.DiagnosticField.MESSAGE_HINT))
    position = field(pq.DiagnosticField.STATEMENT_POSITION)
    return StatementError(
        # A migration may RAISE whatever it likes.
        "".join(one if one.isprintable() else " " for one in field(pq.DiagnosticField.MESSAGE_PRIMARY)),
        code=field(pq.DiagnosticField.SQLSTATE),
        detail="\n".join(filter(None, (*rest, field(pq.DiagnosticField.CONTEXT)))),
        position=int(position) if position else None,
        done=done,
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0].strip() if text else type(error).__name__
