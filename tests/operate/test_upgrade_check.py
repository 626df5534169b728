"""The command upgrade-check on real databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from postgres_server import PASSWORD, PostgresServer, start_postgres
from reading_samples import pin_of, published
from signing_support import key_of, make_key
from upgrade_samples import SAMPLE_MIGRATIONS, ask, pair, staged_migrations, tool

from release.attestations import sign_release
from release.cli import main
from release.database.address import address
from release.database.session import connect
from release.database.state import read_state
from release.destination import DirectoryDestination
from release.errors import AttentionError, DatabaseError, ImpossibleError, ReleaseError, UsageError, VerificationError
from release.pin import to_json as pin_json
from release.promote import yank
from release.publish import publish
from release.version import parse

WIDE = pair(
    6, "wide", "ALTER TABLE users ADD COLUMN wide int NOT NULL DEFAULT 0;", "ALTER TABLE users DROP COLUMN wide;"
)
HEAVY = pair(
    7,
    "heavy",
    """-- größer
ALTER TABLE projects ADD COLUMN note text;
CREATE TABLE tags (user_id text REFERENCES users (id), tag text);
CREATE INDEX ON tags (tag);

ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL;
""",
    "DROP TABLE tags; ALTER TABLE projects DROP COLUMN note;",
)
STUCK = pair(8, "stuck", "ALTER TABLE users DROP COLUMN is_owner;", "")
V14 = {**SAMPLE_MIGRATIONS, **WIDE}
V15 = {**V14, **HEAVY, **STUCK}
FIRST = ["--insecure-unsigned", "--from", "published"]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.3.0 and 1.3.1 end at migration 5, 1.4.0 at 6, 1.5.0 at 8; 2.0.0 starts anew at 6, 2.1.0 wants 1.5.0."""
    folder = tmp_path_factory.mktemp("upgrade-check")
    later = {name: text for name, text in V15.items() if int(name[:6]) >= 6}
    releases = [
        staged_migrations(folder / "1.3.0", "1.3.0", SAMPLE_MIGRATIONS),
        staged_migrations(folder / "1.3.1", "1.3.1", SAMPLE_MIGRATIONS),
        staged_migrations(folder / "1.4.0", "1.4.0", V14),
        staged_migrations(folder / "1.4.1", "1.4.1", V14),
        staged_migrations(folder / "1.5.0", "1.5.0", V15, upgrade_from="1.3.1"),
        staged_migrations(folder / "2.0.0", "2.0.0", later),
        staged_migrations(folder / "2.1.0", "2.1.0", V15, upgrade_from="1.5.0"),
    ]
    destination = published(folder / "published", *releases)
    yank([destination], parse("1.4.1"), "eats data")
    return folder


