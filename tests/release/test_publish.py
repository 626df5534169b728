from pathlib import Path

import pytest
from release_samples import manifest, staged

from release.checksums import digest_of_bytes
from release.destination import DirectoryDestination, Outcome
from release.errors import ConflictError, DestinationError, VerificationError, VersionError
from release.manifest import to_json
from release.publish import publish
from release.staged import StagedRelease


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage")


@pytest.fixture
def pair(tmp_path: Path) -> list[DirectoryDestination]:
    return [DirectoryDestination(tmp_path / "one"), DirectoryDestination(tmp_path / "two")]


def releases(destination: DirectoryDestination) -> list[str]:
    return sorted(path.name for path in Path(destination.name, "releases").glob("*"))


def test_to_several_destinations(release: StagedRelease, pair: list[DirectoryDestination]) -> None:
    first = publish(release, pair, "stable")
    assert [result.outcome for result in first] == [Outcome.PUBLISHED] * 2
    assert [result.destination for result in first] == [one.name for one in pair]
    assert first[0].location == Path(pair[0].name) / "releases" / "1.4.0"
    assert first[0].channel == pair[0].channel("stable") == pair[1].channel("stable")
    assert first[0].channel is not None
    assert first[0].channel.manifest_digest == digest_of_bytes(to_json(release.manifest)).sha256
    assert [str(result.outcome) for result in publish(release, pair, "stable")] == ["unchanged"] * 2


def test_no_channel_moves_unasked(release: StagedRelease, pair: list[DirectoryDestination]) -> None:
    assert publish(release, pair[:1])[0].channel is None
    assert pair[0].channel("stable") is None


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


def test_the_channel_moves_last(
    release: StagedRelease, pair: list[DirectoryDestination], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: DirectoryDestination, staged: StagedRelease) -> Outcome:
        if self is pair[1]:
            raise DestinationError("gone")
        return publish_(self, staged)

    publish_ = DirectoryDestination.publish
    monkeypatch.setattr(DirectoryDestination, "publish", failing)
    with pytest.raises(DestinationError):
        publish(release, pair, "stable")
    assert releases(pair[0]) == ["1.4.0"]
    assert pair[0].channel("stable") is None


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
