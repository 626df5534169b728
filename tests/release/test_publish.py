from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from release_samples import manifest, staged

from release.channels import read_channel
from release.checksums import digest_of_bytes
from release.destination import DirectoryDestination, Outcome
from release.destination.protocol import Staging
from release.destination.staging import Pending
from release.errors import ConflictError, DestinationError, VerificationError, VersionError
from release.manifest import to_json
from release.publish import publish
from release.staged import StagedRelease
from release.transfer import Meter


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage")


@pytest.fixture
def pair(tmp_path: Path) -> list[DirectoryDestination]:
    return [DirectoryDestination(tmp_path / "one"), DirectoryDestination(tmp_path / "two")]


def releases(destination: DirectoryDestination) -> list[str]:
    return sorted(path.name for path in Path(destination.name, "releases").glob("*") if path.is_dir())


def test_to_several_destinations(release: StagedRelease, pair: list[DirectoryDestination]) -> None:
    first = publish(release, pair, "stable")
    assert [result.outcome for result in first] == [Outcome.PUBLISHED] * 2
    assert [result.destination for result in first] == [one.name for one in pair]
    assert first[0].location == Path(pair[0].name) / "releases" / "1.4.0"
    assert first[0].channel == read_channel(pair[0], "stable") == read_channel(pair[1], "stable")
    assert first[0].channel is not None
    assert first[0].channel.current.manifest_digest == digest_of_bytes(to_json(release.manifest)).sha256
    assert [str(result.outcome) for result in publish(release, pair, "stable")] == ["unchanged"] * 2


def test_no_channel_moves_unasked(release: StagedRelease, pair: list[DirectoryDestination]) -> None:
    assert publish(release, pair[:1])[0].channel is None
    assert read_channel(pair[0], "stable") is None


def test_a_later_destination_that_cannot_be_written_stops_the_first(
    tmp_path: Path, release: StagedRelease, pair: list[DirectoryDestination]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError):
        publish(release, [pair[0], DirectoryDestination(tmp_path / "file")])
    assert releases(pair[0]) == []


def test_a_conflict_at_a_later_destination_stops_the_first(
    tmp_path: Path, release: StagedRelease, pair: list[DirectoryDestination]
) -> None:
    publish(staged(tmp_path / "other", content=b"other"), pair[1:])
    with pytest.raises(ConflictError):
        publish(release, pair)
    assert releases(pair[0]) == []


def test_a_channel_that_would_go_back_stops_everything(
    tmp_path: Path, release: StagedRelease, pair: list[DirectoryDestination]
) -> None:
    publish(staged(tmp_path / "newer", "1.5.0"), pair[1:], "stable")
    with pytest.raises(VersionError, match="cannot go back"):
        publish(release, pair, "stable")
    assert releases(pair[0]) == []
    assert releases(pair[1]) == ["1.5.0"]


@pytest.mark.parametrize(
    ("version", "channel"),
    [("1.4.0-rc.1", "stable"), ("1.4.1-snapshot.20260101.abc1234", "candidate"), ("1.4.0", "beta")],
)
def test_a_version_that_cannot_be_in_the_channel_is_not_published(
    tmp_path: Path, pair: list[DirectoryDestination], version: str, channel: str
) -> None:
    with pytest.raises(VersionError):
        publish(staged(tmp_path / "stage", version), pair, channel)
    assert not Path(pair[0].name).exists()


class Failing(DirectoryDestination):
    """A directory that fails at one step."""

    def __init__(self, root: Path, step: str) -> None:
        super().__init__(root)
        self.step = step

    @contextmanager
    def staging(self, staged: StagedRelease, meter: Meter) -> Iterator[Staging]:
        if self.step == "staging":
            raise DestinationError("gone")
        with super().staging(staged, meter) as staging:
            yield Pending(self.fail) if self.step == "commit" else staging

    def fail(self) -> Outcome:
        raise DestinationError("gone")


def test_nothing_is_visible_before_all_are_staged(tmp_path: Path, release: StagedRelease) -> None:
    good, bad = DirectoryDestination(tmp_path / "one"), Failing(tmp_path / "two", "staging")
    with pytest.raises(DestinationError):
        publish(release, [good, bad], "stable")
    assert releases(good) == []
    assert list((tmp_path / "one").glob(".incoming-*")) == []


def test_the_channel_moves_last(tmp_path: Path, release: StagedRelease) -> None:
    good, bad = DirectoryDestination(tmp_path / "one"), Failing(tmp_path / "two", "commit")
    with pytest.raises(DestinationError):
        publish(release, [good, bad], "stable")
    assert releases(good) == ["1.4.0"]
    assert read_channel(good, "stable") is None


def test_a_staged_folder_that_is_altered_is_not_published(
    release: StagedRelease, pair: list[DirectoryDestination]
) -> None:
    (release.directory / release.manifest.artifacts[0].name).write_bytes(b"other")
    with pytest.raises(VerificationError):
        publish(release, pair)
    assert releases(pair[0]) == []


def test_the_manifest_in_hand_must_be_the_one_in_the_folder(
    release: StagedRelease, pair: list[DirectoryDestination]
) -> None:
    with pytest.raises(VerificationError, match="another release"):
        publish(StagedRelease(directory=release.directory, manifest=manifest()), pair)
