"""What upgrading asks of a database."""

from __future__ import annotations

from typing import Any, Protocol


class StatementError(Exception):
    """The server refused a statement.

    ``code`` is PostgreSQL's SQLSTATE. ``position`` counts characters of the text that was sent, from 1,
    None when the server names none; ``done`` is how many statements before went through.
    """

    def __init__(
        self, message: str, *, code: str = "", detail: str = "", position: int | None = None, done: int = 0
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail
        self.position = position
        self.done = done


class Database(Protocol):
    """A connection in which every statement is a transaction of its own unless BEGIN says otherwise.

    Every method raises DatabaseError when the connection is lost.
    """

    @property
    def name(self) -> str:
        """What a person calls it; holds no password."""

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction block is open, be it a failed one."""

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - as the driver has it
        """Return what a query answers; ``%s`` stands for a parameter. Raises DatabaseError when it is refused."""

    def run(self, sql: str) -> None:
        """Send ``sql``, of any number of statements, as one message, so that they are one transaction.

        Raises StatementError for the first that is refused.
        """

    def stop(self) -> None:
        """Cancel what runs, wait until it has stopped, and roll back a transaction that is open."""
