import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hostile_tars import HOSTILE, plain
from hypothesis import given
from hypothesis import strategies as st
from reading_samples import API_LINUX, CONSOLE, V140, published, several
from release_samples import unhurried

from release.archive import Entry
from release.bundle import bundle
from release.checksums import digest_of
from release.destination import DirectoryDestination, open_origin
from release.destination.bundle import BundleOrigin
from release.errors import DestinationError, UsageError, VerificationError, VersionError
from release.fetch import Selection, fetch, find
from release.promote import yank
from release.staged import StagedRelease
from release.verify import inspect, verify

EVERYTHING = Selection(images=True)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("several") / "stage")


@pytest.fixture
def origin(tmp_path: Path, release: StagedRelease) -> DirectoryDestination:
    return published(tmp_path / "published", release, channel="stable")


def make(origin: DirectoryDestination, path: Path, selection: Selection = EVERYTHING) -> Path:
    bundle(origin, find(origin, "1.4.0"), selection, path)
    return path


def test_a_release_goes_through_a_bundle_unchanged(
    tmp_path: Path, origin: DirectoryDestination, release: StagedRelease
) -> None:
    path = make(origin, tmp_path / "b.tar")
    assert path.stat().st_mode & 0o777 == 0o644
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []
    bundled = open_origin(str(path))
    assert isinstance(bundled, BundleOrigin)
    assert (bundled.name, bundled.versions(), bundled.yanked()) == (str(path), (V140,), frozenset())
    fetch(bundled, find(bundled, "1.4.0"), EVERYTHING, tmp_path / "into")
    assert verify(tmp_path / "into") == release.manifest


def test_unpacked_by_anybody_it_is_a_destination(
    tmp_path: Path, origin: DirectoryDestination, release: StagedRelease
) -> None:
    path = make(origin, tmp_path / "b.tar")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xf", path, "-C", tmp_path / "unpacked"], check=True)
    assert verify(tmp_path / "unpacked/releases/1.4.0") == release.manifest
    unpacked = DirectoryDestination(tmp_path / "unpacked")
    assert unpacked.versions() == (V140,)
    assert unpacked.document("index.json") == origin.document("index.json")
    fetch(unpacked, find(unpacked, "1.4.0"), EVERYTHING, tmp_path / "into")


def test_the_same_release_gives_the_same_bytes(tmp_path: Path, origin: DirectoryDestination) -> None:
    first = make(origin, tmp_path / "first.tar")
    (tmp_path / "elsewhere").mkdir()
    before = os.umask(0o077)
    try:
        # Also from a bundle, under another name, with another umask, over an older file.
        (tmp_path / "elsewhere/second.tar").write_bytes(b"old")
        bundled = BundleOrigin(first)
        bundle(bundled, find(bundled, "1.4.0"), EVERYTHING, tmp_path / "elsewhere/second.tar", jobs=1)
    finally:
        os.umask(before)
    assert digest_of(first) == digest_of(tmp_path / "elsewhere/second.tar")
    with tarfile.open(first) as tar:
        names = tar.getnames()
        assert names == sorted(names, key=str.encode)
        assert {member.mtime for member in tar} == {1767270607}


def test_a_part_of_a_release(tmp_path: Path, origin: DirectoryDestination) -> None:
    path = make(origin, tmp_path / "b.tar", Selection(pieces=("api", "console"), targets=("linux/amd64",)))
    bundled = BundleOrigin(path)
    found = find(bundled, "1.4.0")
    fetched = fetch(bundled, found, Selection(pieces=("console",)), tmp_path / "into").fetched
    assert fetched == (CONSOLE,)
    with pytest.raises(DestinationError, match=r"b\.tar does not hold releases/1\.4\.0/tesseral.*; make the bundle"):
        fetch(bundled, found, Selection(), tmp_path / "whole")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xf", path, "-C", tmp_path / "unpacked"], check=True)
    held = inspect(tmp_path / "unpacked/releases/1.4.0", partial=True)
    assert [artifact.name for artifact in held.artifacts] == [API_LINUX, CONSOLE]


