from pathlib import Path

import pytest
from release_samples import staged

from release import checksums
from release.archive import entries_of
from release.errors import VerificationError
from release.verify import verify


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return staged(tmp_path / "stage").directory


def test_a_whole_release_is_accepted(tmp_path: Path) -> None:
    release = staged(tmp_path / "stage")
    assert verify(release.directory) == release.manifest


def test_one_flipped_bit_in_any_file_is_found(directory: Path) -> None:
    paths = [directory / entry.path for entry in entries_of(directory)]
    assert len(paths) == 12
    for path in paths:
        data = path.read_bytes()
        for place in {0, len(data) // 2, len(data) - 1}:
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(VerificationError):
                verify(directory)
        path.write_bytes(data)
    verify(directory)


def test_every_bit_of_the_small_files_counts(directory: Path) -> None:
    for name in ("SHA256SUMS", "images/tesseral-api/index.json"):
        path = directory / name
        data = path.read_bytes()
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(VerificationError):
                verify(directory)
        path.write_bytes(data)


def test_a_missing_file_is_named(directory: Path) -> None:
    for path in [directory / entry.path for entry in entries_of(directory)]:
        aside = directory.parent / "aside"
        path.rename(aside)
        inside = "images" in path.parts
        words = f"{path.name}.* (is missing|cannot be read)" if inside else f"{path.name} missing|no {path.name}"
        with pytest.raises(VerificationError, match=words):
            verify(directory)
        aside.rename(path)


@pytest.mark.parametrize("name", ["new.txt", "images/new.txt", "images/other/index.json", "folder/new.txt"])
def test_an_unexpected_file_is_named(directory: Path, name: str) -> None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(VerificationError, match=r"new\.txt|images/other"):
        verify(directory)


def test_a_link_is_no_file(directory: Path) -> None:
    path = directory / "tesseral-api_1.4.0_linux_amd64.tar.gz"
    path.rename(directory.parent / "elsewhere")
    path.symlink_to(directory.parent / "elsewhere")
    with pytest.raises(VerificationError, match="neither a file nor a folder"):
        verify(directory)


def test_a_list_that_agrees_with_altered_files_does_not_help(directory: Path) -> None:
    path = directory / "tesseral-api_1.4.0_linux_amd64.tar.gz"
    path.write_bytes(b"other")
    listed = checksums.parse((directory / "SHA256SUMS").read_bytes())
    checksums.write(directory / "SHA256SUMS", listed | {path.name: checksums.digest_of(path).sha256})
    with pytest.raises(VerificationError, match=r"SHA256SUMS says .* release\.json says"):
        verify(directory)


def test_the_image_of_another_version_is_refused(tmp_path: Path, directory: Path) -> None:
    other = staged(tmp_path / "other", version="1.5.0").directory
    (directory / "images").rename(tmp_path / "aside")
    (other / "images").rename(directory / "images")
    with pytest.raises(VerificationError, match="holds the image"):
        verify(directory)


def test_what_holds_no_release_is_refused(tmp_path: Path, directory: Path) -> None:
    with pytest.raises(VerificationError, match=r"holds no release\.json"):
        verify(tmp_path)
    with pytest.raises(VerificationError, match=r"holds no release\.json"):
        verify(directory / "release.json")
