"""What names a database."""

import pytest

from release.database.address import address
from release.errors import UsageError


@pytest.mark.parametrize(
    ("text", "url", "name"),
    [
        ("postgres://u@h:5432/d?sslmode=disable", "postgresql://u@h:5432/d?sslmode=disable", "d at h:5432"),
        ("pgx5://h/d?x-multi-statement=true&sslmode=require", "postgresql://h/d?sslmode=require", "d at h"),
        ("postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql", "d at /run/postgresql"),
        ("postgres://h1:1,h2:2/d", "postgresql://h1:1,h2:2/d", "d at h1:1,h2:2"),
        ("postgres://u@[::1]:5/a%20b", "postgresql://u@[::1]:5/a%20b", "a b at [::1]:5"),
        ("postgres://", "postgresql://", "the database"),
    ],
)
def test_urls(text: str, url: str, name: str) -> None:
    found = address(text, {})
    assert (found.url, found.name, found.warnings) == (url, name, ())


def test_from_the_environment() -> None:
    environment = {"DATABASE_URL": "postgres://u:s3cret@h/d", "OTHER": "postgres://u:s3cret@h/e"}
    assert address(None, environment).name == "d at h"
    assert address("env:OTHER", environment).name == "e at h"
    assert address("env:OTHER", environment).warnings == ()
    for text, names in ((None, {}), ("env:NOTHING", environment), ("env:", environment)):
        with pytest.raises(UsageError, match="is not set"):
            address(text, names)


@pytest.mark.parametrize("text", ["postgres://u:s3cret@h/d", "postgres://h/d?password=s3cret"])
def test_a_password_is_warned_of_and_never_shown(text: str) -> None:
    found = address(text, {})
    assert "env:NAME" in found.warnings[0]
    assert "s3cret" not in repr(found) + found.name + found.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "postgres://u:s3@cret@h/d",
        "postgres://u:s3/cret@h/d",
        "postgres://u:12/cret@h/d",
        "postgres://u:12?cret@h/d",
        "postgres://u:12#cret@h/d",
        "postgres://u:cret[@h/d",
        "postgres://u:cret\n@h/d",
        "host=h password=cret",
        "mysql://u:cret@h/d",
        "cret",
        "",
    ],
)
def test_what_cannot_be_read_is_never_shown(text: str) -> None:
    with pytest.raises(UsageError, match="--database holds no URL of a PostgreSQL database; write") as caught:
        address(text, {})
    assert "cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(UsageError, match="SOME holds no URL" if text else "SOME is not set"):
        address("env:SOME", {"SOME": text})


def test_another_table_of_versions_is_refused() -> None:
    with pytest.raises(UsageError, match=r"another table of versions \(x-migrations-table\)"):
        address("postgres://h/d?x-migrations-table=mine", {})
