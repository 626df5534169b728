"""Which way leads to a release, and what its archive of migrations must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading_samples import published as publish
from upgrade_samples import SAMPLE_MIGRATIONS, pair, staged_migrations

from release.database.migrations import artifact_of, read
from release.database.releases import Published, ending_at, published, stops
from release.database.target import from_folder
from release.errors import VerificationError
from release.manifest import Requirements
from release.promote import yank
from release.version import parse


def one(version: str, last: int, upgrade_from: str | None = None, first: int = 1) -> Published:
    requirements = Requirements(first_migration=first, last_migration=last, upgrade_from=upgrade_from)
    return Published(version=parse(version), requirements=requirements)


RELEASES = (
    one("1.0.0", 1),
    one("1.1.0", 2),
    one("1.2.0-rc.1", 3),
    one("1.2.0", 3, "1.1.0"),
    one("2.0.0", 5, "1.2.0"),
    one("2.1.0", 6, "1.2.0"),
    one("3.0.0", 8, "2.1.0", first=6),
)


@pytest.mark.parametrize(
    ("target", "installed", "number", "way"),
    [
        (6, "2.1.0", 6, ()),
        (6, "2.0.0", 5, ("2.1.0",)),
        (6, "1.2.0", 3, ("2.1.0",)),
        (6, "1.1.0", 2, ("1.2.0", "2.1.0")),
        (6, "1.0.0", 1, ("1.1.0", "1.2.0", "2.1.0")),
        (5, "1.2.0", 3, ()),
        (6, None, 5, ("2.1.0",)),
        (6, "0.9.0", 0, None),
        (6, None, None, ()),
    ],
)
def test_the_fewest_stops(target: int, installed: str | None, number: int | None, way: tuple[str, ...] | None) -> None:
    version = None if installed is None else parse(installed)
    found = stops(RELEASES[target], version, number, RELEASES)
    assert found == (None if way is None else tuple(map(parse, way)))


def test_the_releases_that_end_at_a_number() -> None:
    assert ending_at(RELEASES, 3) == (parse("1.2.0-rc.1"), parse("1.2.0"))
    assert ending_at(RELEASES, 4) == ()


def test_yanked_and_damaged_releases_are_left_out(tmp_path: Path) -> None:
    stages = [
        staged_migrations(tmp_path / version, version, SAMPLE_MIGRATIONS, upgrade_from=oldest)
        for version, oldest in (("1.0.0", None), ("1.1.0", None), ("1.2.0", None), ("1.3.0", "one"))
    ]
    origin = publish(tmp_path / "published", *stages)
    yank([origin], parse("1.1.0"), "eats data")
    (tmp_path / "published/releases/1.2.0/release.json").write_text("{}")
    assert [str(it.version) for it in published(origin)] == ["1.0.0"]


def test_migrations_are_read_in_order(tmp_path: Path) -> None:
    files = {**pair(9, "nine", "SELECT 9;", " \n"), **pair(10, "ten", "SELECT 'ü';"), "README.md": "no migration"}
    stage = staged_migrations(tmp_path / "s", "1.0.0", files, said={"first_migration": 9})
    migrations = from_folder(stage.directory, None).migrations
    assert [(it.number, it.name, it.up, it.reversible) for it in migrations] == [
        (9, "000009_nine", "SELECT 9;", False),
        (10, "000010_ten", "SELECT 'ü';", True),
    ]


@pytest.mark.parametrize(
    ("files", "said", "problem"),
    [
        (pair(1, "a", "SELECT 1;"), {"last_migration": 2}, r"1 to 1 \(1\), release\.json says 1 to 2 \(2\)"),
        ({**pair(1, "a", ""), **pair(3, "c", "")}, {}, r"1 to 3 \(2\), release\.json says 1 to 3 \(3\)"),
        (pair(1, "a", ""), {"first_migration": None, "last_migration": None}, "release.json says none"),
        ({"000001_a.down.sql": ""}, {}, "000001_a.down.sql has no way up"),
        ({**pair(1, "a", ""), "1_b.up.sql": ""}, {}, "000001_a.up.sql and migrations/1_b.up.sql"),
    ],
)
def test_other_migrations_than_the_manifest_says_are_refused(
    tmp_path: Path, files: dict[str, str], said: dict[str, int | None], problem: str
) -> None:
    stage = staged_migrations(tmp_path / "s", "1.0.0", files, said=said)
    with pytest.raises(VerificationError, match=f"tesseraldb-migrations_1.0.0.tar.gz: .*{problem}"):
        from_folder(stage.directory, None)


def test_no_way_down_is_no_error(tmp_path: Path) -> None:
    stage = staged_migrations(tmp_path / "s", "1.0.0", {"000001_a.up.sql": "SELECT 1;"})
    (migration,) = from_folder(stage.directory, None).migrations
    assert not migration.reversible


def test_a_release_without_migrations_is_told(tmp_path: Path) -> None:
    stage = staged_migrations(tmp_path / "s", "1.0.0", SAMPLE_MIGRATIONS)
    manifest = stage.manifest
    data = (tmp_path / "s" / artifact_of(manifest).name).read_bytes()
    assert len(read(data, manifest)) == 5
    with pytest.raises(VerificationError, match=r"migrations_1\.0\.0\.tar\.gz is not what release\.json says; fetch"):
        read(data[:-20], manifest)
    with pytest.raises(VerificationError, match=r"has no tesseraldb-migrations_1\.0\.0\.tar\.gz; take"):
        artifact_of(type(manifest)(**{**vars(manifest), "artifacts": ()}))
