"""golang-migrate's advisory lock, so that nobody migrates a database twice at once, whichever program they use."""

from __future__ import annotations

import time
import zlib

from ..errors import DatabaseError
from .protocol import Database
from .state import TABLE, State

# Of golang-migrate's database/util.go.
_SALT = 1486364155
_POLL_SECONDS = 0.3

# A lock by one number of 64 bits is listed by its halves, objsubid 1.
_HOLDER = """
SELECT a.pid, a.usename::text, a.application_name, host(a.client_addr), a.backend_start
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 0 AND l.objid = ANY (%s::bigint[])
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1
"""


def lock_numbers(state: State) -> tuple[int, ...]:
    """Return the numbers of the lock on the table of versions of a database.

    golang-migrate makes one of the schema, the table and the database. Opened by a URL, as its command
    does, it takes the URL's path for the database's name, so with a slash; opened with a connection, the
    name alone. Both are held here.
    """
    names = (f"/{state.database}", state.database)
    return tuple(zlib.crc32("\0".join((state.schema, TABLE, name)).encode()) * _SALT % 2**32 for name in names)


def take_lock(database: Database, state: State, seconds: float) -> None:
    """Take the lock, which lasts as long as the connection; wait for it at most ``seconds``.

    Raises DatabaseError that tells who has it. While it waits, nothing is open: CREATE INDEX CONCURRENTLY
    of who has the lock waits for every open transaction.
    """
    numbers = lock_numbers(state)
    deadline = time.monotonic() + seconds
    while not _taken(database, numbers):
        if time.monotonic() >= deadline:
            raise DatabaseError(
                f"{database.name} is being migrated by {_holder(database, numbers)}",
                "run again when that is through, or wait longer with --lock-timeout",
            )
        time.sleep(_POLL_SECONDS)


def _taken(database: Database, numbers: tuple[int, ...]) -> bool:
    held: list[int] = []
    for number in numbers:
        ((taken,),) = database.rows("SELECT pg_try_advisory_lock(%s)", number)
        if not taken:
            for other in held:
                database.rows("SELECT pg_advisory_unlock(%s)", other)
            return False
        held.append(number)
    return True


def _holder(database: Database, numbers: tuple[int, ...]) -> str:
    found = database.rows(_HOLDER, list(numbers))
    if not found:
        return "somebody who has stopped meanwhile"
    ((process, user, program, host, since),) = found
    return " ".join(
        [f"process {process}", *([f"({program})"] if program else []), f"of {user}"]
        + ([f"from {host}"] if host else [])
        + ([f"since {since:%H:%M:%S %Z}".rstrip()] if since else [])
    )