def test_what_an_earlier_run_left_is_used_and_not_bundled(tmp_path: Path, origin: DirectoryDestination) -> None:
    wanted = make(origin, tmp_path / "wanted.tar", Selection(pieces=("console",)))
    # A run for more was killed after it had fetched.
    fetch(origin, find(origin, "1.4.0"), EVERYTHING, tmp_path / ".b.tar.1.4.0")
    path = make(origin, tmp_path / "b.tar", Selection(pieces=("console",)))
    assert digest_of(path) == digest_of(wanted)
    assert not (tmp_path / ".b.tar.1.4.0").exists()


def test_a_bundle_says_that_it_was_yanked(tmp_path: Path, origin: DirectoryDestination) -> None:
    yank([origin], V140, "eats data")
    bundled = BundleOrigin(make(origin, tmp_path / "b.tar"))
    assert bundled.yanked() == frozenset([V140])
    assert find(bundled, "1.4.0").warnings == ("1.4.0 is yanked: eats data",)
    with pytest.raises(VersionError, match=r"the channel 'stable' is not set in .*b\.tar; name a version"):
        find(bundled, "stable")
    with pytest.raises(VersionError, match=r"1\.5\.0 is not published in .*b\.tar; it has 1\.4\.0"):
        find(bundled, "1.5.0")


def test_a_failure_leaves_no_bundle(tmp_path: Path, origin: DirectoryDestination) -> None:
    target = tmp_path / "published/releases/1.4.0" / CONSOLE
    good = target.read_bytes()
    target.write_bytes(b"!" + good[1:])
    with pytest.raises(VerificationError):
        make(origin, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()
    target.write_bytes(good)
    make(origin, tmp_path / "b.tar")
    with pytest.raises(UsageError, match="is a folder; name the file to write"):
        make(origin, tmp_path)
    with pytest.raises(DestinationError):
        make(origin, tmp_path / "b.tar" / "c.tar")


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_bundle_is_refused_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "b.tar"
    path.write_bytes(HOSTILE[kind]())
    with pytest.raises(VerificationError, match=f"^{path} is no bundle: .*; copy it again$"):
        find(open_origin(str(path)), "1.4.0")


def test_a_cut_bundle_is_refused_at_any_length(tmp_path: Path, origin: DirectoryDestination) -> None:
    data = make(origin, tmp_path / "b.tar").read_bytes()
    for size in (
        0,
        1,
        511,
        512,
        513,
        len(data) // 2,
        len(data) - 1025,
        len(data) - 1024,
        len(data) - 512,
        len(data) - 1,
    ):
        (tmp_path / "b.tar").write_bytes(data[:size])
        with pytest.raises(VerificationError, match="is no bundle"):
            find(BundleOrigin(tmp_path / "b.tar"), "1.4.0")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, release: StagedRelease) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    return make(published(folder / "published", release), folder / "b.tar", Selection(pieces=("console",))).read_bytes()


@unhurried
@given(st.integers(0, 2**31), st.integers(1, 255))
def test_a_changed_bundle_gives_no_changed_file(
    tmp_path_factory: pytest.TempPathFactory, release: StagedRelease, whole: bytes, place: int, change: int
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    data = bytearray(whole)
    data[place % len(data)] ^= change
    (folder / "b.tar").write_bytes(data)
    origin = BundleOrigin(folder / "b.tar")
    try:
        fetch(origin, find(origin, "1.4.0"), Selection(pieces=("console",)), folder / "into")
    except (VerificationError, DestinationError, VersionError):
        assert not (folder / "into/release.json").exists()
    else:
        assert digest_of(folder / "into" / CONSOLE) == digest_of(release.directory / CONSOLE)


def test_a_document_without_end_is_not_read(tmp_path: Path) -> None:
    large = Entry(path="releases/1.4.0/release.json", source=tmp_path / "large")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**26 + 1)
    (tmp_path / "b.tar").write_bytes(plain(large))
    with pytest.raises(VerificationError, match="has more than 67108864 bytes"):
        find(BundleOrigin(tmp_path / "b.tar"), "1.4.0")


def test_a_bundle_that_went_away(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match=r"b\.tar cannot be used: No such file"):
        BundleOrigin(tmp_path / "b.tar").versions()
