"""Real PostgreSQL servers for the tests, from Debian's packages, and the real golang-migrate."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from programs import START_SECONDS, free_host, go_program
from rich.console import Console

from pipeline.base import ensure_root
from pipeline.binaries import MIGRATE, MIGRATE_MODULE
from pipeline.progress import Progress

PASSWORD = "pg-s3cret"

# Changes to the root go into a folder of the test; the mounts end with the server. The time zone is not UTC, in
# which a change from timestamp to timestamptz would be free.
_START = """set -e
mount -t overlay overlay -o lowerdir="$1",upperdir="$2/upper",workdir="$2/work" "$2/system"
mount --rbind /dev "$2/system/dev"
printf %s "$5" > "$2/system/tmp/password"
chmod 644 "$2/system/tmp/password"
exec chroot --userspec=postgres:postgres "$2/system" /bin/sh -c '
set -e
bin=/usr/lib/postgresql/$2/bin
$bin/initdb --pgdata /tmp/data --username postgres --pwfile /tmp/password --auth scram-sha-256 --no-sync > /dev/null
# Once more: who changes the user is no longer told of the death of a parent.
exec setpriv --pdeathsig KILL $bin/postgres -D /tmp/data -p $1 \
 -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp -c fsync=off \
  -c timezone=America/New_York -c max_connections=50 -c autovacuum=off -c deadlock_timeout=300ms
' sh "$4" "$3"
"""


@dataclass(frozen=True)
class PostgresServer:
    """A server; every test gets databases of its own."""

    host: str

    def url(self, database: str, user: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgres://{user}:{password}@{self.host}/{database}?sslmode=disable"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)


@contextmanager
def start_postgres(folder: Path, suite: str = "trixie", version: int = 17) -> Iterator[PostgresServer]:
    """PostgreSQL of a Debian release, in a mount and a PID namespace of its own, as long as the block lasts."""
    with Progress(Console(quiet=True)) as progress:
        root = asyncio.run(ensure_root("postgresql", suite, [f"postgresql-{version}"], progress))
    for name in ("upper", "work", "system"):
        (folder / name).mkdir(parents=True)
    host = free_host()
    log = folder / "log"
    command = ["sh", "-c", _START, "sh", str(root), str(folder), str(version), host.rpartition(":")[2], PASSWORD]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = PostgresServer(host)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(server):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not answer on {host}:\n{log.read_text(errors='replace')}")
            time.sleep(0.1)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def golang_migrate() -> Path:
    """The golang-migrate that goes into the migrations image, with both of its drivers for PostgreSQL."""
    state = hashlib.sha256((MIGRATE_MODULE / "go.sum").read_bytes()).hexdigest()[:12]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOFLAGS", "-tags=postgres,pgx5")
        return go_program("migrate", state, MIGRATE, MIGRATE_MODULE)


def _answers(server: PostgresServer) -> bool:
    try:
        psycopg.connect(server.url("postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
