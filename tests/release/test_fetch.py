import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_samples import ALL, API_LINUX, API_WINDOWS, CONSOLE, V140, pin_of, published, several
from release_samples import manifest, unhurried
from test_directory import mounted

from release import canonical
from release.checksums import Digest, digest_of, digest_of_bytes
from release.destination import DirectoryDestination
from release.destination.channel import Pin
from release.destination.files import FileStore
from release.destination.store import StoreOrigin
from release.errors import DestinationError, TransientError, UsageError, VerificationError, VersionError
from release.fetch import Downloads, Fetched, Item, Selection, fetch, find
from release.filelock import locked, passing_lock
from release.manifest import Artifact, to_json
from release.promote import yank
from release.staged import StagedRelease
from release.transfer import Retrier
from release.verify import inspect, verify
from release.version import parse

EVERYTHING = Selection(images=True)
ONE = Selection(pieces=("api",), targets=("linux/amd64",))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("several") / "stage")


@pytest.fixture
def origin(tmp_path: Path, release: StagedRelease) -> DirectoryDestination:
    return published(tmp_path / "published", release, channel="stable")


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "into"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Counting:
    """A meter that adds up."""

    def __init__(self) -> None:
        self.expected = self.moved = 0
        self._lock = threading.Lock()

    def expect(self, size: int) -> None:
        with self._lock:
            self.expected += size

    def advance(self, size: int) -> None:
        with self._lock:
            self.moved += size


class Unsteady(FileStore):
    """A directory whose connection is lost after every ``step`` bytes, ``times`` times; counts what it handed out."""

    def __init__(self, root: Path, step: int, times: int = 10**6) -> None:
        super().__init__(root)
        self.step, self.times, self.handed_out = step, times, 0
        self.starts: list[int] = []

    @contextmanager
    def open(self, key: str, start: int) -> Iterator[Iterator[bytes]]:
        self.starts.append(start)
        with super().open(key, start) as pieces:
            yield self._lost(b"".join(pieces))

    def _lost(self, data: bytes) -> Iterator[bytes]:
        whole = len(data)
        if self.times and whole > self.step:
            data = data[: self.step]
        self.handed_out += len(data)
        yield from (data[place : place + 700] for place in range(0, len(data), 700))
        if len(data) < whole:
            self.times -= 1
            raise TransientError("the connection was lost", "run again")


def impatient() -> Retrier:
    return Retrier(sleep=lambda _: None)


def bring(store: FileStore, item: Item) -> bool:
    return Downloads(StoreOrigin(store), V140, retrier=impatient()).bring(item)


def item_of(release: StagedRelease, name: str, folder: Path) -> Item:
    folder.mkdir(exist_ok=True)
    return Item(path=name, digest=digest_of(release.directory / name), target=folder / name)


def test_a_channel_s_whole_release_is_a_release(
    origin: DirectoryDestination, release: StagedRelease, into: Path
) -> None:
    meter = Counting()
    found = find(origin, "stable")
    result = fetch(origin, found, EVERYTHING, into, meter=meter)
    assert verify(into) == release.manifest
    assert found.warnings == ()
    assert sorted(result.fetched) == sorted([*ALL, "images/tesseral-api", "images/tesseral-console"])
    assert meter.moved == meter.expected > 5 * 3000
    assert names(into) == sorted([*ALL, "SHA256SUMS", "images", "release.json"])
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=into, check=True, capture_output=True)


def test_a_part_is_checked_by_coreutils_too(origin: DirectoryDestination, into: Path) -> None:
    assert fetch(origin, find(origin, "1.4.0"), ONE, into).fetched == (API_LINUX,)
    assert names(into) == ["SHA256SUMS", "release.json", API_LINUX]
    command = ["sha256sum", "--strict", "--ignore-missing", "-c", "SHA256SUMS"]
    subprocess.run(command, cwd=into, check=True, capture_output=True)
    found = inspect(into, partial=True)
    assert [artifact.name for artifact in found.artifacts] == [API_LINUX]
    assert (found.images, found.complete) == ((), False)


def test_files_are_public_whatever_the_umask(origin: DirectoryDestination, into: Path) -> None:
    before = os.umask(0o077)
    try:
        fetch(origin, find(origin, "1.4.0"), EVERYTHING, into, unpacked=True)
    finally:
        os.umask(before)
    files = [path for path in into.rglob("*") if path.is_file() and path.parent.name != "bin"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}
    folders = [path for path in (into / "images").rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}


