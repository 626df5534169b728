"""What PostgreSQL itself does for a statement: its locks, and the work that its statistics and messages show."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from release.database.locking.locks import Lock

SCHEMA = """
CREATE TABLE projects (id text PRIMARY KEY, name text);
CREATE TABLE users (
    id bigint PRIMARY KEY, project_id text REFERENCES projects, email varchar(50), n int, note text,
    code varchar(10) CHECK (length(code) < 9), price numeric(8, 2), at timestamp, day timestamp(0), nn int NOT NULL,
    sure int, unsure int, free int,
    CONSTRAINT sure_not_null CHECK (sure IS NOT NULL)
);
ALTER TABLE users ADD CONSTRAINT unsure_not_null CHECK (unsure IS NOT NULL) NOT VALID;
CREATE INDEX users_email ON users (email);
CREATE UNIQUE INDEX users_nn ON users (nn);
CREATE TABLE sessions (id bigint PRIMARY KEY, user_id bigint REFERENCES users, v text);
ALTER TABLE sessions ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES users NOT VALID;
CREATE VIEW active AS SELECT id, free FROM users;
CREATE MATERIALIZED VIEW mat AS SELECT generate_series(1, 50) AS n;
CREATE UNIQUE INDEX mat_n ON mat (n);
CREATE SEQUENCE counter;
CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION pure(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE parts (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE TABLE lone (id bigint, at date);
CREATE DOMAIN short AS text CHECK (length(value) < 10);
CREATE DOMAIN free_text AS text;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE moods (id int, m mood, s short);
INSERT INTO projects SELECT 'p' || i FROM generate_series(1, 10) i;
INSERT INTO users SELECT i, 'p1', 'e' || i, i, 'x', 'c', 1, now(), now(), i, i, i, i FROM generate_series(1, 2000) i;
INSERT INTO sessions SELECT i, i, 'v' FROM generate_series(1, 2000) i;
INSERT INTO parts SELECT i, '2020-05-05' FROM generate_series(1, 100) i;
INSERT INTO parts SELECT i, '2030-05-05' FROM generate_series(1, 100) i;
INSERT INTO lone SELECT i, '2022-05-05' FROM generate_series(1, 100) i;
INSERT INTO moods SELECT i, 'a', 's' FROM generate_series(1, 100) i;
CREATE TRIGGER old_trigger BEFORE INSERT ON moods FOR EACH ROW EXECUTE FUNCTION trig();
CREATE POLICY old_policy ON moods;
CREATE RULE old_rule AS ON INSERT TO moods DO ALSO NOTHING;
"""

_RELATIONS = """
SELECT c.oid, n.nspname || '.' || coalesce(t.relname, c.relname), c.relkind::text, pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index x ON x.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = x.indrelid WHERE n.nspname = 'public'
"""
_LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IS NOT NULL AND granted"
_STATISTICS = "SELECT relid, seq_tup_read, n_tup_upd + n_tup_del FROM pg_stat_xact_all_tables"
_MODES = {lock.name.replace("_", "").lower() + "lock": lock for lock in Lock}


@dataclass(frozen=True)
class Seen:
    """By table; a lock on an index is told as one on its table. ``read`` and ``changed`` count rows."""

    locks: Mapping[str, Lock]
    rewritten: frozenset[str]
    indexed: frozenset[str]
    read: Mapping[str, int]
    changed: Mapping[str, int]


def observe(connection: psycopg.Connection[Any], statement: str) -> Seen:
    """Run ``statement`` in a transaction that is rolled back."""
    said: list[str] = []
    connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    connection.execute("SET client_min_messages = debug1; BEGIN")
    try:
        before = connection.execute(_RELATIONS).fetchall()
        # What earlier transactions did can still be among the numbers.
        counted = _statistics(connection)
        connection.execute(statement.encode())
        files = {oid: file for oid, _, _, file in connection.execute(_RELATIONS).fetchall()}
        names = {oid: name for oid, name, _, _ in before}
        locks: dict[str, Lock] = {}
        for oid, mode in connection.execute(_LOCKS).fetchall():
            if oid in names:
                locks[names[oid]] = max(_MODES[mode.lower()], locks.get(names[oid], Lock.ACCESS_SHARE))
        counts = {names[oid]: now - counted[oid] for oid, now in _statistics(connection).items() if oid in names}
    finally:
        connection.execute("ROLLBACK")
    built = (re.match(r'building index "[^"]*" on table "([^"]*)"', line) for line in said)
    return Seen(
        locks=locks,
        rewritten=frozenset(
            name for oid, name, kind, file in before if kind in "rm" and oid in files and file != files[oid]
        ),
        indexed=frozenset(f"public.{match[1]}" for match in built if match),
        read={name: rows["read"] for name, rows in counts.items() if rows["read"]},
        changed={name: rows["changed"] for name, rows in counts.items() if rows["changed"]},
    )


def _statistics(connection: psycopg.Connection[Any]) -> defaultdict[int, Counter[str]]:
    rows = connection.execute(_STATISTICS).fetchall()
    return defaultdict(Counter, {oid: Counter(read=read, changed=changed) for oid, read, changed in rows})


def requested(url: str, statement: str, table: str) -> Lock:
    """The lock that a statement outside of a transaction waits for while another keeps ``table`` from being written."""
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
        holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
        process = _start(url, statement)
        try:
            return _wait_for_request(watcher, process)
        finally:
            watcher.execute("SELECT pg_terminate_backend(%s)", [process.info.backend_pid])


def _start(url: str, statement: str) -> psycopg.Connection[Any]:
    connection = psycopg.connect(url, autocommit=True)
    connection.pgconn.send_query(statement.encode())
    return connection


def _wait_for_request(watcher: psycopg.Connection[Any], process: psycopg.Connection[Any]) -> Lock:
    for _ in range(200):
        query = "SELECT mode FROM pg_locks WHERE pid = %s AND NOT granted AND relation IS NOT NULL"
        found = watcher.execute(query, [process.info.backend_pid]).fetchone()
        if found is not None:
            return _MODES[found[0].lower()]
        watcher.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("it asked for no lock")
