"""What migrations do to tables, worked out without a server. What the rules are is in test_upgrade_rules.py."""

from __future__ import annotations

import pytest
from pglast.parser import get_postgresql_version

from release.database.locking import Assessment, Catalog, Run, assess
from release.database.locking.catalog import Check, Column, ForeignKey, Relation
from release.database.locking.locks import Lock
from release.database.locking.statements import script
from release.database.migrations import Migration

COLUMNS = {"id": Column(type="int8", not_null=True), "email": Column(type="varchar", modifiers=(50,))}
MANY = Relation(name="public.many", rows=5_000_000, size=2**30, columns=COLUMNS)
FEW = Relation(name="public.few", rows=10, size=2**14, columns={"id": Column(type="int8", not_null=True)})
KEY = ForeignKey(
    name="many_few_fkey",
    table="public.many",
    columns=frozenset({"few_id"}),
    referenced="public.few",
    referenced_columns=frozenset({"id"}),
)
CATALOG = Catalog(
    relations={one.name: one for one in (MANY, FEW)},
    indexes={"public.many_email": "public.many"},
    keys=(KEY,),
    functions={"now": False, "random": True, "count": False, "program": True},
    programs=frozenset({"program"}),
)
PARSER, _ = get_postgresql_version()
SIZE = "(about 5,000,000 rows, 1.0 GiB)"


def assessed(*files: str, catalog: Catalog = CATALOG) -> tuple[Assessment, ...]:
    migrations = [
        Migration(number=number, name=f"m{number}", up=text, down="x") for number, text in enumerate(files, 1)
    ]
    return assess(migrations, (), catalog)


def told(*files: str, catalog: Catalog = CATALOG) -> list[str]:
    return [note.text for one in assessed(*files, catalog=catalog) for note in one.notes]


def test_locks_stay_until_the_end_of_the_file() -> None:
    locked = "ALTER TABLE few ADD COLUMN x int;\n"
    scan = "ALTER TABLE many ALTER COLUMN email SET NOT NULL;"
    assert told(locked + scan) == [f"blocks reads and writes of few and many while it reads all of many {SIZE}"]
    assert told(scan + locked) == [f"blocks reads and writes of many while it reads all of many {SIZE}"]
    # Each file is a transaction, unless it says otherwise.
    only = [f"blocks reads and writes of many while it reads all of many {SIZE}"]
    assert told(locked, scan) == only
    assert told(f"BEGIN; {locked} COMMIT; BEGIN; {scan} COMMIT;") == only
    assert told(f"BEGIN; {locked} {scan} COMMIT;") != only
    assert told(f"BEGIN; SAVEPOINT a; {locked} RELEASE a; {scan} COMMIT; SELECT 1;") != only


def test_the_strongest_come_first() -> None:
    text = "LOCK TABLE few IN SHARE MODE; UPDATE few SET id = 1; CREATE INDEX ON many (email);"
    catalog = CATALOG.put(Relation(name="public.third", rows=1))
    assert told(f"ALTER TABLE third ADD COLUMN x int; {text}", catalog=catalog) == [
        f"blocks reads and writes of third, writes to few and many while it builds indexes of many {SIZE}"
    ]
    assert told("UPDATE few SET id = 1; CREATE TABLE copy AS SELECT * FROM many;") == [
        f"blocks changes to those rows of few while it reads rows of many {SIZE}"
    ]


def test_what_blocks_nobody_needs_no_look() -> None:
    index = "CREATE INDEX CONCURRENTLY i ON many (email);"
    assert told(index) == [f"builds indexes of many {SIZE}, and blocks nobody"]
    assert told("SELECT count(*) FROM many;") == [f"reads rows of many {SIZE}, and blocks nobody"]
    assert not any(one.attention for one in assessed(index, "SELECT count(*) FROM many;"))


def test_how_many_rows_are_many() -> None:
    catalog = Catalog(relations={"public.t": Relation(name="public.t", rows=99_999, size=99_999 * 1024)})
    scan = "ALTER TABLE t ALTER COLUMN x SET NOT NULL;"
    assert told(scan, catalog=catalog) == []
    for rows, size in ((100_000, 0), (1, 100_000 * 1024), (None, 100_000 * 1024)):
        assert told(scan, catalog=catalog.put(Relation(name="public.t", rows=rows, size=size)))
    never = catalog.put(Relation(name="public.t", rows=None, size=2**30))
    assert told(scan, catalog=never)[0].endswith("(rows never counted, 1.0 GiB)")
    assert told(scan, catalog=never.put(Relation(name="public.t", rows=None, size=8192))) == []


@pytest.mark.parametrize(
    "file",
    [
        "CREATE TABLE n (a int); CREATE INDEX ON n (a); ALTER TABLE n ALTER COLUMN a TYPE bigint; DROP TABLE n;",
        "CREATE TABLE n AS SELECT 1 AS a; UPDATE n SET a = 2; DELETE FROM n; TRUNCATE n;",
        "CREATE TABLE n (a int); ALTER TABLE n RENAME TO o; ALTER TABLE o SET SCHEMA s; UPDATE s.o SET a = 1;",
        "CREATE MATERIALIZED VIEW n AS SELECT 1; REFRESH MATERIALIZED VIEW n;",
    ],
)
def test_tables_that_are_made_on_the_way_are_nobodys(file: str) -> None:
    (one,) = assessed(file)
    assert (one.locks, one.notes) == ({}, ())