def test_the_second_time_nothing_moves(origin: DirectoryDestination, into: Path, tmp_path: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in into.rglob("*") if path.is_file()}

    first = fetch(origin, find(origin, "1.4.0"), EVERYTHING, into, unpacked=True)
    before = state()
    store = Unsteady(tmp_path / "published", step=0, times=0)
    second = fetch(StoreOrigin(store), find(origin, "1.4.0"), EVERYTHING, into, unpacked=True)
    assert state() == before
    assert (second.fetched, store.starts) == ((), [])
    assert sorted(second.kept) == sorted(first.fetched)


def test_more_of_the_same_release_joins_it(origin: DirectoryDestination, release: StagedRelease, into: Path) -> None:
    fetch(origin, find(origin, "1.4.0"), ONE, into)
    result = fetch(origin, find(origin, "1.4.0"), EVERYTHING, into)
    assert result.kept == (API_LINUX,)
    assert verify(into) == release.manifest


def test_other_bytes_under_a_final_name_are_left_alone(origin: DirectoryDestination, into: Path) -> None:
    into.mkdir()
    for name, selection in ((API_LINUX, ONE), ("SHA256SUMS", ONE), ("images/tesseral-api", EVERYTHING)):
        path = into / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
        with pytest.raises((VerificationError, UsageError)) as caught:
            fetch(origin, find(origin, "1.4.0"), selection, into)
        assert str(path) in str(caught.value)
        assert "move it away, or name another folder" in str(caught.value)
        assert path.read_bytes() == b"mine"
        path.unlink()
    fetch(origin, find(origin, "1.4.0"), EVERYTHING, into)


def test_a_link_is_not_followed(origin: DirectoryDestination, into: Path, tmp_path: Path) -> None:
    into.mkdir()
    (tmp_path / "precious").write_bytes(b"mine")
    (into / f".{API_LINUX}.part").symlink_to(tmp_path / "precious")
    with pytest.raises(DestinationError, match="symbolic links"):
        fetch(origin, find(origin, "1.4.0"), ONE, into)
    assert (tmp_path / "precious").read_bytes() == b"mine"
    # Nor is one to the right bytes the file that was asked for: it may point to others tomorrow.
    (into / f".{API_LINUX}.part").unlink()
    (into / API_LINUX).symlink_to(tmp_path / "published/releases/1.4.0" / API_LINUX)
    with pytest.raises(VerificationError, match="move it away"):
        fetch(origin, find(origin, "1.4.0"), ONE, into)


def test_two_releases_do_not_share_a_folder(origin: DirectoryDestination, into: Path, tmp_path: Path) -> None:
    published(tmp_path / "published", several(tmp_path / "next", "1.5.0"))
    other = published(tmp_path / "elsewhere", several(tmp_path / "again", size=10))
    fetch(origin, find(origin, "1.4.0"), ONE, into)
    before = {path: path.read_bytes() for path in into.iterdir()}
    for place, version, words in ((origin, "1.5.0", "holds 1.4.0, not 1.5.0"), (other, "1.4.0", "another 1.4.0, not")):
        with pytest.raises(UsageError, match=words):
            fetch(place, find(place, version), ONE, into)
    assert {path: path.read_bytes() for path in into.iterdir()} == before


def test_nor_does_one_that_was_not_finished(origin: DirectoryDestination, into: Path, tmp_path: Path) -> None:
    published(tmp_path / "published", several(tmp_path / "next", "1.5.0"))
    path = tmp_path / "published/releases/1.4.0" / API_LINUX
    path.write_bytes(b"changed")
    with pytest.raises(VerificationError):
        fetch(origin, find(origin, "1.4.0"), ONE, into)
    with pytest.raises(UsageError, match=r"holds 1\.4\.0, not 1\.5\.0"):
        fetch(origin, find(origin, "1.5.0"), ONE, into)
    # What a kill in the middle of the first write leaves says nothing.
    claim = into / ".release.json.part"
    claim.write_bytes(claim.read_bytes()[:100])
    fetch(origin, find(origin, "1.5.0"), ONE, into)
    assert inspect(into, partial=True).manifest.version == parse("1.5.0")


