"""migrate and the real golang-migrate on the same databases, in turns and at once."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer
from reading_samples import published
from upgrade_samples import SAMPLE_MIGRATIONS, ask, pair, schema_of, staged_migrations, start_tool

from release.cli import main
from release.database.address import address
from release.database.advisory import lock_numbers
from release.database.session import connect
from release.database.state import read_state
from release.errors import DatabaseError, ImpossibleError

FIRST = pair(1, "first", "CREATE TABLE t (id int);", "DROP TABLE t;")
# It runs for as long as the test holds this lock.
SLOW = pair(2, "slow", "SELECT pg_advisory_xact_lock(42);")


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    url = postgres.new_database()
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.chdir(tmp_path)
    return url


class Golang:
    """The real program, with one of its drivers."""

    def __init__(self, program: Path, url: str, driver: str) -> None:
        self.command = [str(program), "-database", f"{driver}{url.removeprefix('postgres')}"]

    def start(self, files: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
        folder = Path("files", str(len(files)))
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        return subprocess.Popen(
            [*self.command, "-path", str(folder), *arguments],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, files: Mapping[str, str], *arguments: str, status: int = 0) -> str:
        process = self.start(files, *arguments)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == status, output
        return output


@pytest.fixture(params=["postgres", "pgx5"])
def golang(request: pytest.FixtureRequest, migrate: Path, url: str) -> Golang:
    return Golang(migrate, url, request.param)


def ours(files: Mapping[str, str], version: str = "1.0.0") -> list[str]:
    """Publish a release with these migrations and return the arguments that bring a database there."""
    published(Path("published"), staged_migrations(Path("stages", version), version, files))
    return ["migrate", "--from", "published", "--to", version, "--insecure-unsigned"]


def upto(number: int) -> dict[str, str]:
    return {name: text for name, text in SAMPLE_MIGRATIONS.items() if int(name[:6]) <= number}


def test_golang_migrate_begins_and_we_go_on(url: str, golang: Golang, capsys: pytest.CaptureFixture[str]) -> None:
    golang.run(SAMPLE_MIGRATIONS, "up", "2")
    main(ours(SAMPLE_MIGRATIONS))
    assert capsys.readouterr().out.endswith("3 migrations ran, the schema is at 5\n")
    assert golang.run(SAMPLE_MIGRATIONS, "version").strip() == "5"
    assert golang.run(SAMPLE_MIGRATIONS, "up").strip() == "no change"
    golang.run(SAMPLE_MIGRATIONS, "down", "2")
    assert schema_of(url) == (3, False)
    main(ours(SAMPLE_MIGRATIONS, "1.0.1"))
    golang.run(SAMPLE_MIGRATIONS, "down", "-all")
    assert schema_of(url) is None
    # Its empty table says the same as none.
    main(ours(SAMPLE_MIGRATIONS, "1.0.2"))
    assert schema_of(url) == (5, False)


def test_we_begin_and_golang_migrate_goes_on(url: str, golang: Golang, capsys: pytest.CaptureFixture[str]) -> None:
    main(ours(upto(2)))
    assert "5/u session_signing_keys" in golang.run(SAMPLE_MIGRATIONS, "up")
    main(ours(SAMPLE_MIGRATIONS, "1.1.0"))
    assert capsys.readouterr().out.endswith("no migrations ran, the schema is at 5\n")


def test_both_make_the_same(url: str, golang: Golang, postgres: PostgresServer) -> None:
    golang.run(SAMPLE_MIGRATIONS, "up")
    other = postgres.new_database()
    main([*ours(SAMPLE_MIGRATIONS), "--database", other])
    assert described(url) == described(other)


def test_what_golang_migrate_left_dirty_is_refused(url: str, golang: Golang) -> None:
    broken = {**FIRST, **pair(2, "broken", "SELECT 1 / 0;")}
    assert "division by zero" in golang.run(broken, "up", status=1)
    with pytest.raises(ImpossibleError, match="the schema is dirty at 2"):
        main(ours(broken))
    golang.run(broken, "force", "1")
    main(ours({**FIRST, **pair(2, "broken", "SELECT 1;")}, "1.0.1"))
    assert schema_of(url) == (2, False)


def test_the_first_way_down_that_failed_is_refused(
    url: str, golang: Golang, capsys: pytest.CaptureFixture[str]
) -> None:
    files = pair(1, "first", "CREATE TABLE t (id int);", "DROP TABLE nothing;")
    main(ours(files))
    golang.run(files, "down", "1", status=1)
    assert schema_of(url) == (-1, True)
    capsys.readouterr()
    with pytest.raises(ImpossibleError, match="the schema is dirty at -1: "):
        main(["upgrade-check", *ours(files, "1.0.1")[1:], "--json"])
    assert json.loads(capsys.readouterr().out)["migration"] is None


def test_what_we_left_dirty_golang_migrate_refuses(url: str, golang: Golang) -> None:
    main(ours(FIRST))
    ask(url, "INSERT INTO t VALUES (1), (1)")
    files = {**FIRST, **pair(2, "index", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (id);", "DROP INDEX i;")}
    with pytest.raises(DatabaseError, match="the schema is dirty at 2") as caught:
        main(ours(files, "1.1.0"))
    assert "Dirty database version 2" in golang.run(files, "up", status=1)
    assert "`force 1`" in caught.value.next_step
    ask(url, "DROP INDEX i; DELETE FROM t")
    golang.run(files, "force", "1")
    assert "2/u index" in golang.run(files, "up")


def test_we_wait_for_golang_migrate(url: str, golang: Golang, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**FIRST, **SLOW}
    arguments = ours(files)
    with psycopg.connect(url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(42)")
        process = golang.start(files, "up")
        wait_until(lambda: waiting(url, "advisory") == 1)
        with connect(address(url, {})) as database:
            numbers = lock_numbers(read_state(database))
        query = (
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objsubid = 1 AND objid <> 42"
        )
        assert ask(url, query) == [(numbers[0],)]
        (holds,) = ask(url, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid <> 42")
        others = [golang.start(files, "up") for _ in range(3)]
        wait_until(lambda: waiting(url, "advisory") == 4)
        with pytest.raises(DatabaseError, match=f"is being migrated by process {holds[0]} .*of postgres from 127"):
            main([*arguments, "--lock-timeout", "0.5"])
        later = start_tool(*arguments, "--lock-timeout", "60")
        wait_until(lambda: connected(url))
    assert [one.wait(60) for one in (process, *others)] == [0, 0, 0, 0]
    output, _ = later.communicate(timeout=60)
    assert output.endswith("no migrations ran, the schema is at 2\n")
    main(arguments)
    assert capsys.readouterr().out.endswith("no migrations ran, the schema is at 2\n")
    assert process.wait(30) == 0


def test_golang_migrate_waits_for_us(url: str, golang: Golang) -> None:
    files = {**FIRST, **SLOW}
    with psycopg.connect(url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(42)")
        process = start_tool(*ours(files))
        wait_until(lambda: waiting(url, "advisory") == 1)
        other = golang.start(files, "up")
        wait_until(lambda: waiting(url, "advisory") == 2)
        assert schema_of(url) == (1, False)
    output, _ = other.communicate(timeout=60)
    assert (process.wait(30), other.returncode, output.strip()) == (0, 0, "no change")
    assert schema_of(url) == (2, False)


def test_who_opened_golang_migrate_with_a_connection_is_waited_for_too(url: str, golang: Golang) -> None:
    # Then it leaves out the slash that the path of a URL begins with.
    with connect(address(url, {})) as database:
        _, number = lock_numbers(read_state(database))
    arguments = ours(FIRST)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [number])
        with pytest.raises(DatabaseError, match=f"is being migrated by process {other.info.backend_pid} "):
            main([*arguments, "--lock-timeout", "0.5"])
        later = start_tool(*arguments, "--lock-timeout", "60")
        wait_until(lambda: connected(url))
        # Meanwhile the lock of who opened it with a URL is free for others.
        assert "1/u first" in golang.run(FIRST, "up")
    assert later.wait(60) == 0


def test_while_we_wait_an_index_can_be_built_concurrently(url: str, golang: Golang) -> None:
    main(ours(FIRST))
    files = {**FIRST, **pair(2, "index", "CREATE INDEX CONCURRENTLY i ON t (id);", "DROP INDEX i;")}
    with psycopg.connect(url) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        process = golang.start(files, "up")
        wait_until(lambda: waiting(url, "virtualxid") == 1)
        later = start_tool(*ours(files, "1.1.0"), "--lock-timeout", "60")
        wait_until(lambda: connected(url))
        time.sleep(2)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert later.wait(60) == 0
    assert schema_of(url) == (2, False)


def described(url: str) -> list[tuple[object, ...]]:
    """All columns, constraints and indexes."""
    return [
        *ask(url, "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute a "
             "JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1, attnum"),
        *ask(url, "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
             "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"),
        *ask(url, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
        *ask(url, "SELECT version, dirty FROM schema_migrations"),
    ]  # fmt: skip


def waiting(url: str, event: str) -> int:
    """How many sessions wait for a lock of this kind."""
    events = ask(url, "SELECT wait_event FROM pg_stat_activity WHERE datname = current_database()")
    return events.count((event,))


def connected(url: str) -> bool:
    names = ask(url, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()")
    return ("tesseral-release",) in names


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
