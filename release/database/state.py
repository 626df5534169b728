"""Where the schema of a database is, in golang-migrate's table ``schema_migrations``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import DatabaseError
from .protocol import Database

TABLE = "schema_migrations"

_SERVER = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       current_schema(), current_database()
"""
_TABLES = """
SELECT count(*) FILTER (WHERE relname = %s), count(*) FILTER (WHERE relname <> %s) FROM pg_class
WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind IN ('r', 'p')
"""


@dataclass(frozen=True, kw_only=True)
class State:
    """``number`` is that of the last migration, None when none ran; ``dirty``: it failed half-way.

    ``version`` is the server's, ``words`` as it says it itself. ``tables`` counts those in ``schema``, where
    golang-migrate's table is, apart from that one, which is there when ``tracked``.
    """

    version: tuple[int, ...]
    words: str
    database: str
    schema: str
    number: int | None = None
    dirty: bool = False
    tables: int = 0
    tracked: bool = False

    @property
    def table(self) -> str:
        """The table of versions, as SQL names it."""
        return f"{_quoted(self.schema)}.{_quoted(TABLE)}"


def read_state(database: Database) -> State:
    """Return where the schema is. Raises DatabaseError."""
    ((number, words, schema, name),) = database.rows(_SERVER)
    if schema is None:
        raise DatabaseError(
            f"{database.name} has no schema that this user's search path names", "create one, or set search_path"
        )
    ((tracked, others),) = database.rows(_TABLES, TABLE, TABLE)
    # From 10 on: 170012 is 17.12.
    state = State(
        version=(number // 10000, number % 10000),
        words=words.split()[0],
        database=name,
        schema=schema,
        tables=others,
        tracked=bool(tracked),
    )
    return _with_number(state, database) if tracked else state


def _with_number(state: State, database: Database) -> State:
    rows = database.rows(f"SELECT version, dirty FROM {state.table} LIMIT 1")  # noqa: S608 - quoted
    if not rows:
        return state
    ((number, dirty),) = rows
    # -1 is golang-migrate's word for none.
    return replace(state, number=None if number < 0 else number, dirty=dirty)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