@pytest.mark.parametrize("data", [b"", b"short", None])
def test_what_is_not_the_manifest_s_never_gets_a_name(
    origin: DirectoryDestination, release: StagedRelease, into: Path, tmp_path: Path, data: bytes | None
) -> None:
    path = tmp_path / "published/releases/1.4.0" / API_LINUX
    good = path.read_bytes()
    for bad in [data] if data is not None else [good + b"!", b"!" + good[1:], good[:-1]]:
        path.write_bytes(bad)
        with pytest.raises(VerificationError, match=API_LINUX):
            fetch(origin, find(origin, "1.4.0"), ONE, into)
        assert names(into) == [".release.json.part"]
    path.write_bytes(good)
    fetch(origin, find(origin, "1.4.0"), ONE, into)


def test_bytes_without_end_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases/1.4.0").mkdir()
    (tmp_path / "releases/1.4.0/zero").symlink_to("/dev/zero")
    item = Item(path="zero", digest=Digest(sha256="sha256:" + "0" * 64, size=5_000_000), target=tmp_path / "zero")
    with pytest.raises(VerificationError, match="more than the 5000000 bytes"):
        bring(FileStore(tmp_path), item)
    assert names(tmp_path) == ["releases"]


def test_a_lost_connection_is_taken_up_where_it_was_lost(tmp_path: Path, release: StagedRelease, into: Path) -> None:
    published(tmp_path / "published", release)
    item = item_of(release, CONSOLE, into)
    store = Unsteady(tmp_path / "published", step=900)
    assert bring(store, item)
    assert store.starts == list(range(0, item.digest.size, 900))
    assert store.handed_out == item.digest.size
    assert digest_of(item.target) == item.digest


def test_many_losses_in_a_row_are_given_up_and_the_next_run_goes_on(
    tmp_path: Path, release: StagedRelease, into: Path
) -> None:
    published(tmp_path / "published", release)
    item = item_of(release, CONSOLE, into)
    # 41 losses: one more than the budget, although each came forward.
    store = Unsteady(tmp_path / "published", step=20)
    with pytest.raises(TransientError, match="lost"):
        bring(store, item)
    assert len(store.starts) == 41
    assert names(into) == [f".{CONSOLE}.part"]
    # Nothing comes any more: the limit of one operation.
    nothing = Unsteady(tmp_path / "published", step=0)
    with pytest.raises(TransientError, match="lost"):
        bring(nothing, item)
    assert nothing.starts == [820] * 6
    assert bring(whole := Unsteady(tmp_path / "published", step=10**6), item)
    assert whole.starts == [820]


@unhurried
@given(st.integers(0, 5000), st.booleans(), st.integers(1, 4000))
def test_whatever_an_earlier_run_left_the_file_is_right(
    tmp_path_factory: pytest.TempPathFactory, size: int, damaged: bool, step: int
) -> None:
    folder = tmp_path_factory.mktemp("left")
    data = random.Random(1).randbytes(4000)
    (folder / "releases/1.4.0").mkdir(parents=True)
    (folder / "releases/1.4.0/file").write_bytes(data)
    left = (bytes([data[0] ^ 1]) + data[1:] if damaged else data)[:size].ljust(size, b"?")
    (folder / ".file.part").write_bytes(left)
    store = Unsteady(folder, step=max(step, 200))
    meter = Counting()
    downloads = Downloads(StoreOrigin(store), V140, meter, impatient())
    assert downloads.bring(Item(path="file", digest=digest_of_bytes(data), target=folder / "file"))
    assert meter.moved == len(data)
    assert (folder / "file").read_bytes() == data
    assert names(folder) == ["file", "releases"]
    if not damaged and size <= len(data):
        assert store.handed_out == len(data) - size


