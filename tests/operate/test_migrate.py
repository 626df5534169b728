"""The command migrate on real databases."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
from postgres_server import PostgresServer
from reading_samples import published
from upgrade_samples import SAMPLE_MIGRATIONS, ask, pair, schema_of, staged_migrations, start_tool, tool

from release.cli import main
from release.errors import AttentionError, DatabaseError, ImpossibleError

SLOW = "SELECT pg_sleep(60);"
FIRST = pair(1, "first", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10);")


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty database, which DATABASE_URL names; releases are made in the working folder."""
    url = postgres.new_database()
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.chdir(tmp_path)
    return url


def release(version: str, files: Mapping[str, str]) -> list[str]:
    """Publish a release with these migrations and return the arguments that name it."""
    staged = staged_migrations(Path("stages", version), version, files)
    published(Path("published"), staged)
    return ["--from", "published", "--to", version, "--insecure-unsigned"]


def test_the_sample_is_migrated_step_by_step(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    two = {name: text for name, text in SAMPLE_MIGRATIONS.items() if int(name[:6]) <= 2}
    main(["migrate", *release("1.0.0", two)])
    assert schema_of(url) == (2, False)
    main(["migrate", *release("1.1.0", SAMPLE_MIGRATIONS), "--json"])
    assert schema_of(url) == (5, False)
    out, err = capsys.readouterr()
    document = json.loads(out.splitlines()[-1])
    assert [one["number"] for one in document["applied"]] == [3, 4, 5]
    assert document["dryRun"] is False
    assert document["migration"] == 2
    # With --json, what people read is on the other stream.
    assert "000005_session_signing_keys (" in err
    main(["migrate", *release("1.2.0", SAMPLE_MIGRATIONS)])
    assert capsys.readouterr().out.endswith("no migrations ran, the schema is at 5\n")
    tables = ask(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    names = ["projects", "schema_migrations", "session_signing_keys", "sessions", "users", "vault_domains"]
    assert [name for (name,) in tables] == names


def test_a_dry_run_changes_nothing(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["migrate", *release("1.0.0", FIRST)])
    before = ask(url, "SELECT relname, xmin::text FROM pg_class ORDER BY 1")
    two = {
        **FIRST,
        **pair(2, "wide", "ALTER TABLE t ALTER COLUMN id TYPE bigint;"),
        **pair(3, "stuck", "SELECT 1;", ""),
    }
    arguments = ["migrate", *release("1.1.0", two), "--dry-run", "--big", "1"]
    capsys.readouterr()
    main([*arguments, "--accept-irreversible"])
    output = capsys.readouterr().out
    assert "000002_wide\n! line 1: ALTER TABLE t ALTER COLUMN id TYPE bigint\n" in output
    assert "      blocks reads and writes of t while it rewrites t (about 10 rows, 24.0 KiB)\n" in output
    assert "000003_stuck  ! can't be taken back\n" in output
    assert output.endswith("nothing was changed\n")
    with pytest.raises(AttentionError, match="can't be taken back: 3; make a backup, then run again with --accept"):
        main(arguments)
    with pytest.raises(AttentionError):
        main(["migrate", *arguments[1:-3]])
    assert ask(url, "SELECT relname, xmin::text FROM pg_class ORDER BY 1") == before
    assert schema_of(url) == (1, False)
    main(["migrate", *arguments[1:-3], "--accept-irreversible"])
    assert schema_of(url) == (3, False)


def test_a_fresh_database_needs_no_consent(url: str) -> None:
    main(["migrate", *release("1.0.0", {**FIRST, **pair(2, "stuck", "SELECT 1;", "")})])
    assert schema_of(url) == (2, False)


BROKEN = """-- größer, and of several statements
CREATE TABLE made (id int);

INSERT INTO t VALUES (11);
{}
CREATE TABLE later (id int);
"""


@pytest.mark.parametrize(
    ("statement", "line", "message"),
    [
        # The server tells the place of what it can't make sense of, but not of what goes wrong as it runs.
        ("SELECT 'ü',\n  nothing FROM t;", 6, 'column "nothing" does not exist'),
        ("INSERT INTO t\n  VALUES (1);", 5, 'duplicate key value violates unique constraint "t_pkey"'),
        ("SELECT 1 / 0;", 5, "division by zero"),
        ("SELEKT 1;", 5, 'syntax error at or near "SELEKT"'),
    ],
)
@pytest.mark.parametrize("block", [False, True])
def test_a_failure_takes_its_file_back(url: str, statement: str, line: int, message: str, block: bool) -> None:
    text = BROKEN.format(statement)
    if block:
        # Its own BEGIN and COMMIT make no difference.
        text = "BEGIN;" + text + "COMMIT;"
    files = {**FIRST, **pair(2, "second", "CREATE TABLE u ();"), **pair(3, "broken", text), **pair(4, "x", "SELECT 1;")}
    with pytest.raises(DatabaseError) as caught:
        main(["migrate", *release("1.0.0", files)])
    error = caught.value
    assert error.problem.startswith(f"000003_broken.up.sql, line {line}: PostgreSQL refused it: {message}; ")
    assert error.problem.endswith("it was taken back whole, and the schema is at 2")
    assert schema_of(url) == (2, False)
    assert ask(url, "SELECT max(id) FROM t") == [(10,)]
    assert ask(url, "SELECT to_regclass('made'), to_regclass('later')") == [(None, None)]
    assert error.exit_status == 16


def test_a_failure_outside_of_a_transaction_stays_dirty(url: str) -> None:
    main(["migrate", *release("1.0.0", FIRST)])
    ask(url, "ALTER TABLE t ADD COLUMN v int DEFAULT 1")
    files = {**FIRST, **pair(2, "index", "CREATE UNIQUE INDEX CONCURRENTLY t_v ON t (v);", "DROP INDEX t_v;")}
    arguments = ["migrate", *release("1.1.0", files)]
    with pytest.raises(DatabaseError, match=r"could not create unique index.*the schema is dirty at 2") as caught:
        main(arguments)
    assert "INVALID has to be dropped" in caught.value.next_step
    assert "`force 1`" in caught.value.next_step
    assert caught.value.detail == "Key (v)=(1) is duplicated."
    assert schema_of(url) == (2, True)
    with pytest.raises(ImpossibleError, match="dirty at 2"):
        main(arguments)
    ask(url, "DROP INDEX t_v; UPDATE t SET v = id; UPDATE schema_migrations SET version = 1, dirty = false")
    main(arguments)
    assert schema_of(url) == (2, False)
    assert ask(url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_v'::regclass") == [(True,)]


def test_what_is_put_off_until_the_end_is_a_failure_of_its_file(url: str) -> None:
    text = "CREATE TABLE made (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED);\n\nINSERT INTO made VALUES (99);\n"
    with pytest.raises(DatabaseError, match=r"000002_late\.up\.sql, line 3: .*violates foreign key.*schema is at 1"):
        main(["migrate", *release("1.0.0", {**FIRST, **pair(2, "late", text)})])
    assert ask(url, "SELECT to_regclass('made')") == [(None,)]
    assert schema_of(url) == (1, False)


def test_a_first_migration_that_leaves_it_dirty(url: str) -> None:
    text = "BEGIN; CREATE TABLE a (); COMMIT; SELECT 1 / 0;"
    with pytest.raises(DatabaseError, match="the schema is dirty at 1") as caught:
        main(["migrate", *release("1.0.0", pair(1, "own", text))])
    assert "`force -1`" in caught.value.next_step


def test_what_a_migration_says_cannot_steer_a_terminal(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = "DO $$ /* \x1b[31m */ BEGIN RAISE EXCEPTION E'two\\nlines \\x1b[31m'; END $$;"
    files = {**FIRST, **pair(2, "loud", text)}
    with pytest.raises(DatabaseError, match=r"refused it: two lines  \[31m; it was taken") as caught:
        main(["migrate", *release("1.0.0", files)])
    assert str(caught.value).isprintable()
    main(["migrate", *release("1.0.1", FIRST)])
    with pytest.raises(AttentionError) as looked:
        main(["upgrade-check", *release("1.0.2", files)])
    assert "\x1b" not in str(looked.value) + capsys.readouterr().out


def test_transactions_of_a_file_itself(url: str) -> None:
    text = "BEGIN; CREATE TABLE a (); COMMIT; BEGIN; CREATE TABLE b (); SELECT 1 / 0; COMMIT;"
    with pytest.raises(DatabaseError, match=r"000002_own.*division by zero.*dirty at 2"):
        main(["migrate", *release("1.0.0", {**FIRST, **pair(2, "own", text)})])
    assert ask(url, "SELECT to_regclass('a')::text, to_regclass('b')::text") == [("a", None)]
    assert schema_of(url) == (2, True)


def test_files_that_end_no_transaction_and_that_are_empty(url: str) -> None:
    own = "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE a ();"
    files = {**FIRST, **pair(2, "words", "-- nothing yet\n"), **pair(3, "block", DO_WITH_COMMIT), **pair(4, "own", own)}
    main(["migrate", *release("1.0.0", files)])
    assert ask(url, "SELECT to_regclass('a')::text, (SELECT count(*) FROM t)") == [("a", 12)]
    assert schema_of(url) == (4, False)


DO_WITH_COMMIT = "DO $$ BEGIN INSERT INTO t VALUES (11); COMMIT; INSERT INTO t VALUES (12); END $$;"


def test_limits_of_the_server_do_not_end_it(url: str) -> None:
    name = url.rpartition("/")[2].partition("?")[0]
    for limit in ("statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"):
        ask(url, f"ALTER DATABASE {name} SET {limit} = '200ms'")
    main(["migrate", *release("1.0.0", pair(1, "slow", "SELECT pg_sleep(0.6);"))])
    assert schema_of(url) == (1, False)


def test_a_table_that_somebody_holds_is_not_waited_for_long(url: str) -> None:
    main(["migrate", *release("1.0.0", FIRST)])
    files = {**FIRST, **pair(2, "wide", "CREATE TABLE made ();\nALTER TABLE t ADD COLUMN wide int;")}
    arguments = ["migrate", *release("1.1.0", files)]
    with psycopg.connect(url) as reader:
        # Who doesn't give up gets the table when the reader's patience ends.
        reader.execute("SET idle_in_transaction_session_timeout = '30s'")
        reader.execute("SELECT * FROM t")
        with pytest.raises(DatabaseError, match=r"line 2: .*lock timeout; it was taken back.*--table-lock-timeout"):
            main([*arguments, "--table-lock-timeout", "0.5"])
        assert schema_of(url) == (1, False)
        waiting = start_tool(*arguments, "--table-lock-timeout", "0")
        wait_until(lambda: ask(url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(1,)])
    assert waiting.wait(60) == 0
    assert schema_of(url) == (2, False)


def test_an_index_built_concurrently_waits_for_others(url: str) -> None:
    main(["migrate", *release("1.0.0", FIRST)])
    files = {**FIRST, **pair(2, "index", "CREATE INDEX CONCURRENTLY t_x ON t (id);", "DROP INDEX t_x;")}
    with psycopg.connect(url) as writer:
        writer.execute("INSERT INTO t VALUES (11)")
        process = start_tool("migrate", *release("1.1.0", files), "--table-lock-timeout", "0.2")
        wait_until(lambda: ask(url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(1,)])
        time.sleep(1)
        assert process.poll() is None
        assert schema_of(url) == (2, True)
    assert process.wait(60) == 0
    assert schema_of(url) == (2, False)


def test_two_at_once_take_turns(url: str) -> None:
    arguments = ["migrate", *release("1.0.0", {**FIRST, **pair(2, "slow", "SELECT pg_sleep(2);")})]
    runs = [start_tool(*arguments) for _ in range(3)]
    answers = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], answers
    assert sorted(out.splitlines()[-1] for out, _ in answers) == [
        "2 migrations ran, the schema is at 2",
        "no migrations ran, the schema is at 2",
        "no migrations ran, the schema is at 2",
    ]


def test_who_has_the_lock_is_told(url: str) -> None:
    arguments = ["migrate", *release("1.0.0", pair(1, "slow", SLOW))]
    process = start_tool(*arguments)
    wait_until(lambda: sleeping(url))
    start = time.monotonic()
    with pytest.raises(
        DatabaseError, match=r"is being migrated by process \d+ \(tesseral-release\) of postgres from 127"
    ):
        main([*arguments, "--lock-timeout", "1"])
    assert 1 <= time.monotonic() - start < 30
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_takes_the_file_back_and_says_so(url: str, number: signal.Signals) -> None:
    files = {**FIRST, **pair(2, "slow", f"CREATE TABLE made (); {SLOW}")}
    process = start_tool("migrate", *release("1.0.0", files))
    wait_until(lambda: sleeping(url))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert out.endswith("000002_slow was stopped and taken back whole: the schema is at 1\n")
    assert err.startswith("tesseral-release: interrupted")
    assert not sleeping(url)
    assert schema_of(url) == (1, False)
    assert ask(url, "SELECT to_regclass('made')") == [(None,)]
    assert ask(url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_an_interrupt_outside_of_a_transaction_says_that_it_is_dirty(url: str) -> None:
    main(["migrate", *release("1.0.0", FIRST)])
    files = {**FIRST, **pair(2, "index", "CREATE INDEX CONCURRENTLY t_x ON t (id);", "DROP INDEX t_x;")}
    with psycopg.connect(url) as writer:
        writer.execute("INSERT INTO t VALUES (11)")
        process = start_tool("migrate", *release("1.1.0", files))
        wait_until(lambda: ask(url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(1,)])
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.endswith("000002_index was stopped half-way, and is not one transaction: the schema is dirty at 2\n")
    assert schema_of(url) == (2, True)


def test_a_lost_connection_is_one_sentence(url: str) -> None:
    process = start_tool("migrate", *release("1.0.0", {**FIRST, **pair(2, "slow", SLOW)}))
    wait_until(lambda: sleeping(url))
    ask(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tesseral-release'")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 16
    assert len(err.strip().splitlines()) == 1, err
    assert "the connection to" in err
    assert "was lost, while 000002_slow ran; run again when it answers" in err
    assert schema_of(url) == (1, False)


def test_a_user_without_rights_is_told(url: str, postgres: PostgresServer) -> None:
    name = url.rpartition("/")[2].partition("?")[0]
    main(["migrate", *release("1.0.0", FIRST)])
    ask(url, f"CREATE ROLE w_{name} LOGIN PASSWORD 'w'; GRANT SELECT ON schema_migrations TO w_{name}")
    ask(url, f"GRANT CREATE ON SCHEMA public TO w_{name}")
    arguments = ["migrate", *release("1.1.0", {**FIRST, **pair(2, "x", "CREATE TABLE made ();")})]
    with pytest.raises(DatabaseError, match="schema_migrations can't be written: permission denied") as caught:
        main([*arguments, "--database", postgres.url(name, f"w_{name}", "w")])
    assert caught.value.next_step == "check the rights of this user"
    assert schema_of(url) == (1, False)
    assert ask(url, "SELECT to_regclass('made')") == [(None,)]


def test_another_schema_than_public(url: str, postgres: PostgresServer) -> None:
    ask(url, 'CREATE SCHEMA "Login"; CREATE TABLE public.projects (id int)')
    place = f"{url}&options=-csearch_path%3D%22Login%22"
    main(["migrate", *release("1.0.0", SAMPLE_MIGRATIONS), "--database", place])
    found = ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'Login'")
    assert found == [(6,)]
    main(["migrate", *release("1.0.1", SAMPLE_MIGRATIONS), "--database", place])
    with pytest.raises(DatabaseError, match="no schema that this user's search path names"):
        main(["migrate", *release("1.1.0", SAMPLE_MIGRATIONS), "--database", place.replace("Login", "nowhere")])


def test_statuses_as_a_program(url: str) -> None:
    arguments = release("1.0.0", {**FIRST, **pair(2, "broken", "SELECT 1 / 0;")})
    done = tool("migrate", *arguments)
    assert done.returncode == 16
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("tesseral-release: 000002_broken.up.sql, line 1: PostgreSQL refused it: division by")
    for bad in ("-1", "x", "1e9", "nan"):
        assert tool("migrate", *arguments, "--lock-timeout", bad).returncode == 2
    assert tool("upgrade-check", *arguments, "--big", "0").returncode == 2


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def sleeping(url: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    return ask(url, query) != [(0,)]
