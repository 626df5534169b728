"""The rules about locks against what PostgreSQL does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from lock_probe import SCHEMA, observe, requested
from postgres_server import PostgresServer

from release.database.address import address
from release.database.locking import Catalog, Run, read_catalog
from release.database.locking.locks import Effects, Lock, Work
from release.database.locking.rules import effects_of
from release.database.locking.statements import script
from release.database.session import connect

ALTER_USERS = """
add column x int
add column x int not null default 3
add column x int not null default pure(3)
add column x timestamptz default now()
add column x timestamptz default current_timestamp
add column x timestamptz default clock_timestamp()
add column x uuid default gen_random_uuid()
add column x int default floor(random() * 10)
add column x bigserial
add column x int generated always as identity
add column x int generated always as (n + 1) stored
add column x int check (x > 0)
add column x int default 3 check (x > 0)
add column x int unique
add column x text references projects
add column x text default 'p1' references projects
add column x short
add column x free_text
add column x mood default 'a'
add column if not exists note text default gen_random_uuid()
drop column project_id
drop column note
drop column if exists nothing
alter column email type text
alter column email type varchar
alter column email type varchar(100)
alter column email type varchar(20)
alter column code type varchar(20)
alter column code type text
alter column price type numeric(10, 2)
alter column price type numeric
alter column price type numeric(10, 3)
alter column price type numeric(6, 2)
alter column n type bigint
alter column n type text
alter column note type varchar
alter column note type varchar(10)
alter column note type varchar using note::varchar
alter column note type varchar using upper(note)
alter column project_id type varchar
alter column at type timestamptz
alter column day type timestamp(3)
alter column at type timestamp(0)
alter column n set not null
alter column sure set not null
alter column unsure set not null
alter column nn set not null
alter column nn drop not null
alter column n set default 5
alter column n drop default
alter column n set statistics 500
alter column note set storage external
alter column note set compression lz4
alter column n set (n_distinct = 5)
alter column nn add generated always as identity
add constraint c check (n > 0)
add constraint c check (n > 0) not valid
add constraint c unique (n)
add constraint c exclude using btree (n with =)
add constraint c unique using index users_nn
drop constraint sure_not_null
drop constraint users_pkey cascade
drop constraint users_project_id_fkey
validate constraint sure_not_null
validate constraint unsure_not_null
rename to accounts
rename column n to m
rename constraint sure_not_null to z
set (fillfactor = 50)
set (autovacuum_enabled = false)
set (user_catalog_table = true)
reset (fillfactor)
enable row level security
force row level security
owner to postgres
replica identity full
disable trigger all
disable trigger user
cluster on users_email
set without cluster
inherit lone_parent
alter column nn drop not null, add column b int default 3 not null
"""
OTHERS = """
alter table sessions add constraint c foreign key (user_id) references users
alter table sessions add constraint c foreign key (user_id) references users not valid
alter table sessions validate constraint later
alter table sessions drop constraint sessions_user_id_fkey
alter table sessions alter constraint sessions_user_id_fkey deferrable
alter table sessions set unlogged
alter table sessions alter column user_id type int
alter table lone add primary key (id)
alter table parts add column z int
alter table parts_old alter column id set default 3
alter table parts attach partition lone for values from ('2022-01-01') to ('2023-01-01')
alter table parts detach partition parts_old
alter table if exists nothing add column x int
alter table users_email rename to z
alter index users_email rename to z
alter index users_email set (fillfactor = 50)
alter view active rename to a2
alter view active set (security_barrier = true)
alter view active owner to postgres
alter materialized view mat rename to m2
alter sequence counter restart
alter trigger old_trigger on moods rename to t2
alter policy old_policy on moods to public
alter type pair add attribute c int
alter type pair rename attribute a to c
alter type mood add value 'c'
alter type mood rename to mode
alter type mood rename value 'a' to 'z'
alter domain short add constraint k check (length(value) < 8)
alter domain short add constraint k check (length(value) < 8) not valid
alter domain short set not null
alter domain short drop constraint short_check
alter domain short set default 'a'
alter function trig() rename to t2
create index i on users (n)
create unique index i on users (n)
create index i on parts (id)
create index if not exists users_email on users (n)
create table c (id int, user_id bigint references users)
create table c (id int, user_id bigint, foreign key (user_id) references users)
create table c (like users including all)
create table if not exists users (id int, session_id bigint references sessions)
create table c partition of parts for values from ('2022-01-01') to ('2023-01-01')
create table c () inherits (lone)
create table c as select * from users
create table c (m mood)
create table c (id int primary key, parent int references c)
create trigger t before insert on users for each row execute function trig()
create rule r as on insert to users do also nothing
create policy p on users
create view v2 as select * from users
create or replace view active as select id, free from users
create materialized view m2 as select * from sessions
create sequence q owned by users.n
create statistics s on n, note from users
create publication pu for table users
create type m2 as enum ('x')
create domain d as text
create function f() returns int language sql as 'select 1'
create schema other
drop table sessions
drop table projects cascade
drop table sessions, lone
drop table parts_old
drop table parts
drop table if exists nothing
drop index users_email
drop index if exists nothing
drop view active
drop materialized view mat
drop sequence counter
drop type mood cascade
drop domain short cascade
drop trigger old_trigger on moods
drop policy old_policy on moods
drop rule old_rule on moods
drop function pure(int)
truncate sessions
truncate users cascade
truncate users, sessions
refresh materialized view mat
refresh materialized view concurrently mat
reindex table users
reindex index users_email
cluster users using users_email
analyze users
lock table users in share mode
lock table users
comment on table users is 'x'
comment on column users.n is 'x'
grant select on users to public
update users set n = 1
update users set n = 1 where id < 5
delete from sessions
delete from sessions where id < 5
insert into lone select 5000 + i from generate_series(1, 3) i
insert into lone (id) select id + 5000 from users
with gone as (delete from sessions returning *) select count(*) from gone
merge into sessions s using users u on s.id = u.id and u.id < 5 when matched then update set v = 'z'
select count(*) from users
set local work_mem = '8MB'
set constraints all immediate
"""
STATEMENTS = [f"alter table users {line}" for line in ALTER_USERS.strip().splitlines()] + OTHERS.strip().splitlines()

# In a file of its own each of these can only be alone.
ALONE = {
    "create index concurrently i on users (n)": ("users", Lock.SHARE_UPDATE_EXCLUSIVE),
    "drop index concurrently users_email": ("users", Lock.SHARE_UPDATE_EXCLUSIVE),
    "reindex table concurrently users": ("users", Lock.SHARE_UPDATE_EXCLUSIVE),
    "alter table parts detach partition parts_old concurrently": ("parts", Lock.SHARE_UPDATE_EXCLUSIVE),
    "vacuum users": ("users", Lock.SHARE_UPDATE_EXCLUSIVE),
    "vacuum (full) users": ("users", Lock.ACCESS_EXCLUSIVE),
}
NEVER_IN_BLOCK = [
    *ALONE,
    "vacuum",
    "alter system set work_mem = '8MB'",
    "create database x",
    "drop database x",
    "drop tablespace nothing",
    "discard all",
    "do $$ begin commit; end $$",
]


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA + "CREATE TABLE lone_parent ();")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return url


@pytest.fixture(scope="module")
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        yield connection


@pytest.fixture(scope="module")
def catalog(url: str) -> Catalog:
    with connect(address(url, {})) as database:
        return read_catalog(database)


def predicted(statement: str, catalog: Catalog) -> Effects:
    (one,) = script(statement).statements
    return effects_of(one, catalog)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_postgresql_does_what_the_rules_say(
    connection: psycopg.Connection[Any], catalog: Catalog, statement: str
) -> None:
    said, seen = predicted(statement, catalog), observe(connection, statement)
    assert said.unknown == ""
    assert blocking(said.locks, catalog) == blocking(seen.locks, catalog)
    # Those that block nobody are told where it takes no more than a look at the statement.
    assert {name: seen.locks[name] for name in said.locks} == said.locks
    work = {kind: {name for one, name in said.works if one is kind} for kind in Work}
    emptied = {name for name, _ in said.loses} if statement.startswith("truncate") else set()
    assert work[Work.REWRITE] == seen.rewritten - emptied or "concurrently mat" in statement
    assert work[Work.INDEX] - seen.rewritten == over_partitions(seen.indexed, catalog) - seen.rewritten - emptied
    rows = {name: one.rows for name, one in catalog.relations.items() if one.rows and one.kind == "table"}
    whole = {name for name, count in seen.read.items() if count >= rows.get(name, count + 1)}
    explained = {name for kind in Work for name in work[kind]}
    assert over_partitions(whole - explained, catalog) <= explained
    assert work[Work.SCAN] <= whole | seen.rewritten
    assert work[Work.ALL_ROWS] == {name for name, count in seen.changed.items() if count == rows[name]}
    assert work[Work.SOME_ROWS] == {name for name, count in seen.changed.items() if count < rows[name]}


def test_sizes_are_those_of_the_server(url: str, connection: psycopg.Connection[Any]) -> None:
    with connect(address(url, {})) as database:
        relations = read_catalog(database).relations
    query = "SELECT count(*), pg_total_relation_size('{}') FROM {}"
    for name in ("users", "sessions", "lone", "mat"):
        found = connection.execute(query.format(name, name).encode()).fetchone()
        assert (relations[f"public.{name}"].rows, relations[f"public.{name}"].size) == found
    # What is in partitions counts for the table that they are parts of.
    whole, *parts = (relations[f"public.{name}"] for name in ("parts", "parts_old", "parts_rest"))
    assert [whole.rows, *(one.rows for one in parts)] == [200, 100, 100]
    assert whole.size == sum(one.size for one in parts)


@pytest.mark.parametrize("statement", ALONE)
def test_those_outside_of_a_transaction_ask_for_the_lock_that_the_rules_say(
    url: str, catalog: Catalog, statement: str
) -> None:
    table, lock = ALONE[statement]
    assert predicted(statement, catalog).locks == {f"public.{table}": lock}
    assert requested(url, statement, table) == lock


@pytest.mark.parametrize("statement", [*NEVER_IN_BLOCK, *OTHERS.strip().splitlines()])
def test_which_statements_can_be_in_a_transaction(connection: psycopg.Connection[Any], statement: str) -> None:
    expected = statement in NEVER_IN_BLOCK
    assert (_code_in_block(connection, statement) in ("25001", "2D000")) == expected
    alone = script(statement).run is Run.ALONE
    # REINDEX and CLUSTER are a transaction of their own when they are alone, as they depend on what they meet.
    assert alone == (expected or statement.startswith(("reindex", "cluster")))


@pytest.mark.parametrize("statement", ALONE)
def test_postgresql_refuses_them_beside_others(connection: psycopg.Connection[Any], statement: str) -> None:
    both = f"select 1; {statement}"
    assert script(both).run is Run.NEVER
    with pytest.raises(psycopg.errors.ActiveSqlTransaction):
        connection.execute(both.encode())


def blocking(locks: Mapping[str, Lock], catalog: Catalog) -> dict[str, Lock]:
    """Those that keep others from a table; a partition's is left out when the whole table has as strong a one."""
    return {
        name: lock
        for name, lock in locks.items()
        if lock.blocks and name in catalog.relations and lock > locks.get(catalog.parents.get(name, ""), 0)
    }


def over_partitions(tables: frozenset[str] | set[str], catalog: Catalog) -> set[str]:
    known = {name for name in tables if name in catalog.relations}
    return {catalog.parents[name] if name in ("public.parts_old", "public.parts_rest") else name for name in known}


def _code_in_block(connection: psycopg.Connection[Any], statement: str) -> str:
    connection.execute("BEGIN")
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate or ""
    finally:
        connection.execute("ROLLBACK")
    return ""