@pytest.fixture(autouse=True)
def here(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(origin)


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, which DATABASE_URL names."""
    url = postgres.new_database()
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def filled(url: str, capsys: pytest.CaptureFixture[str]) -> str:
    """A database of 1.3.0, with 3000 users in it."""
    main(["migrate", *FIRST, "--to", "1.3.0"])
    capsys.readouterr()
    ask(url, "INSERT INTO projects (id, display_name) VALUES ('project_1', 'One')")
    ask(
        url,
        "INSERT INTO users (id, project_id, email, password_hash) "
        "SELECT 'user_' || i, 'project_1', i || '@example.com', 'x' FROM generate_series(1, 3000) i",
    )
    ask(url, "ANALYZE")
    return url


def check(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    main(["upgrade-check", *FIRST, *arguments])
    return capsys.readouterr().out


def test_a_fresh_database_is_ready(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = check("--to", "1.5.0", "--big", "1", capsys=capsys)
    assert "schema none → 8, 8 migrations run" in output
    # Nothing can be lost, and every table is new.
    assert "!" not in output
    assert "locks" not in output
    assert "back" not in output
    assert ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_tables_without_migrations_are_doubted(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask(url, "CREATE TABLE somebody_elses (id int)")
    with pytest.raises(AttentionError, match="no migration ran yet, but there are 1 tables: is it the right database"):
        check("--to", "1.5.0", capsys=capsys)


def test_nothing_to_do_and_a_plain_go(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = check("--to", "1.3.1", capsys=capsys)
    # Both end at 5: which one runs nobody can tell, and here it doesn't matter.
    assert output.splitlines()[0].endswith(": 1.3.0 or 1.3.1 → 1.3.1")
    assert "schema 5, no migration runs" in output
    output = check("--to", "1.4.0", "--big", "1", capsys=capsys)
    assert "000006_wide\n  locks users (ACCESS EXCLUSIVE)\nback: each has a way down to 5\n" in output


def test_what_needs_a_look_is_told_with_real_sizes(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--to", "1.5.0", "--installed", "1.3.1"]
    with pytest.raises(AttentionError) as caught:
        check(*arguments, "--big", "3000", capsys=capsys)
    output = capsys.readouterr().out
    size = ask(filled, "SELECT pg_total_relation_size('users')")[0][0]
    amount = f"about 3,000 rows, {size / 1024:.1f} KiB"
    # The lock on projects, taken first, lasts until the end, as does that of the foreign key's other table.
    assert (
        "000007_heavy\n"
        "! line 6: ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL\n"
        f"      blocks reads and writes of projects and users while it reads all of users ({amount})\n"
        "  locks projects (ACCESS EXCLUSIVE), users (ACCESS EXCLUSIVE)\n"
        "000008_stuck  ! can't be taken back\n"
        "! line 1: ALTER TABLE users DROP COLUMN is_owner\n"
        f"      deletes the column is_owner of users ({amount})\n"
    ) in output
    assert "back: down to 8 at most, since 8 can't be taken back; further only by a backup" in output
    assert "line 3" not in output  # the new table
    assert caught.value.exit_status == 14
    assert "needs a look: 000007_heavy, line 6: blocks reads" in caught.value.problem
    with pytest.raises(AttentionError):
        check(*arguments, "--big", "3001", capsys=capsys)
    assert "line 6" not in capsys.readouterr().out


def test_json_has_all_of_it(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AttentionError):
        check("--to", "1.5.0", "--installed", "1.3.1", "--big", "3000", "--json", capsys=capsys)
    document = json.loads(capsys.readouterr().out)
    assert document["installed"] == ["1.3.1"]
    assert (document["migration"], document["lastMigration"], document["dirty"]) == (5, 8, False)
    assert [one["number"] for one in document["migrations"]] == [6, 7, 8]
    heavy = document["migrations"][1]
    assert heavy["locks"] == {"projects": "ACCESS EXCLUSIVE", "users": "ACCESS EXCLUSIVE"}
    assert [(one["kind"], one["line"], one["attention"]) for one in heavy["notes"]] == [("work", 6, True)]
    assert document["back"]["irreversible"] == [8]
    assert document["back"]["lowest"] == 8
    assert len(document["attention"]) == 3
    assert document["impossible"] == []
    assert document["postgresql"]["required"] == ">=16.4"
    with connect(address(filled, {})) as database:
        version = read_state(database).version
    assert document["postgresql"]["version"] == ".".join(map(str, version))


def test_a_dirty_schema_is_refused(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask(filled, "UPDATE schema_migrations SET dirty = true")
    with pytest.raises(ImpossibleError, match=r"the schema is dirty at 5.*`force 5`, or undo it") as caught:
        check("--to", "1.4.0", capsys=capsys)
    assert caught.value.exit_status == 15
    with pytest.raises(ImpossibleError, match="dirty at 5"):
        main(["migrate", *FIRST, "--to", "1.4.0"])
    assert ask(filled, "SELECT version, dirty FROM schema_migrations") == [(5, True)]


def test_a_newer_schema_is_refused(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask(filled, "UPDATE schema_migrations SET version = 6")
    with pytest.raises(ImpossibleError, match=r"is at 6, newer than 1\.3\.0.*6 would have to be reversed.*`down 1`"):
        check("--to", "1.3.0", capsys=capsys)
    ask(filled, "UPDATE schema_migrations SET version = 8")
    with pytest.raises(ImpossibleError, match="7 to 8 would have to be reversed, and 8 can't be; restore a backup"):
        check("--to", "1.4.0", capsys=capsys)
    ask(filled, "UPDATE schema_migrations SET version = 11")
    with pytest.raises(ImpossibleError, match="9 to 11 would have to be reversed, by no release that is known"):
        check("--to", "1.5.0", capsys=capsys)


def test_a_stop_in_between(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        ImpossibleError, match=r"1\.5\.0 takes over from 1\.3\.1 on, and 1\.3\.0 is installed"
    ) as caught:
        check("--to", "1.5.0", "--installed", "1.3.0", capsys=capsys)
    # 1.4.1 is newer than 1.4.0, and yanked.
    assert caught.value.next_step == "upgrade to 1.4.0 first, then to 1.5.0"
    capsys.readouterr()
    with pytest.raises(ImpossibleError) as caught:
        check("--to", "2.1.0", "--installed", "1.3.0", "--json", capsys=capsys)
    assert caught.value.next_step == "upgrade to 1.4.0 and 2.0.0 first, then to 2.1.0"
    assert json.loads(capsys.readouterr().out)["stops"] == ["1.4.0", "2.0.0"]
    # Migrations that were left out later.
    with pytest.raises(ImpossibleError, match=r"of 2\.0\.0 begin at 6, and the schema is at 5") as caught:
        check("--to", "2.0.0", capsys=capsys)
    assert caught.value.next_step == "upgrade to 1.5.0 first, then to 2.0.0"


def test_which_version_runs_can_matter(filled: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(AttentionError):
        check("--to", "1.5.0", capsys=capsys)
    sentence = "1.5.0 takes over from 1.3.1 on, what runs is 1.3.0 or 1.3.1: name it with --installed"
    assert f"not sure:\n  {sentence}\n" in capsys.readouterr().out
    with pytest.raises(AttentionError, match="ends at migration 6, and the schema is at 5: is it what runs"):
        check("--to", "1.4.0", "--installed", "1.4.0", capsys=capsys)
    pin = tmp_path / "pin.json"
    pin.write_bytes(pin_json(pin_of(staged_migrations(tmp_path / "stage", "1.3.0", SAMPLE_MIGRATIONS))))
    with pytest.raises(ImpossibleError, match=r"and 1\.3\.0 is installed"):
        check("--to", "1.5.0", "--installed", str(pin), capsys=capsys)


def test_a_folder_stands_for_the_place_it_came_from(
    filled: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "fetched"
    main(["fetch", *FIRST, "1.4.0", "--into", str(folder)])
    main(["upgrade-check", "--insecure-unsigned", "--in", str(folder)])
    assert "schema 5 → 6, 1 migration runs" in capsys.readouterr().out
    main(["pin", *FIRST, "1.3.0", "--into", str(tmp_path / "pin")])
    with pytest.raises(VerificationError, match=r"holds 1\.4\.0 .*the pin says 1\.3\.0"):
        main(["upgrade-check", "--insecure-unsigned", "--in", str(folder), "--pin", str(tmp_path / "pin")])
    archive = folder / "tesseraldb-migrations_1.4.0.tar.gz"
    data = bytearray(archive.read_bytes())
    data[-9] ^= 1
    archive.write_bytes(data)
    with pytest.raises(VerificationError, match=r"migrations_1\.4\.0\.tar\.gz is not what release\.json says"):
        main(["upgrade-check", "--insecure-unsigned", "--in", str(folder)])
    archive.unlink()
    with pytest.raises(VerificationError, match="is missing; fetch the release again, with --piece migrations"):
        main(["upgrade-check", "--insecure-unsigned", "--in", str(folder)])


def test_only_what_a_trusted_key_signed_is_taken(url: str, tmp_path: Path) -> None:
    ours, others = (make_key(tmp_path / name) for name in ("ours", "others"))
    release = staged_migrations(tmp_path / "stage", "1.4.0", V14)
    sign_release(release, key_of(ours))
    publish(release, [DirectoryDestination(tmp_path / "p")])
    main(["fetch", "1.4.0", "--from", str(tmp_path / "p"), "--key", f"{ours}.pub", "--into", str(tmp_path / "in")])
    for place in (["--to", "1.4.0", "--from", str(tmp_path / "p")], ["--in", str(tmp_path / "in")]):
        main(["upgrade-check", *place, "--key", f"{ours}.pub"])
        for command in ("upgrade-check", "migrate"):
            with pytest.raises(VerificationError, match="not trusted"):
                main([command, *place, "--key", f"{others}.pub"])
    assert ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_pin_names_the_release(filled: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pin = tmp_path / "pin.json"
    main(["pin", *FIRST, "1.4.0", "--into", str(pin)])
    assert "schema 5 → 6" in check("--pin", str(pin), capsys=capsys)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--to", "1.4.0"], ["--from", "published"], ["--in", "x", "--to", "1.4.0"], ["--in", "x", "--from", "y"]],
)
def test_the_release_must_be_named_in_one_way(url: str, arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        main(["upgrade-check", "--insecure-unsigned", *arguments])


def test_migrations_that_cannot_run_are_refused(
    filled: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad = pair(6, "bad", "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON users (email);")
    published(tmp_path / "p", staged_migrations(tmp_path / "s", "1.6.0", {**SAMPLE_MIGRATIONS, **bad}))
    with pytest.raises(
        ImpossibleError, match=r"000006_bad\.up\.sql can't run: line 2: CREATE INDEX.*alone in its file"
    ):
        main(["upgrade-check", "--insecure-unsigned", "--from", str(tmp_path / "p"), "--to", "1.6.0"])


def test_an_old_server_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, old_postgres: PostgresServer
) -> None:
    monkeypatch.setenv("OTHER", old_postgres.new_database())
    with pytest.raises(ImpossibleError, match=r"PostgreSQL is 15\.[0-9]+, 1\.4\.0 needs 16\.4 or newer"):
        main(["upgrade-check", *FIRST, "--to", "1.4.0", "--database", "env:OTHER"])


@pytest.fixture(scope="session")
def old_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL 15, which is older than any release takes."""
    with start_postgres(tmp_path_factory.mktemp("postgresql-15"), "bookworm", 15) as server:
        yield server


def test_statuses_and_passwords_as_a_program(filled: str, postgres: PostgresServer) -> None:
    def status(*arguments: str, **env: str) -> int:
        done = tool("upgrade-check", *FIRST, *arguments, env={"DATABASE_URL": filled, **env})
        assert PASSWORD not in done.stdout + done.stderr
        assert "wr0ng-s3cret" not in done.stdout + done.stderr
        assert ("Traceback" in done.stderr) == ("--verbose" in arguments)
        return done.returncode

    assert status("--to", "1.4.0") == 0
    assert status("--to", "1.5.0", "--installed", "1.3.1") == 14
    assert status("--to", "1.5.0", "--installed", "1.3.0") == 15
    assert status("--to", "1.4.0", "--database", postgres.url("postgres", password="wr0ng-s3cret")) == 16
    assert status("--to", "1.4.0", "--database", postgres.url("postgres", password="wr0ng-s3cret@")) == 2
    assert status("--to", "1.4.0", "--database", "env:NOTHING") == 2
    assert status("--to", "1.4.0", DATABASE_URL=f"{filled}&nonsense=1") == 16
    assert status("--to", "1.4.0", DATABASE_URL="") == 2
    assert status("--to", "1.4.0", "--verbose", DATABASE_URL="postgres://u:wr0ng-s3cret@127.0.0.1:1/d") == 16


def test_a_parameter_that_the_driver_does_not_know(filled: str) -> None:
    with pytest.raises(DatabaseError, match="has a parameter that is unknown; check the URL") as caught:
        main(["upgrade-check", *FIRST, "--to", "1.4.0", "--database", f"{filled}&nonsense=1"])
    assert "nonsense" not in str(caught.value)


def test_a_password_on_the_command_line_is_warned_of(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["upgrade-check", *FIRST, "--to", "1.4.0", "--database", filled])
    assert "warning: others can see the password on the command line" in capsys.readouterr().err
    main(["upgrade-check", *FIRST, "--to", "1.4.0"])
    assert capsys.readouterr().err == ""


def test_a_reader_of_the_database_can_check(filled: str, postgres: PostgresServer) -> None:
    name = filled.rpartition("/")[2].partition("?")[0]
    ask(filled, f"CREATE ROLE r_{name} LOGIN PASSWORD 'r'; GRANT SELECT ON schema_migrations TO r_{name}")
    url = postgres.url(name, f"r_{name}", "r")
    main(["upgrade-check", *FIRST, "--to", "1.4.0", "--database", url])
    ask(filled, f"REVOKE ALL ON schema_migrations FROM r_{name}")
    with pytest.raises(
        DatabaseError, match="permission denied for table schema_migrations; check the rights"
    ) as caught:
        main(["upgrade-check", *FIRST, "--to", "1.4.0", "--database", url])
    assert caught.value.exit_status == 16
    with pytest.raises(ReleaseError, match="permission denied"):
        main(["migrate", *FIRST, "--to", "1.4.0", "--database", url])


def test_it_does_not_wait_for_ever_and_changes_nothing(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(filled) as other:
        other.execute("LOCK TABLE users")
        with pytest.raises(DatabaseError, match="lock timeout; run again when nobody keeps a table"):
            check("--to", "1.5.0", capsys=capsys)
    before = ask(filled, "SELECT relname, xmin::text FROM pg_class ORDER BY 1")
    check("--to", "1.4.0", capsys=capsys)
    assert ask(filled, "SELECT relname, xmin::text FROM pg_class ORDER BY 1") == before
