"""What is published to S3, twice, by two at once, and with other bytes; in front of a real server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from faults import FaultProxy
from release_samples import PROGRAM, staged
from s3_publisher import QUICK
from s3_support import LARGE, V140, Bucket, files, large_release, manifest_digest, publisher
from servers import S3Server

from release.channels import resolve
from release.destination import Outcome, claim, open_destination
from release.destination.documents import claim_key
from release.destination.s3 import S3Destination, Settings
from release.destination.s3.local import LocalFile, part_size, read
from release.destination.s3.upload import same
from release.errors import ConflictError, DestinationError, UsageError, VerificationError
from release.manifest import to_json
from release.publish import publish
from release.staged import StagedRelease
from release.transfer import SILENT
from release.version import parse


class Tally:
    """A meter that only counts."""

    def __init__(self) -> None:
        self.expected = self.moved = 0

    def expect(self, size: int) -> None:
        self.expected += size

    def advance(self, size: int) -> None:
        self.moved += size


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return large_release(tmp_path_factory.mktemp("s3") / "stage")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    """The same version with other bytes."""
    return staged(tmp_path_factory.mktemp("s3") / "other", content=PROGRAM + b"other\n")


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in s3.env().items():
        monkeypatch.setenv(name, value)
    return Bucket(s3)


@pytest.fixture
def destination(bucket: Bucket) -> S3Destination:
    return S3Destination.named(bucket.text, QUICK)


def claimed(bucket: Bucket, release: StagedRelease) -> None:
    bucket.put("claims/1.4.0.json", claim.to_json(V140, manifest_digest(release)))


def test_publishing_brings_every_file_and_moves_the_channel(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    assert destination.versions() == ()
    assert destination.manifest_of(V140) is None
    meter = Tally()
    (published,) = publish(release, [destination], "stable", meter)
    assert (published.outcome, published.destination) == (Outcome.PUBLISHED, bucket.text)
    assert bucket.release() == files(release)
    assert destination.versions() == (V140,)
    assert destination.holds(release)
    assert resolve(destination, "stable").pin.manifest_digest == manifest_digest(release)
    assert meter.expected == meter.moved == sum(path.stat().st_size for path in _files(release))
    assert bucket.uploads() == []


def _files(release: StagedRelease) -> list[Path]:
    return [release.directory / name for name in files(release) if name != "release.json"]


def test_files_of_a_release_are_served_for_ever_and_documents_are_asked_for_again(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    publish(release, [destination], "stable")

    def served(key: str) -> tuple[str, str]:
        head = bucket.client.head_object(Bucket=bucket.name, Key=f"pre/fix/{key}")
        return head["ContentType"], head["CacheControl"]

    lasting = "public, max-age=31536000, immutable"
    assert served(f"releases/1.4.0/{LARGE}") == ("application/gzip", lasting)
    assert served("releases/1.4.0/release.json") == ("application/json", lasting)
    assert served("channels/stable.json") == ("application/json", "no-cache")
    head = {"Bucket": bucket.name, "ChecksumMode": "ENABLED"}
    small = bucket.client.head_object(**head, Key="pre/fix/releases/1.4.0/SHA256SUMS")  # type: ignore[arg-type]
    assert small["ChecksumSHA256"] == read(release.directory / "SHA256SUMS", QUICK).checksum
    large = bucket.client.head_object(Bucket=bucket.name, Key=f"pre/fix/releases/1.4.0/{LARGE}")
    assert f"sha256:{large['Metadata']['sha256']}" == files(release)[LARGE]


def test_the_same_bytes_twice_change_nothing(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    publish(release, [destination], "stable")
    before = bucket.tags("")
    assert publish(release, [destination], "stable")[0].outcome is Outcome.UNCHANGED
    assert bucket.tags("") == before


def test_other_bytes_are_refused_and_change_nothing(
    bucket: Bucket, destination: S3Destination, release: StagedRelease, other: StagedRelease
) -> None:
    publish(release, [destination], "stable")
    before = bucket.tags("")
    with pytest.raises(ConflictError, match=r"1\.4\.0 is published in s3://.* with another tesseral-api_1\.4\.0_linux"):
        publish(other, [destination], "stable")
    assert bucket.tags("") == before


def test_nothing_is_visible_before_the_commit(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    with destination.staging(release, SILENT) as staging:
        assert bucket.release().keys() == files(release).keys() - {"release.json"}
        assert destination.versions() == ()
        assert destination.manifest_of(V140) is None
        assert staging.commit() is Outcome.PUBLISHED
        assert staging.commit() is Outcome.UNCHANGED
    assert destination.versions() == (V140,)


def test_a_claim_holds_other_bytes_off_and_lets_the_same_bytes_finish(
    bucket: Bucket, destination: S3Destination, release: StagedRelease, other: StagedRelease
) -> None:
    with destination.staging(release, SILENT):
        before = bucket.tags("")
        with pytest.raises(ConflictError, match=r"1\.4\.0 is claimed in s3://") as refused:
            publish(other, [destination])
        assert f"abandon 1.4.0 --to {bucket.text}" in str(refused.value)
        assert set(bucket.tags("")) == {*before, ".create-only"}
    assert publish(release, [destination])[0].outcome is Outcome.PUBLISHED


def test_two_that_commit_the_same_bytes_both_succeed(destination: S3Destination, release: StagedRelease) -> None:
    with destination.staging(release, SILENT) as first, destination.staging(release, SILENT) as second:
        assert first.commit() is Outcome.PUBLISHED
        assert second.commit() is Outcome.UNCHANGED


def test_two_publishers_of_the_same_bytes_at_once_both_succeed(bucket: Bucket, release: StagedRelease) -> None:
    running = [publisher(bucket.s3.env(), release, bucket.text) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], results
    assert bucket.release() == files(release)
    assert bucket.uploads() == []


def test_of_two_publishers_of_other_bytes_at_once_exactly_one_wins(
    bucket: Bucket, release: StagedRelease, other: StagedRelease
) -> None:
    releases = [release, other]
    running = [publisher(bucket.s3.env(), one, bucket.text) for one in releases]
    errors = [process.communicate(timeout=60)[1] for process in running]
    assert sorted(process.returncode for process in running) == [0, 7], errors
    winner = [process.returncode for process in running].index(0)
    assert bucket.release() == files(releases[winner])
    assert "1.4.0 is " in errors[1 - winner]


def test_a_file_with_other_bytes_below_an_own_claim_is_named(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    claimed(bucket, release)
    size = (release.directory / "SHA256SUMS").stat().st_size
    bucket.put("releases/1.4.0/SHA256SUMS", b"x" * size)
    with pytest.raises(ConflictError, match=r"releases/1\.4\.0/SHA256SUMS is there with other bytes"):
        publish(release, [destination])
    assert destination.versions() == ()


def test_a_file_that_came_without_the_checksum_is_read_and_compared(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    claimed(bucket, release)
    bucket.put("releases/1.4.0/SHA256SUMS", (release.directory / "SHA256SUMS").read_bytes())
    bucket.put(f"releases/1.4.0/{LARGE}", (release.directory / LARGE).read_bytes())
    publish(release, [destination])
    assert bucket.release() == files(release)


def test_a_file_in_parts_of_other_lengths_is_the_same(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    publish(release, [S3Destination.named(bucket.text, replace(QUICK, part_size=2**23, largest_put=2**22))])
    large = read(release.directory / LARGE, QUICK)
    key = f"releases/1.4.0/{LARGE}"
    assert len(large.parts) == 2
    assert same(destination._bucket, key, large)
    assert not same(destination._bucket, key, replace(large, sha256=bytes(32)))


@pytest.mark.parametrize("parts", [(), (1,), (1, 2)])
def test_an_upload_that_was_left_is_gone_on_with(
    bucket: Bucket, release: StagedRelease, parts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = read(release.directory / LARGE, QUICK)
    where = {"Bucket": bucket.name, "Key": f"pre/fix/releases/1.4.0/{LARGE}"}
    upload = begin(bucket, where)
    for part in large.parts:
        if part.number in parts:
            send(bucket, where, upload, part.number, large.bytes_of(part))
    with FaultProxy(bucket.s3.host) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        publish(release, [S3Destination.named(bucket.text, QUICK)])
        sent = [request for request in proxy.requests if "partNumber=" in request.target]
    assert len(sent) == 2 - len(parts)
    assert bucket.release() == files(release)
    assert bucket.uploads() == []


def test_an_upload_of_other_parts_is_given_up(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    where = {"Bucket": bucket.name, "Key": f"pre/fix/releases/1.4.0/{LARGE}"}
    send(bucket, where, begin(bucket, where), 1, b"x" * 1000)
    publish(release, [destination])
    assert bucket.release() == files(release)
    assert bucket.uploads() == []


def begin(bucket: Bucket, where: dict[str, str]) -> str:
    return bucket.client.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]  # type: ignore[arg-type]


def send(bucket: Bucket, where: dict[str, str], upload: str, number: int, data: bytes) -> None:
    bucket.client.upload_part(
        **where,  # type: ignore[arg-type]
        UploadId=upload,
        PartNumber=number,
        Body=data,
        ChecksumAlgorithm="SHA256",
    )


def test_abandoning_frees_the_version_for_other_bytes(
    bucket: Bucket, destination: S3Destination, release: StagedRelease, other: StagedRelease
) -> None:
    assert not destination.abandon(V140)
    with destination.staging(release, SILENT):
        pass
    begin(bucket, {"Bucket": bucket.name, "Key": f"pre/fix/releases/1.4.0/{LARGE}"})
    bucket.put("releases/1.4.0-rc.1/kept", b"")
    assert destination.abandon(V140)
    assert bucket.keys() == ["releases/1.4.0-rc.1/kept"]
    assert bucket.uploads() == []
    assert not destination.abandon(V140)
    assert publish(other, [destination])[0].outcome is Outcome.PUBLISHED


def test_a_published_version_is_not_abandoned(
    bucket: Bucket, destination: S3Destination, release: StagedRelease
) -> None:
    publish(release, [destination])
    before = bucket.tags("")
    with pytest.raises(ConflictError, match=r"1\.4\.0 is published in s3://"):
        destination.abandon(V140)
    assert bucket.tags("") == before


@pytest.mark.parametrize("abandoned", ["wholly", "in part"])
def test_who_was_abandoned_meanwhile_commits_nothing(
    bucket: Bucket, destination: S3Destination, release: StagedRelease, abandoned: str
) -> None:
    with destination.staging(release, SILENT) as staging:
        destination.abandon(V140)
        if abandoned == "in part":
            bucket.put(claim_key(V140), claim.to_json(V140, "given up"))
        with pytest.raises((DestinationError, ConflictError), match=r"1\.4\.0"):
            staging.commit()
    assert destination.versions() == ()


def test_a_folder_that_changes_while_it_is_published_is_refused(
    bucket: Bucket, destination: S3Destination, tmp_path: Path
) -> None:
    release = staged(tmp_path / "stage")
    (release.directory / "SHA256SUMS").write_bytes(b"")
    with pytest.raises(VerificationError), destination.staging(release, SILENT):
        pass
    assert bucket.keys() == []


def test_swapping_compares(bucket: Bucket, destination: S3Destination) -> None:
    key = "channels/stable.json"
    assert not destination.swap(key, b"old", b"new")
    assert destination.swap(key, None, b"1")
    assert not destination.swap(key, None, b"1")
    assert not destination.swap(key, b"old", b"2")
    assert destination.swap(key, b"1", b"2")
    assert bucket.get(key) == b"2"


def test_a_file_is_read_from_any_byte_on(bucket: Bucket, destination: S3Destination, release: StagedRelease) -> None:
    publish(release, [destination])
    data = (release.directory / LARGE).read_bytes()
    for start in (0, 1, len(data) - 1, len(data), len(data) + 1):
        with destination.open(V140, LARGE, start) as pieces:
            assert b"".join(pieces) == data[start:]
    bucket.put("releases/1.4.0/empty", b"")
    with destination.open(V140, "empty") as pieces:
        assert list(pieces) == []
    with pytest.raises(DestinationError, match=r"none is not there"), destination.open(V140, "none"):
        pass


def test_a_document_that_is_not_small_is_not_read(
    bucket: Bucket, destination: S3Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("release.destination.s3.store.LARGEST", 10)
    bucket.put("index.json", b"x" * 10)
    assert destination.document("index.json") == b"x" * 10
    bucket.put("index.json", b"x" * 11)
    with pytest.raises(VerificationError, match="more than 10 bytes"):
        destination.document("index.json")


def test_only_what_has_a_manifest_is_a_version(bucket: Bucket, destination: S3Destination) -> None:
    for key in ("releases/1.0.0/release.json", "releases/1.1.0/SHA256SUMS", "releases/1.0.0.html", "releases/x/y"):
        bucket.put(key, b"{}")
    bucket.put("yanked/1.0.0.json", b"{}")
    assert destination.versions() == (parse("1.0.0"),)
    assert destination.yanked() == {parse("1.0.0")}


def test_more_names_than_one_answer_holds(bucket: Bucket, destination: S3Destination) -> None:
    names = {f"{number:04}" for number in range(1005)}
    for name in names:
        bucket.put(f"many/{name}", b"")
    assert set(destination._bucket.names("many/")) == names


def test_an_empty_prefix_is_the_whole_bucket(bucket: Bucket, tmp_path: Path) -> None:
    release = staged(tmp_path / "stage")
    destination = open_destination(f"s3://{bucket.name}")
    publish(release, [destination])
    assert bucket.client.get_object(Bucket=bucket.name, Key="releases/1.4.0/release.json")["Body"].read() == to_json(
        release.manifest
    )
    assert destination.versions() == (V140,)


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///x", "s3://B", "s3://bucket//x", "s3://bucket/../x", "s3://bucket/a?b", "s3://bücket/x"]
)
def test_text_that_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no place in S3"):
        S3Destination.named(text)


def test_credentials_in_the_text_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        S3Destination.named("s3://key:secret@bucket/x")
    assert "secret" not in str(refused.value)


def test_parts_grow_with_the_file() -> None:
    settings = Settings()
    assert part_size(2 * 2**30, settings) == settings.part_size
    largest = 5 * 2**40
    assert -(-largest // part_size(largest, settings)) <= 10_000


def test_a_part_that_changed_is_not_sent(release: StagedRelease) -> None:
    file = read(release.directory / LARGE, QUICK)
    with pytest.raises(VerificationError, match="changed while it was published"):
        file.bytes_of(replace(file.parts[0], sha256=bytes(32)))
    with (
        pytest.raises(VerificationError, match="cannot be read"),
        LocalFile(path=Path("none"), size=1, sha256=bytes(32)).open(),
    ):
        pass
