from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from release.errors import VersionError
from release.version import (
    Part,
    Version,
    bump,
    check_channel,
    from_tag,
    is_final,
    is_snapshot,
    next_version,
    parse,
    snapshot,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COMMIT = "abc1234def" + "0" * 30
versions = st.builds(
    lambda core, candidate: parse(core if candidate is None else f"{core}-rc.{candidate}"),
    st.lists(st.integers(0, 10**6).map(str), min_size=3, max_size=3).map(".".join),
    st.none() | st.integers(1, 99),
)
parts = st.sampled_from(["major", "minor", "patch", "rc"])


@unhurried
@given(versions)
def test_every_version_is_read_back(version: Version) -> None:
    assert parse(str(version)) == version


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.4",
        "v1.4.0",
        "1.4.0\n",
        " 1.4.0",
        "01.4.0",
        "1.4.0-01",
        "1٣.0.0",
        "1.0.0-1٣",
        "1.4.0+x",
        "1.4.0-" + "a" * 128,
    ],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(VersionError):
        parse(text)


def test_the_refusal_says_what_a_version_looks_like() -> None:
    with pytest.raises(VersionError, match=r"'1\.4' is not a SemVer version \(like 1\.4\.0 or 1\.4\.0-rc\.1\)"):
        parse("1.4")


def test_tags() -> None:
    assert from_tag("v1.4.0") == Version(1, 4, 0)
    assert from_tag("api/1.4.0", prefix="api/") == Version(1, 4, 0)
    assert from_tag("1.4.0") is None
    assert from_tag("v1.4") is None
    assert from_tag("version") is None


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, "0.0.1-snapshot.20260101.abc1234"),
        ("1.4.0", "1.4.1-snapshot.20260101.abc1234"),
        ("1.4.0-rc.1", "1.4.0-snapshot.20260101.abc1234"),
    ],
)
def test_snapshot_after(last: str | None, expected: str) -> None:
    version = snapshot(None if last is None else parse(last), committed_at=NOON, commit=COMMIT)
    assert str(version) == expected
    assert is_snapshot(version)
    assert not is_final(version)


def test_snapshot_has_the_date_in_utc() -> None:
    late = datetime(2026, 1, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert "20260102" in str(snapshot(None, committed_at=late, commit=COMMIT))


def test_snapshot_tells_changed_trees_and_selections_apart() -> None:
    version = snapshot(None, committed_at=NOON, commit=COMMIT, dirty_tree="0" * 64, selection="f" * 64)
    assert str(version) == "0.0.1-snapshot.20260101.abc1234.dirty-0000000.partial-fffffff"


@pytest.mark.parametrize(
    ("commit", "word"),
    [
        ("0123456789a" + "0" * 29, "0123456789a"),
        ("1234567a" + "0" * 32, "1234567a"),
        ("1" * 40, "g1111111"),
    ],
)
def test_snapshot_never_has_a_commit_of_digits_alone(commit: str, word: str) -> None:
    assert str(snapshot(None, committed_at=NOON, commit=commit)).endswith(f".{word}")


def test_snapshot_refuses_what_is_no_digest() -> None:
    with pytest.raises(VersionError):
        snapshot(None, committed_at=NOON, commit="main")


@unhurried
@given(versions, st.text("0123456789abcdef", min_size=40, max_size=40))
def test_snapshot_is_between_the_last_version_and_the_next_patch(last: Version, commit: str) -> None:
    version = snapshot(last, committed_at=NOON, commit=commit)
    assert parse(str(version)) == version
    assert last < version < next_version(last, "patch")


@pytest.mark.parametrize(
    ("current", "part", "expected"),
    [
        ("1.3.2", ["major"], "2.0.0"),
        ("1.3.2", ["minor"], "1.4.0"),
        ("1.3.2", ["patch"], "1.3.3"),
        ("1.3.2", ["rc"], "1.3.3-rc.1"),
        ("1.3.2", ["minor", "rc"], "1.4.0-rc.1"),
        ("1.4.0-rc.1", ["rc"], "1.4.0-rc.2"),
        ("1.4.0-rc.9", ["rc"], "1.4.0-rc.10"),
        ("1.4.0-rc.1", ["minor"], "1.4.0"),
        ("1.4.0-rc.1", ["patch"], "1.4.0"),
        ("1.4.0-rc.1", ["major"], "2.0.0"),
        ("1.4.0-rc.1", ["minor", "rc"], "1.4.0-rc.2"),
        ("1.4.0-rc.1", ["major", "rc"], "2.0.0-rc.1"),
        ("1.4.1-rc.1", ["minor", "rc"], "1.5.0-rc.1"),
        ("1.4.0-beta.1", ["rc"], "1.4.0-rc.1"),
    ],
)
def test_bump(current: str, part: list[Part], expected: str) -> None:
    assert str(bump(parse(current), part)) == expected


@unhurried
@given(versions, parts, st.booleans())
def test_a_bump_is_always_newer(version: Version, part: Part, candidate: bool) -> None:
    steps: list[Part] = [part, "rc"] if candidate and part != "rc" else [part]
    assert bump(version, steps) > version


@pytest.mark.parametrize("steps", [[], ["rc", "rc"], ["rc", "minor"], ["minor", "patch"], ["epoch"], ["major"] * 3])
def test_bump_refuses_other_sequences(steps: list[Part]) -> None:
    with pytest.raises(VersionError):
        bump(Version(1), steps)


def test_a_candidate_of_a_later_prerelease_is_refused() -> None:
    with pytest.raises(VersionError, match="not newer"):
        next_version(parse("1.4.0-zeta"), "rc")


@pytest.mark.parametrize(
    ("version", "channels"),
    [
        ("1.4.0", {"stable", "candidate"}),
        ("1.4.0-rc.1", {"candidate"}),
        ("1.4.0-rc", set()),
        ("1.4.0-beta.1", set()),
        ("1.4.1-snapshot.20260101.abc1234", set()),
    ],
)
def test_channels(version: str, channels: set[str]) -> None:
    for channel in ("stable", "candidate"):
        if channel in channels:
            check_channel(parse(version), channel)
        else:
            with pytest.raises(VersionError):
                check_channel(parse(version), channel)


def test_an_unknown_channel_lists_the_known_ones() -> None:
    with pytest.raises(VersionError, match="candidate, stable"):
        check_channel(Version(1), "../stable")
