"""The rules for a folder of migrations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from pipeline.migrations import Migrations, check_migrations
from release.errors import SourceError

FOLDER = "cmd/openauthctl/migrations"


def pair(stem: str, *, up: bytes = b"CREATE TABLE t ();", down: bytes = b"DROP TABLE t;") -> dict[str, bytes]:
    return {f"{stem}.up.sql": up, f"{stem}.down.sql": down}


def refusal(files: dict[str, bytes]) -> str:
    with pytest.raises(SourceError) as caught:
        check_migrations(files, FOLDER)
    return str(caught.value)


def test_a_good_set() -> None:
    files = pair("000001_init") | pair("000002_users") | pair("000003_keys")
    assert check_migrations(files, FOLDER) == Migrations(first=1, last=3, irreversible=(), files=tuple(sorted(files)))


@pytest.mark.parametrize("first", [0, 1, 42])
def test_numbers_start_anywhere(first: int) -> None:
    found = check_migrations(pair(f"{first:06d}_a") | pair(f"{first + 1:06d}_b"), FOLDER)
    assert (found.first, found.last) == (first, first + 1)


@pytest.mark.parametrize("nothing", [b"", b" ", b"\n\t\r\n"])
def test_an_empty_way_down_is_irreversible(nothing: bytes) -> None:
    found = check_migrations(
        pair("000001_a") | pair("000002_b", down=nothing) | pair("000003_c") | pair("000004_d", down=nothing), FOLDER
    )
    assert found.irreversible == (2, 4)


@pytest.mark.parametrize("nothing", [b"", b" \n"])
def test_an_empty_way_up_is_refused(nothing: bytes) -> None:
    said = refusal(pair("000001_a") | pair("000002_b", up=nothing))
    assert said == f"{FOLDER}/000002_b.up.sql is empty; write the migration, or remove the pair"


def test_a_gap_is_refused() -> None:
    said = refusal(pair("000001_a") | pair("000002_b") | pair("000005_e"))
    assert said.startswith(f"{FOLDER} has no migration 000003 between 000002 and 000005;")


def test_a_number_taken_twice_is_refused() -> None:
    said = refusal(pair("000001_a") | pair("000002_b") | pair("000002_other"))
    assert f"{FOLDER} has two migrations 000002: 000002_b.up.sql and 000002_other.up.sql;" in said


@pytest.mark.parametrize(("missing", "kept"), [("up", "down"), ("down", "up")])
def test_half_a_pair_is_refused(missing: str, kept: str) -> None:
    files = pair("000001_a") | pair("000002_b")
    del files[f"000002_b.{missing}.sql"]
    said = refusal(files)
    assert said == f"{FOLDER}/000002_b.{missing}.sql is missing; 000002_b.{kept}.sql needs its counterpart"


def test_a_pair_has_one_title() -> None:
    said = refusal({"000001_users.up.sql": b"x", "000001_user.down.sql": b"x"})
    assert "two migrations 000001: 000001_users.up.sql and 000001_user.down.sql are no pair" in said


@pytest.mark.parametrize(
    "stray",
    [
        "README.md",
        "000002_b.sql",
        "000002_b.UP.sql",
        "000002.up.sql",
        "b.up.sql",
        "-1_b.up.sql",
        "000002_b.up.sql~",
        ".000002_b.up.sql.swp",
        "٠٠٠٠٠٢_b.up.sql",
    ],
)
def test_a_stray_file_is_refused(stray: str) -> None:
    assert refusal(pair("000001_a") | {stray: b"x"}).startswith(f"{FOLDER}/{stray} is no migration; name it")


def test_no_migrations_at_all_are_refused() -> None:
    assert refusal({}).startswith(f"{FOLDER} holds no migrations;")


def test_numbers_are_counted_not_spelled() -> None:
    files = pair("9_i") | pair("10_j") | pair("0011_k") | pair("000012_l")
    found = check_migrations(files, FOLDER)
    assert (found.first, found.last) == (9, 12)


def test_one_number_in_two_widths_is_taken_twice() -> None:
    assert "has two migrations 000001: 000001_a.up.sql and 1_a.up.sql;" in refusal(pair("1_a") | pair("000001_a"))
    assert "are no pair" in refusal({"1_a.up.sql": b"x", "000001_a.down.sql": b"x"})


def test_a_title_may_be_empty_or_odd() -> None:
    files = pair("1_") | pair("2_a b.c_d-é")
    assert check_migrations(files, FOLDER).files == tuple(sorted(files))


good_sets = st.builds(
    lambda first, downs: {
        name: content
        for number, down in enumerate(downs, first)
        for name, content in pair(f"{number:06d}_m{number}", down=down).items()
    },
    st.integers(0, 10**7),
    st.lists(st.sampled_from([b"", b"DROP TABLE t;"]), min_size=1, max_size=12),
)


@unhurried
@given(st.data(), good_sets)
def test_the_order_of_files_is_of_no_matter(data: st.DataObject, files: dict[str, bytes]) -> None:
    shuffled = dict(data.draw(st.permutations(list(files.items()))))
    found = check_migrations(shuffled, FOLDER)
    assert found == check_migrations(files, FOLDER)
    assert found.files == tuple(sorted(files))
    assert found.last - found.first + 1 == len(files) // 2


@unhurried
@given(st.data(), good_sets)
def test_no_file_can_be_left_out(data: st.DataObject, files: dict[str, bytes]) -> None:
    del files[data.draw(st.sampled_from(sorted(files)))]
    assert refusal(files)