def test_names_are_followed() -> None:
    scan = "ALTER TABLE {} ALTER COLUMN email SET NOT NULL;"
    assert told("ALTER TABLE many RENAME TO lots;", scan.format("lots")) == [
        f"blocks reads and writes of lots while it reads all of lots {SIZE}"
    ]
    assert told("ALTER TABLE many SET SCHEMA s;", scan.format("s.many"))[0].startswith(
        "blocks reads and writes of s.many"
    )
    assert told("ALTER TABLE many RENAME COLUMN id TO nr; ALTER TABLE many ALTER COLUMN nr SET NOT NULL;") == []
    assert told("DROP TABLE few CASCADE; CREATE TABLE few (id int); DROP TABLE few;") == [
        "deletes all of few (about 10 rows, 16.0 KiB)"
    ]
    assert assessed("ALTER INDEX many_email RENAME TO e;", "DROP INDEX e;")[1].locks.keys() == {"many"}
    assert assessed("CREATE INDEX e ON few (id);", "DROP INDEX e;")[1].locks.keys() == {"few"}
    assert told("DROP INDEX many_email;", "DROP INDEX many_email;") == ["many_email is not in this database"]
    assert told("DROP TABLE few CASCADE;", "ALTER TABLE few ADD COLUMN x int;")[1] == "few is not in this database"
    # IF NOT EXISTS makes nothing new of what is there.
    assert told("CREATE TABLE IF NOT EXISTS many (id int);", scan.format("many"))


def test_constraints_are_followed() -> None:
    add = "ALTER TABLE many ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID;"
    validate = "ALTER TABLE many VALIDATE CONSTRAINT c;"
    not_null = "ALTER TABLE many ALTER COLUMN email SET NOT NULL;"
    drop = "ALTER TABLE many DROP CONSTRAINT c;"
    validated = f"reads all of many {SIZE}, and blocks nobody"
    # The way in which nobody is blocked for long.
    assert told(add, validate, not_null, drop) == [validated]
    assert len(told(add, not_null)) == 1
    assert len(told(add, validate, drop, not_null)) == 2
    assert told(not_null, not_null) == told(not_null)
    assert len(told(not_null, "ALTER TABLE many ALTER COLUMN email DROP NOT NULL;", not_null)) == 2
    valid = Check(name="c", columns=frozenset({"email"}), not_null="email")
    with_check = CATALOG.put(Relation(name=MANY.name, rows=MANY.rows, size=MANY.size, checks=(valid,)))
    assert told(not_null, catalog=with_check) == []


def test_columns_and_keys_are_followed() -> None:
    widen = "ALTER TABLE many ALTER COLUMN email TYPE varchar(100);"
    narrow = "ALTER TABLE many ALTER COLUMN email TYPE varchar(60);"
    assert told(widen) == []
    assert len(told(widen, narrow)) == 1
    assert len(told("ALTER TABLE many DROP COLUMN email, ADD COLUMN email int;", widen)) == 2
    drop = "ALTER TABLE few DROP CONSTRAINT few_pkey CASCADE;"
    assert assessed(drop)[0].locks.keys() == {"few", "many"}
    assert assessed("ALTER TABLE many DROP CONSTRAINT many_few_fkey;", drop)[1].locks.keys() == {"few"}
    for key in ("ADD COLUMN other int REFERENCES few", "ADD FOREIGN KEY (other) REFERENCES few"):
        file = f"ALTER TABLE many {key};"
        assert assessed(file, "ALTER TABLE many DROP CONSTRAINT many_other_fkey;")[1].locks.keys() == {"few", "many"}
    for key in ("other int REFERENCES few", "other int, FOREIGN KEY (other) REFERENCES few"):
        assert assessed(f"CREATE TABLE n ({key});", "DROP TABLE n;")[1].locks.keys() == {"few"}


