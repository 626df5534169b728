from pathlib import Path

import pytest
from release_samples import staged

from release.channels import read_channel, resolve, yank_of
from release.destination import DirectoryDestination
from release.destination import yank as yank_file
from release.destination.yank import Yank
from release.errors import ConflictError, UsageError, VerificationError, VersionError
from release.promote import promote, yank
from release.publish import publish
from release.version import parse


def put(tmp_path: Path, destination: DirectoryDestination, version: str, channel: str | None = None) -> None:
    publish(staged(tmp_path / f"{version}-{destination.name[-3:]}", version), [destination], channel)


@pytest.fixture
def one(tmp_path: Path) -> DirectoryDestination:
    return DirectoryDestination(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> DirectoryDestination:
    return DirectoryDestination(tmp_path / "two")


def current(destination: DirectoryDestination, name: str) -> str | None:
    channel = read_channel(destination, name)
    return None if channel is None else str(channel.current.version)


def files(destination: DirectoryDestination) -> dict[str, bytes]:
    root = Path(destination.name)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_candidate_becomes_stable_with_the_same_bytes(
    tmp_path: Path, one: DirectoryDestination, two: DirectoryDestination
) -> None:
    for destination in (one, two):
        put(tmp_path, destination, "1.4.0-rc.2", "candidate")
    before = {name: data for name, data in files(one).items() if name.startswith("releases/1.4.0-rc.2/")}
    promote([one, two], parse("1.4.0-rc.2"), "stable")
    assert [current(each, "stable") for each in (one, two)] == ["1.4.0-rc.2"] * 2
    assert before.items() <= files(one).items()
    promote([one], parse("1.4.0-rc.2"), "stable")  # again: nothing to do


def test_a_publish_still_puts_no_candidate_into_stable(tmp_path: Path, one: DirectoryDestination) -> None:
    with pytest.raises(VersionError, match="cannot be in the channel 'stable'"):
        put(tmp_path, one, "1.4.0-rc.2", "stable")


def test_a_snapshot_is_not_promoted(tmp_path: Path, one: DirectoryDestination) -> None:
    put(tmp_path, one, "1.4.1-snapshot.20260101.abc1234")
    with pytest.raises(VersionError, match="cannot be promoted"):
        promote([one], parse("1.4.1-snapshot.20260101.abc1234"), "candidate")


def test_all_destinations_are_checked_before_one_changes(
    tmp_path: Path, one: DirectoryDestination, two: DirectoryDestination
) -> None:
    put(tmp_path, one, "1.4.0")
    with pytest.raises(VerificationError, match=r"does not hold 1\.4\.0; .*list --from"):
        promote([one, two], parse("1.4.0"), "stable")
    put(tmp_path, two, "1.4.0")
    put(tmp_path, two, "1.5.0", "stable")
    with pytest.raises(VersionError, match="cannot go back"):
        promote([one, two], parse("1.4.0"), "stable")
    assert current(one, "stable") is None


def test_a_yank_is_a_record_and_channels_skip_it(tmp_path: Path, one: DirectoryDestination) -> None:
    for version in ("1.3.0", "1.4.0"):
        put(tmp_path, one, version, "stable")
    before = files(one)
    yank([one], parse("1.4.0"), "sessions never expire")
    after = files(one)
    assert [name for name in before if name not in after] == []
    assert {name for name in after if before.get(name) != after[name]} >= {"yanked/1.4.0.json"}
    assert not any(name.startswith("releases/1.4.0/") for name in after if before.get(name) != after[name])
    assert yank_of(one, parse("1.4.0")) == Yank(version=parse("1.4.0"), reason="sessions never expire")
    resolved = resolve(one, "stable")
    assert str(resolved.pin.version) == "1.3.0"
    assert [each.reason for each in resolved.skipped] == ["sessions never expire"]
    # The file itself never goes back, and the next release goes on from there.
    assert current(one, "stable") == "1.4.0"
    put(tmp_path, one, "1.4.1", "stable")
    assert str(resolve(one, "stable").pin.version) == "1.4.1"


def test_a_yanked_version_goes_into_no_channel(tmp_path: Path, one: DirectoryDestination) -> None:
    put(tmp_path, one, "1.4.0")
    yank([one], parse("1.4.0"), "broken")
    with pytest.raises(VersionError, match=r"1\.4\.0 is yanked in .* \(broken\) and goes into no channel"):
        promote([one], parse("1.4.0"), "stable")
    with pytest.raises(VersionError, match="is yanked"):
        publish(staged(tmp_path / "again"), [one], "stable")


def test_a_channel_with_nothing_but_yanked_versions_gives_none(tmp_path: Path, one: DirectoryDestination) -> None:
    with pytest.raises(VersionError, match="'stable' is not set in"):
        resolve(one, "stable")
    put(tmp_path, one, "1.4.0", "stable")
    yank([one], parse("1.4.0"), "broken")
    with pytest.raises(VersionError, match=r"'stable' is at 1\.4\.0, which is yanked: broken"):
        resolve(one, "stable")


def test_a_yank_again(tmp_path: Path, one: DirectoryDestination, two: DirectoryDestination) -> None:
    for destination in (one, two):
        put(tmp_path, destination, "1.4.0")
    yank([two], parse("1.4.0"), "broken")
    yank([two], parse("1.4.0"), "broken")
    with pytest.raises(ConflictError, match=r"yanked in .* already: broken"):
        yank([one, two], parse("1.4.0"), "another reason")
    assert yank_of(one, parse("1.4.0")) is None


def test_what_is_not_published_is_not_yanked(one: DirectoryDestination) -> None:
    with pytest.raises(VerificationError, match="does not hold"):
        yank([one], parse("1.4.0"), "broken")


@pytest.mark.parametrize("reason", ["", " ", " broken", "two\nlines", "bell\a", "x" * 1001, "line\u2028separator"])
def test_a_reason_is_one_line(tmp_path: Path, one: DirectoryDestination, reason: str) -> None:
    put(tmp_path, one, "1.4.0")
    with pytest.raises(UsageError):
        yank([one], parse("1.4.0"), reason)
    assert yank_of(one, parse("1.4.0")) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"}", b"} "), (b"1.4.0", b"1.4.1"), (b"broken", b"two\\nlines"), (b'"broken"', b"7"), (b'"reason"', b'"why"')],
)
def test_a_damaged_record_is_no_reason_to_go_on(before: bytes, after: bytes) -> None:
    data = yank_file.to_json(Yank(version=parse("1.4.0"), reason="broken"))
    assert yank_file.from_json(data, parse("1.4.0")).reason == "broken"
    with pytest.raises(VerificationError):
        yank_file.from_json(data.replace(before, after), parse("1.4.0"))


def test_giving_up(tmp_path: Path, one: DirectoryDestination) -> None:
    assert not one.abandon(parse("1.4.0"))
    put(tmp_path, one, "1.4.0")
    with pytest.raises(ConflictError, match="yank it instead"):
        one.abandon(parse("1.4.0"))
