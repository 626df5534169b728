"""Databases for doctor to look at: one as the sample's bootstrap leaves it, one with the tables that are Tesseral's."""

from __future__ import annotations

import psycopg
from support import SAMPLE

from release.doctor.project_id import to_uuid

MIGRATIONS = SAMPLE / "cmd" / "openauthctl" / "migrations"


def migrate(dsn: str) -> int:
    """Apply the sample's migrations as golang-migrate does; returns the number of the last."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table schema_migrations (version bigint primary key, dirty boolean not null)")
        files = sorted(MIGRATIONS.glob("*.up.sql"))
        for path in files:
            connection.execute(path.read_bytes())
        connection.execute("insert into schema_migrations values (%s, false)", [len(files)])
    return len(files)


def bootstrap(dsn: str, project: str, console: str, vault: str, key_id: str) -> None:
    """Write what the sample's bootstrap writes, as far as doctor looks at it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "insert into projects (id, display_name, is_dogfood, console_domain) values (%s, 'Dogfood', true, %s)",
            [project, console],
        )
        connection.execute("insert into vault_domains values (%s, %s, true)", [vault, project])
        connection.execute(
            "insert into session_signing_keys (id, project_id, public_x, public_y, kms_key_id, expire_time)"
            " values ('session_signing_key_1', %s, %s, %s, %s, now() + interval '1 year')",
            [project, bytes(32), bytes(32), key_id],
        )


def tesseral(dsn: str, project: str, vault: str, ciphertext: bytes, version: int) -> None:
    """Make the few columns of Tesseral's tables that doctor looks at, with a first project in them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table schema_migrations (version bigint primary key, dirty boolean not null)")
        connection.execute("insert into schema_migrations values (%s, false)", [version])
        connection.execute(
            "create table projects (id uuid primary key, vault_domain varchar not null, email_send_from_domain varchar)"
        )
        connection.execute(
            "create table session_signing_keys (id uuid primary key, project_id uuid not null references projects (id),"
            " private_key_cipher_text bytea not null, create_time timestamptz not null default now())"
        )
        key = to_uuid(project)
        connection.execute("insert into projects values (%s, %s, %s)", [key, vault, f"post.{vault}"])
        # An older key of the same project, of another KMS key: the newest counts.
        connection.execute(
            "insert into session_signing_keys values (gen_random_uuid(), %s, 'old', now() - interval '1 day')", [key]
        )
        connection.execute(
            "insert into session_signing_keys values (gen_random_uuid(), %s, %s, now())", [key, ciphertext]
        )