def test_functions_and_domains_are_followed() -> None:
    add = "ALTER TABLE many ADD COLUMN x int DEFAULT f();"
    assert len(told(add)) == 1
    made = "CREATE FUNCTION f() RETURNS int LANGUAGE sql {} AS 'SELECT 1';"
    assert told(made.format("IMMUTABLE"), add) == []
    assert len(told(made.format(""), add)) == 1
    domain = "ALTER TABLE many ADD COLUMN x d;"
    assert told("CREATE DOMAIN d AS int;", domain) == []
    assert len(told("CREATE DOMAIN d AS int CHECK (value > 0);", domain)) == 1


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("DO $$ BEGIN NULL; END $$;", "a DO block can do anything"),
        ("CALL p();", "a procedure can do anything"),
        ("PREPARE p AS SELECT 1;", "it is no kind of statement that is known here"),
        ("SELECT program();", "the function program can do anything"),
        ("SELECT nobody_knows(1);", "the function nobody_knows can do anything"),
        ("INSERT INTO few SELECT program();", "the function program can do anything"),
        ("DROP FUNCTION f CASCADE;", "CASCADE drops whatever depends on it"),
        ("ALTER TABLE nothing ADD COLUMN x int;", "nothing is not in this database"),
        ("CREATE INDEX ON other.nothing (x);", "other.nothing is not in this database"),
        ("DROP TABLE nothing;", "nothing is not in this database"),
        ("CLUSTER;", "it rewrites every table that was clustered before"),
        ("REINDEX DATABASE x;", "it builds the indexes of many tables anew"),
        ("SELEKT 1;", f"PostgreSQL {PARSER}'s parser doesn't read it: syntax error at or near \"SELEKT\""),
    ],
)
def test_what_is_not_known_is_said(file: str, why: str) -> None:
    (one,) = assessed(file)
    assert [(note.kind, note.text, note.attention) for note in one.notes] == [("unknown", why, True)]


@pytest.mark.parametrize(
    "file",
    [
        "ALTER TABLE IF EXISTS nothing ADD COLUMN x int;",
        "DROP TABLE IF EXISTS nothing;",
        "DROP INDEX IF EXISTS nothing;",
        "SELECT now(), count(*) FROM few;",
        "DROP FUNCTION f;",
        "SET lock_timeout = '1s';",
        "-- nothing\n",
        "",
    ],
)
def test_what_does_nothing_is_not_told(file: str) -> None:
    (one,) = assessed(file)
    assert (one.locks, one.notes) == ({}, ())


def test_what_is_deleted_is_told() -> None:
    size = "(about 10 rows, 16.0 KiB)"
    assert told("ALTER TABLE few DROP COLUMN id;") == [f"deletes the column id of few {size}"]
    assert told("TRUNCATE few CASCADE;") == [f"deletes all rows of few {size}", f"deletes all rows of many {SIZE}"]
    assert told("DELETE FROM few;") == [f"deletes all rows of few {size}"]
    assert told("DELETE FROM few WHERE id = 1;") == []
    assert told("WITH gone AS (DELETE FROM few RETURNING 1) SELECT 1;") == [f"deletes all rows of few {size}"]
    empty = CATALOG.put(Relation(name="public.few", rows=0, size=8192))
    assert told("DROP TABLE few CASCADE;", catalog=empty) == []


def test_all_locks_of_a_file_are_listed() -> None:
    (one,) = assessed("LOCK TABLE few IN SHARE MODE; CREATE TRIGGER t BEFORE INSERT ON few EXECUTE FUNCTION f(); "
                      "SELECT 1; COMMENT ON TABLE many IS 'x'; ALTER TABLE many SET (fillfactor = 50);")  # fmt: skip
    assert one.locks == {"few": Lock.SHARE_ROW_EXCLUSIVE, "many": Lock.SHARE_UPDATE_EXCLUSIVE}


def test_the_manifest_and_empty_files_say_what_cannot_be_taken_back() -> None:
    downs = ["x", " \n", None, "x"]
    migrations = [Migration(number=it, name="m", up="SELECT 1;", down=down) for it, down in enumerate(downs, 1)]
    assert [one.irreversible for one in assess(migrations, [4, 9], CATALOG)] == [False, True, True, True]


def test_how_files_are_run() -> None:
    wrapped = script("BEGIN;\nSELECT 'ü';\n\nSELECT 2;\nCOMMIT;\n")
    assert (wrapped.run, [one.line for one in wrapped.statements]) == (Run.WHOLE, [2, 4])
    assert wrapped.sql == "     ;\nSELECT 'ü';\n\nSELECT 2;\n      ;\n"
    runs = {
        "SELECT 1; SELECT 2;": Run.WHOLE,
        "BEGIN; SAVEPOINT a; ROLLBACK TO a; COMMIT;": Run.WHOLE,
        "START TRANSACTION; SELECT 1; END;": Run.WHOLE,
        "BEGIN READ ONLY; SELECT 1; COMMIT;": Run.OWN,
        "BEGIN; SELECT 1; COMMIT AND CHAIN;": Run.OWN,
        "BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 1; COMMIT;": Run.OWN,
        "BEGIN; SELECT 1; ROLLBACK;": Run.OWN,
        "SELECT 1; COMMIT;": Run.OWN,
        "VACUUM few;": Run.ALONE,
        "VACUUM few; SELECT 1;": Run.NEVER,
        "COPY few FROM stdin;": Run.NEVER,
        "COPY few FROM '/file';": Run.WHOLE,
        "SELEKT;": Run.OWN,
    }
    assert {text: script(text).run for text in runs} == runs


def test_the_beginning_of_a_long_statement_is_shown() -> None:
    (one,) = script(f"ALTER  TABLE\n t {', '.join(f'ADD COLUMN c{number} int' for number in range(9))}").statements
    assert one.text == "ALTER TABLE t ADD COLUMN c0 int, ADD COLUMN c1 int, ADD COLUMN c2 int,…"