def test_of_two_at_once_one_waits(origin: DirectoryDestination, release: StagedRelease, into: Path) -> None:
    results: list[Fetched] = []
    found = find(origin, "1.4.0")
    threads = [
        threading.Thread(target=lambda: results.append(fetch(origin, found, EVERYTHING, into))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(result.fetched) for result in results) == [0, 0, 0, 7]
    assert verify(into) == release.manifest


def test_a_passing_lock_is_one_lock_and_leaves_nothing(tmp_path: Path) -> None:
    inside = 0

    def work() -> None:
        nonlocal inside
        for _ in range(25):
            with passing_lock(tmp_path / ".lock"):
                inside += 1
                time.sleep(0.001)  # long enough for another to come in, if it could
                assert inside == 1
                inside -= 1

    errors: list[object] = []
    threading.excepthook, before = (lambda arguments: errors.append(arguments.exc_value)), threading.excepthook
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    threading.excepthook = before
    assert (errors, names(tmp_path)) == ([], [])
    with locked(tmp_path / ".lock"):
        pass


def test_a_full_disk_keeps_what_came(tmp_path: Path) -> None:
    large = several(tmp_path / "large", size=300_000)
    origin = published(tmp_path / "published", large)
    with mounted(tmp_path / "small", "size=512k") as path:
        with pytest.raises(DestinationError) as caught:
            fetch(origin, find(origin, "1.4.0"), Selection(), path / "into", jobs=1)
        full = f"{path / 'into'} cannot be used: No space left on device; free some space and run again"
        assert str(caught.value) == full
        assert any(name.endswith(".gz.part") for name in names(path / "into"))
        assert "release.json" not in names(path / "into")
        for artifact in large.manifest.artifacts:
            target = path / "into" / artifact.name
            assert not target.exists() or digest_of(target).sha256 == artifact.digest
        subprocess.run(["mount", "-o", "remount,size=8m", path], check=True)
        # It goes on: what is there already is not asked for.
        store = Unsteady(tmp_path / "published", step=10**9)
        fetch(StoreOrigin(store), find(origin, "1.4.0"), Selection(), path / "into")
        assert store.handed_out < sum(artifact.size for artifact in large.manifest.artifacts) - 300_000


def test_a_folder_that_cannot_be_written(origin: DirectoryDestination, tmp_path: Path) -> None:
    with mounted(tmp_path / "fixed", "ro") as path, pytest.raises(DestinationError, match="Read-only file system"):
        fetch(origin, find(origin, "1.4.0"), ONE, path / "into")
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="name a directory, not a file"):
        fetch(origin, find(origin, "1.4.0"), ONE, tmp_path / "file")


class Hostile(StoreOrigin):
    """A place that says whatever manifest it likes."""

    def __init__(self, root: Path, data: bytes) -> None:
        super().__init__(FileStore(root))
        self._data = data

    def manifest_of(self, version: object) -> bytes:
        return self._data


def with_name(name: str) -> bytes:
    artifact = Artifact(name="xxxxx", piece="p", size=3, digest=digest_of_bytes(b"abc").sha256, media_type="text/plain")
    return to_json(manifest(artifacts=(artifact,))).replace(b"xxxxx", name.encode())


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        "a/b",
        ".hidden",
        "release.json",
        "images",
        "SHA256SUMS",
        "-rf",
        "a\\\\b",
    ],
)
def test_hostile_names_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    origin = Hostile(tmp_path, with_name(name))
    with pytest.raises(VerificationError, match=r"release\.json"):
        find(origin, "1.4.0")
    assert find(Hostile(tmp_path, with_name("harmless")), "1.4.0")


def test_an_older_manifest_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"the release\.json of 1\.4\.0 in the place of 1\.5\.0"):
        find(Hostile(tmp_path, with_name("a")), "1.5.0")


@pytest.mark.parametrize("place", ["index", "manifest", "config", "layer"])
def test_hostile_images_never_get_a_name(
    origin: DirectoryDestination, release: StagedRelease, into: Path, tmp_path: Path, place: str
) -> None:
    blobs = tmp_path / "published/releases/1.4.0/images/tesseral-api/blobs/sha256"
    image = next(one for one in release.manifest.images if one.name == "tesseral-api")
    sizes = sorted(path.stat().st_size for path in blobs.iterdir() if path.name != image.digest[7:])
    for path in blobs.iterdir():
        kind = "index" if path.name == image.digest[7:] else None
        data = path.read_bytes()
        kind = kind or ("layer" if path.stat().st_size == sizes[-1] else "config" if b"rootfs" in data else "manifest")
        if kind == place:
            path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    with pytest.raises(VerificationError):
        fetch(origin, find(origin, "1.4.0"), EVERYTHING, into)
    assert not (into / "images/tesseral-api").exists()
    assert not (into / "release.json").exists()


