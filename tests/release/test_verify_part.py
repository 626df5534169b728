"""Verifying what was fetched in part, and the tars inside of the archives."""

import gzip
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from reading_samples import ALL, API_LINUX, CONSOLE, several

from release.archive import largest_content
from release.checksums import digest_of
from release.errors import VerificationError
from release.staged import StagedRelease, stage
from release.verify import inspect, verify


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return several(tmp_path / "stage")


def with_archive(release: StagedRelease, data: bytes, tar_digest: str) -> Path:
    """The release with other bytes under the name of one archive, and a manifest that says so."""
    path = release.directory / CONSOLE
    path.write_bytes(data)
    digest = digest_of(path)
    artifacts = tuple(
        replace(one, digest=digest.sha256, size=digest.size, tar_digest=tar_digest) if one.name == CONSOLE else one
        for one in release.manifest.artifacts
    )
    stage(release.directory, replace(release.manifest, artifacts=artifacts))
    return path


def test_any_part_is_accepted_when_a_part_is_asked_for(release: StagedRelease) -> None:
    here = list(ALL)
    while here:
        (release.directory / here.pop()).unlink()
        found = inspect(release.directory, partial=True)
        assert [artifact.name for artifact in found.artifacts] == here
        assert (len(found.images), found.complete) == (2, False)
        with pytest.raises(VerificationError, match="missing"):
            verify(release.directory)
    shutil.rmtree(release.directory / "images/tesseral-api")
    assert [image.name for image in inspect(release.directory, partial=True).images] == ["tesseral-console"]
    shutil.rmtree(release.directory / "images")
    assert inspect(release.directory, partial=True).images == ()


def test_a_whole_one_is_complete(release: StagedRelease) -> None:
    assert inspect(release.directory, partial=True).complete
    assert inspect(release.directory) == inspect(release.directory, partial=True)


@pytest.mark.parametrize("name", ["release.json", "SHA256SUMS"])
def test_the_lists_are_always_needed(release: StagedRelease, name: str) -> None:
    (release.directory / name).unlink()
    with pytest.raises(VerificationError, match=name):
        inspect(release.directory, partial=True)


def test_what_is_there_is_checked_to_the_last_byte(release: StagedRelease) -> None:
    (release.directory / CONSOLE).unlink()
    for path in (
        release.directory / API_LINUX,
        next((release.directory / "images/tesseral-api/blobs/sha256").iterdir()),
    ):
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(VerificationError, match=path.name):
            inspect(release.directory, partial=True)
        path.write_bytes(data)


def test_the_tar_inside_is_what_the_manifest_says(release: StagedRelease) -> None:
    whole = gzip.decompress((release.directory / CONSOLE).read_bytes())
    tar_digest = next(str(one.tar_digest) for one in release.manifest.artifacts if one.name == CONSOLE)
    with_archive(release, gzip.compress(whole), tar_digest)
    verify(release.directory)
    path = with_archive(release, gzip.compress(whole), "sha256:" + "0" * 64)
    with pytest.raises(VerificationError, match=f"^{path} holds a tar of {tar_digest}, release.json says sha256:000"):
        verify(release.directory)
    for data, words in (
        (b"no gzip", "it is damaged"),
        (gzip.compress(whole)[:-1], "it ends in the middle"),
        (gzip.compress(whole) + b"more", "it is damaged"),
    ):
        path = with_archive(release, data, tar_digest)
        with pytest.raises(VerificationError, match=f"^{path}: {words}"):
            verify(release.directory)


def test_a_bomb_is_not_followed_to_its_end(release: StagedRelease) -> None:
    data = gzip.compress(bytes(10**8), mtime=0)
    path = with_archive(release, data * 5, "sha256:" + "0" * 64)
    assert largest_content(len(data) * 5) < 10**8
    with pytest.raises(VerificationError, match=f"^{path}: it unpacks to more than"):
        verify(release.directory)
