"""Asks the api's database, read-only: its version, its schema, its first project. Knows Tesseral's tables, and sees
where they are others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from .attempt import Trouble
from .dsn import is_local, parameters
from .project_id import to_uuid

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What golang-migrate wrote down: the last migration, and whether it stopped half-way."""

    version: int
    dirty: bool


@dataclass(frozen=True, kw_only=True)
class Project:
    """The first project as the database has it; a field that its tables lack is None.

    Of the key of its sessions, either the id of the KMS key is there, or what that key encrypted.
    """

    vault_domain: str | None = None
    email_domain: str | None = None
    kms_key_id: str | None = None
    ciphertext: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """``version`` as PostgreSQL numbers it, 160004 for 16.4. ``has_projects``: there is a table of them at all.

    ``project`` is None where the one that was asked for is not in it.
    """

    version: int
    local: bool
    tls: bool
    schema: Schema | None
    has_projects: bool = False
    project: Project | None = None


def ask_database(dsn: str, project_id: str, seconds: float) -> Facts:
    """Ask everything, of the project ``project_id`` too. Raises Trouble when the database does not answer."""
    found = parameters(dsn)
    # A little longer, in whole seconds: who waits for this says when it is over.
    found |= {"connect_timeout": str(int(seconds) + 2), "application_name": "tesseral-release doctor"}
    try:
        with psycopg.connect(make_conninfo(**found)) as connection:
            connection.read_only = True
            connection.execute(f"set local statement_timeout = {round(seconds * 1000)}".encode())
            return _facts(connection, project_id, is_local(found))
    except psycopg.Error as error:
        raise Trouble(_words(error)) from None


def _facts(connection: Connection, project_id: str, local: bool) -> Facts:
    columns = _columns(connection, "projects")
    key = to_uuid(project_id) if columns.get("id") == "uuid" else project_id
    return Facts(
        version=connection.info.server_version,
        local=local,
        tls=bool(connection.pgconn.ssl_in_use),
        schema=_schema(connection),
        has_projects=bool(columns),
        project=_project(connection, str(key), columns) if columns and key else None,
    )


def _schema(connection: Connection) -> Schema | None:
    if not _columns(connection, "schema_migrations"):
        return None
    row = connection.execute("select version, dirty from schema_migrations limit 1").fetchone()
    return None if row is None else Schema(version=int(row[0]), dirty=bool(row[1]))


def _project(connection: Connection, key: str, columns: dict[str, str]) -> Project | None:
    if _one(connection, "select id::text from projects where id::text = %s", key) is None:
        return None
    if "vault_domain" in columns:
        vault = _one(connection, "select vault_domain from projects where id::text = %s", key)
    elif _columns(connection, "vault_domains"):
        vault = _one(connection, "select domain from vault_domains where project_id::text = %s and is_primary", key)
    else:
        vault = None
    keys = _columns(connection, "session_signing_keys")
    newest: LiteralString = "from session_signing_keys where project_id::text = %s order by create_time desc limit 1"
    return Project(
        vault_domain=vault,
        email_domain=_one(connection, "select email_send_from_domain from projects where id::text = %s", key)
        if "email_send_from_domain" in columns
        else None,
        kms_key_id=_one(connection, f"select kms_key_id {newest}", key) if "kms_key_id" in keys else None,
        ciphertext=_one(connection, f"select private_key_cipher_text {newest}", key)
        if "private_key_cipher_text" in keys
        else None,
    )


def _columns(connection: Connection, table: LiteralString) -> dict[str, str]:
    """Return the columns of a table with their types; nothing where the table is not."""
    query = (
        "select attname::text, atttypid::regtype::text from pg_attribute"
        " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
    )
    return {str(name): str(kind) for name, kind in connection.execute(query, [table])}


def _one(connection: Connection, query: LiteralString, key: str) -> Any:  # noqa: ANN401 - whatever the column holds
    row = connection.execute(query, [key]).fetchone()
    return None if row is None else row[0]


def _words(error: psycopg.Error) -> str:
    """Return what the server or libpq says, on one line."""
    text = error.diag.message_primary or str(error)
    # "connection failed: connection to server at …": the second half says all.
    lines = [line.strip() for line in text.removeprefix("connection failed: ").splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
