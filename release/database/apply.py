"""Running migrations, so that golang-migrate can go on where this stops, and the other way round."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import DatabaseError, Interrupted
from .locking import Assessment, Run
from .protocol import Database, StatementError
from .state import State, read_state

_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A migration that ran, and how long it took."""

    number: int
    name: str
    seconds: float


def prepare(database: Database, state: State, table_lock_seconds: float) -> None:
    """Let statements take as long as they need, but wait for the lock on a table for so long at most.

    Who waits for ACCESS EXCLUSIVE makes everybody wait who comes after.
    """
    limits = ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"]
    limits += ["transaction_timeout"] if state.version >= (17,) else []
    database.run("; ".join(f"SET {limit} = 0" for limit in limits))
    _limit(database, table_lock_seconds)


def apply(
    database: Database,
    state: State,
    steps: Sequence[Assessment],
    tell: Callable[[str], None],
    table_lock_seconds: float,
) -> tuple[Applied, ...]:
    """Run ``steps`` in order on a database in ``state``, whose lock is held; ``tell`` hears of each.

    A file that is one transaction changes the schema's number in that transaction: it is there in whole, or
    not at all. Others are run as golang-migrate does: marked dirty before, and not any more after.

    Raises DatabaseError for the first that fails, and Interrupted; both after the database is left in one of
    these states.
    """
    if not state.tracked:
        _ours(database, f"CREATE TABLE {state.table} (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)")
    done: list[Applied] = []
    for step in steps:
        start = time.monotonic()
        try:
            _run(database, state, step, table_lock_seconds)
        except StatementError as error:
            database.stop()
            before = done[-1].number if done else state.number
            if step.script.run is Run.OWN and not error.done:
                # Its first statement was refused, or it couldn't be read: nothing of it is there.
                _mark(database, state, before, dirty=False)
            raise _failed(step, error, read_state(database), before) from error
        except DatabaseError as error:
            raise DatabaseError(f"{error.problem}, while {step.migration.name} ran", error.next_step) from error
        except Interrupted:
            database.stop()
            tell(_interrupted(step, read_state(database)))
            raise
        migration = step.migration
        done.append(Applied(number=migration.number, name=migration.name, seconds=time.monotonic() - start))
        tell(f"{migration.name} ({done[-1].seconds:.2f} s)")
    return tuple(done)


def _run(database: Database, state: State, step: Assessment, table_lock_seconds: float) -> None:
    script, number = step.script, step.migration.number
    if script.run is Run.WHOLE:
        database.run("BEGIN")
        database.run(script.sql)
        _mark(database, state, number, dirty=False)
        try:
            database.run("COMMIT")
        except StatementError as error:
            # What was put off until now, such as a deferred constraint: all statements went through.
            error.done = len(script.statements)
            raise
        return
    _mark(database, state, number, dirty=True)
    if script.concurrent:
        # It waits for the transactions of others, and nobody waits for it.
        _limit(database, 0)
    database.run(script.sql)
    _limit(database, table_lock_seconds)
    _mark(database, state, number, dirty=False)
    if database.in_transaction:
        database.run("COMMIT")


def _mark(database: Database, state: State, number: int | None, *, dirty: bool) -> None:
    statements = [f"DELETE FROM {state.table}"]  # noqa: S608 - the name is quoted
    if number is not None:
        statements.append(f"INSERT INTO {state.table} (version, dirty) VALUES ({number}, {dirty})")  # noqa: S608
    _ours(database, "; ".join(statements))


def _limit(database: Database, seconds: float) -> None:
    database.run(f"SET lock_timeout = {round(seconds * 1000)}")


def _ours(database: Database, sql: str) -> None:
    """Run a statement of this program; what is wrong with it is not in the migration's file."""
    try:
        database.run(sql)
    except StatementError as error:
        raise DatabaseError(
            f"{database.name}: schema_migrations can't be written: {error.message}", "check the rights of this user"
        ) from error


def _failed(step: Assessment, error: StatementError, state: State, before: int | None) -> DatabaseError:
    name, line = step.migration.name, _line(step, error)
    problem = f"{name}.up.sql, line {line}: PostgreSQL refused it: {error.message}"
    if state.dirty:
        return DatabaseError(
            f"{problem}; it is not one transaction, so the schema is dirty {_place(state)}",
            "look what it left (an index that is INVALID has to be dropped), undo it, and set the number before with "
            f"golang-migrate's `force {-1 if before is None else before}`; then run the same command again",
            detail=error.detail,
        )
    waited = "no lock on the table was to be had: --table-lock-timeout says how long to wait; "
    return DatabaseError(
        f"{problem}; it was taken back whole, and the schema is {_place(state)}",
        f"{waited if error.code == _LOCK_NOT_AVAILABLE else ''}run the same command again when the cause is gone",
        detail=error.detail,
    )


def _line(step: Assessment, error: StatementError) -> int:
    """Return the line of the file: by the position that the server names, or by how many statements went through."""
    if error.position is not None:
        return step.script.sql.count("\n", 0, error.position - 1) + 1
    statements = step.script.statements
    return statements[min(error.done, len(statements) - 1)].line if statements else 1


def _interrupted(step: Assessment, state: State) -> str:
    name, place = step.migration.name, _place(state)
    if state.dirty:
        return f"{name} was stopped half-way, and is not one transaction: the schema is dirty {place}"
    if state.number == step.migration.number:
        return f"{name} went through before it could be stopped: the schema is {place}"
    return f"{name} was stopped and taken back whole: the schema is {place}"


def _place(state: State) -> str:
    return "before the first migration" if state.number is None else f"at {state.number}"