def test_images_are_what_the_manifest_says_of_them(
    origin: DirectoryDestination, release: StagedRelease, into: Path, tmp_path: Path
) -> None:
    first, *others = release.manifest.images
    changes: dict[str, dict[str, Any]] = {
        "holds the image": {"platforms": ("linux/amd64",)},
        "is too large: 4194305 bytes": {"size": 2**22 + 1},
        "release.json says": {"size": first.size + 1},
        "is not an image of a release": {
            # The blob of a manifest, where an index should be.
            "digest": canonical.loads(
                (release.directory / "images" / first.name / "blobs/sha256" / first.digest[7:]).read_bytes()
            )["manifests"][0]["digest"],
        },
    }
    for words, change in changes.items():
        if "digest" in change:
            path = release.directory / "images" / first.name / "blobs/sha256" / str(change["digest"])[7:]
            change["size"] = path.stat().st_size
        image = replace(first, **change)
        data = to_json(replace(release.manifest, images=(image, *others)))
        hostile = Hostile(tmp_path / "published", data)
        with pytest.raises(VerificationError, match=words):
            fetch(hostile, find(hostile, "1.4.0"), EVERYTHING, into)
        assert not (into / "images" / first.name).exists()
        assert not (into / "release.json").exists()
        shutil.rmtree(into)


def test_what_a_person_means(origin: DirectoryDestination, release: StagedRelease) -> None:
    pin = pin_of(release)
    assert find(origin, "1.4.0") == find(origin, "stable") == find(origin, pin)
    assert find(origin, pin).pin == pin
    wrong = Pin(version=V140, manifest_digest="sha256:" + "0" * 64)
    with pytest.raises(
        VerificationError, match=f"has 1.4.0 with a release.json of {pin.manifest_digest}, the pin says"
    ):
        find(origin, wrong)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("latest", "'latest' is neither a version nor a channel; name one such as 1.4.0, or candidate or stable"),
        ("v1.4.0", "write it without a leading v"),
        ("1.4", "'1.4' is not a SemVer version"),
        ("1.3.0", "1.3.0 is not published in .*; it has 1.4.0"),
        ("candidate", "the channel 'candidate' is not set"),
    ],
)
def test_what_nobody_can_mean(origin: DirectoryDestination, wanted: str, words: str) -> None:
    with pytest.raises(VersionError, match=words):
        find(origin, wanted)


def test_an_empty_origin_says_so(tmp_path: Path) -> None:
    with pytest.raises(VersionError, match=r"1\.4\.0 is not published in .*; it has no release: check the address"):
        find(DirectoryDestination(tmp_path / "nothing"), "1.4.0")


def test_yanked_ones_are_told(tmp_path: Path, release: StagedRelease) -> None:
    origin = published(tmp_path / "published", release, several(tmp_path / "next", "1.5.0"), channel="stable")
    yank([origin], parse("1.5.0"), "eats data")
    assert find(origin, "stable").warnings == ("1.5.0 is yanked, taking 1.4.0: eats data",)
    assert find(origin, "1.5.0").warnings == ("1.5.0 is yanked: eats data",)
    yank([origin], V140, "as well")
    with pytest.raises(VersionError, match="which is yanked"):
        find(origin, "stable")
    assert find(origin, pin_of(release)).warnings == ("1.4.0 is yanked: as well",)


def test_unpacking_on_the_way(origin: DirectoryDestination, into: Path) -> None:
    result = fetch(origin, find(origin, "1.4.0"), Selection(pieces=("api",)), into, unpacked=True)
    folders = (API_LINUX.removesuffix(".tar.gz"), API_WINDOWS.removesuffix(".zip"))
    assert sorted(result.unpacked) == sorted(folders)
    for folder in folders:
        assert (into / folder / "bin/api").stat().st_mode & 0o777 == 0o755
        assert (into / folder / "share/größe.txt").read_bytes() == "Größe\n".encode()
    assert len(inspect(into, partial=True).artifacts) == 2
    with pytest.raises(VerificationError):
        inspect(into)
    # What an operator changed stays, what is gone comes back.
    (into / folders[0] / "LICENSE").write_bytes(b"changed")
    shutil.rmtree(into / folders[1])
    fetch(origin, find(origin, "1.4.0"), Selection(pieces=("api",)), into, unpacked=True)
    assert (into / folders[0] / "LICENSE").read_bytes() == b"changed"
    assert (into / folders[1] / "LICENSE").read_bytes() == b"MIT\n"
