import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from release_samples import CREATED, EPOCH, ROOT, staged

from release.catalogue import refresh
from release.channels import move, read_channel
from release.checksums import digest_of_bytes
from release.destination import Channel, DirectoryDestination, Outcome, Pin, directory, open_destination, open_origin
from release.destination import channel as channels
from release.destination.channel import Seal
from release.errors import ConflictError, DestinationError, UsageError, VerificationError, VersionError
from release.manifest import to_json
from release.revision import Writing
from release.staged import StagedRelease
from release.transfer import SILENT, Meter
from release.verify import verify
from release.version import parse

V140 = parse("1.4.0")


def digest(release: StagedRelease) -> str:
    return digest_of_bytes(to_json(release.manifest)).sha256


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Inode and content of every file below ``root``, apart from the lock."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(root)): (path.stat().st_ino, path.read_bytes()) for path in files}


def put(destination: DirectoryDestination, release: StagedRelease) -> Outcome:
    with destination.staging(release, SILENT) as staging:
        outcome = staging.commit()
    refresh(destination)
    return outcome


def visible(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "releases").glob("*") if path.is_dir())


def leftovers(root: Path) -> list[Path]:
    return list(root.glob(".incoming-*"))


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "published" / "here"


@pytest.fixture
def destination(root: Path) -> DirectoryDestination:
    return DirectoryDestination(root)


def test_publishing_makes_the_whole_release_visible(
    release: StagedRelease, root: Path, destination: DirectoryDestination
) -> None:
    assert destination.manifest_of(V140) is None
    assert not destination.holds(release)
    assert put(destination, release) is Outcome.PUBLISHED
    assert verify(root / "releases" / "1.4.0") == release.manifest
    assert destination.folder(V140) == root / "releases" / "1.4.0"
    assert destination.manifest_of(V140) == to_json(release.manifest)
    assert destination.holds(release)
    assert leftovers(root) == []


def test_what_is_published_is_public_whatever_the_umask(
    release: StagedRelease, root: Path, destination: DirectoryDestination
) -> None:
    before = os.umask(0o077)
    try:
        put(destination, release)
        move(destination, "stable", Pin(version=V140, manifest_digest=digest(release)))
    finally:
        os.umask(before)
    folders = [root / "releases", root / "channels"]
    folders += [path for path in (root / "releases").rglob("*") if path.is_dir()]
    files = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}


def test_the_same_again_changes_nothing(release: StagedRelease, root: Path, destination: DirectoryDestination) -> None:
    put(destination, release)
    before = snapshot(root)
    assert put(destination, release) is Outcome.UNCHANGED
    assert snapshot(root) == before


def test_other_bytes_under_a_published_version_are_refused(
    tmp_path: Path, release: StagedRelease, root: Path, destination: DirectoryDestination
) -> None:
    put(destination, release)
    before = snapshot(root)
    other = staged(tmp_path / "other", content=b"other")
    name = "tesseral-api_1.4.0_linux_amd64.tar.gz"
    digests = [next(a.digest for a in r.manifest.artifacts if a.name == name) for r in (release, other)]
    for attempt in (put, DirectoryDestination.holds):
        with pytest.raises(ConflictError) as caught:
            attempt(destination, other)
        message = str(caught.value)
        assert "images/tesseral-api/blobs" in message or name in message
        assert "raise the version" in message
    assert snapshot(root) == before
    assert digests[0] != digests[1]


def test_a_conflict_names_the_file_and_both_digests(
    tmp_path: Path, release: StagedRelease, root: Path, destination: DirectoryDestination
) -> None:
    put(destination, release)
    path = root / "releases" / "1.4.0" / "tesseral-api_1.4.0_linux_amd64.tar.gz"
    path.write_bytes(b"other")
    there, here = digest_of_bytes(b"other"), release.manifest.artifacts[0].digest
    with pytest.raises(ConflictError, match=f"another {path.name}: {there} there, {here} here"):
        put(destination, release)


def test_writing_to_the_staged_files_does_not_reach_what_is_published(
    release: StagedRelease, root: Path, destination: DirectoryDestination
) -> None:
    put(destination, release)
    for path in release.directory.iterdir():
        if path.is_file():
            path.write_bytes(b"later")
    verify(root / "releases" / "1.4.0")


def test_a_bad_copy_never_becomes_visible(
    release: StagedRelease, root: Path, destination: DirectoryDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(source: Path, target: Path, meter: Meter) -> None:
        target.write_bytes(source.read_bytes()[:-1])

    monkeypatch.setattr(directory, "_copy_file", broken)
    with pytest.raises(VerificationError):
        put(destination, release)
    assert visible(root) == []
    assert leftovers(root) == []


class Interrupting:
    """A meter that is told to stop in the middle, as by a signal."""

    def expect(self, size: int) -> None:
        pass

    def advance(self, size: int) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_leaves_nothing(release: StagedRelease, root: Path, destination: DirectoryDestination) -> None:
    with pytest.raises(KeyboardInterrupt), destination.staging(release, Interrupting()):
        pass
    assert visible(root) == []
    assert leftovers(root) == []


def test_the_index_is_in_semver_order(tmp_path: Path, root: Path, destination: DirectoryDestination) -> None:
    for version in ("1.10.0", "1.9.0", "1.10.0-rc.2", "1.10.0-rc.10"):
        put(destination, staged(tmp_path / version, version))
    (root / "releases" / "not-a-version").mkdir()
    index = json.loads((root / "index.json").read_bytes())
    assert [row["version"] for row in index["releases"]] == ["1.9.0", "1.10.0-rc.2", "1.10.0-rc.10", "1.10.0"]
    assert (
        index["releases"][0]["manifestDigest"] == digest_of_bytes(destination.manifest_of(parse("1.9.0")) or b"").sha256
    )


def test_channels_only_go_forward(tmp_path: Path, root: Path, destination: DirectoryDestination) -> None:
    releases = {version: staged(tmp_path / version, version) for version in ("1.3.9", "1.4.0", "1.4.1")}
    for one in releases.values():
        put(destination, one)
    assert read_channel(destination, "stable") is None
    at_noon = Writing(clock=lambda: CREATED)
    move(destination, "stable", Pin(version=V140, manifest_digest=digest(releases["1.4.0"])), writing=at_noon)
    expected = {
        "channel": "stable",
        "manifestDigest": digest(releases["1.4.0"]),
        "previous": [],
        "schemaVersion": 1,
        "sequence": EPOCH,
        "version": "1.4.0",
    }
    path = root / "channels" / "stable.json"
    assert path.read_bytes() == (json.dumps(expected, separators=(",", ":")) + "\n").encode()
    before = snapshot(root)
    move(destination, "stable", Pin(version=V140, manifest_digest=digest(releases["1.4.0"])))
    with pytest.raises(VersionError, match=r"at 1\.4\.0 and cannot go back to 1\.3\.9"):
        move(destination, "stable", Pin(version=parse("1.3.9"), manifest_digest=digest(releases["1.3.9"])))
    assert snapshot(root) == before
    move(destination, "stable", Pin(version=parse("1.4.1"), manifest_digest=digest(releases["1.4.1"])), writing=at_noon)
    assert read_channel(destination, "stable") == Channel(
        name="stable",
        current=Pin(version=parse("1.4.1"), manifest_digest=digest(releases["1.4.1"])),
        previous=(Pin(version=V140, manifest_digest=digest(releases["1.4.0"])),),
        sequence=EPOCH + 1,
    )
    assert read_channel(destination, "candidate") is None


def test_a_channel_points_only_to_what_is_published(release: StagedRelease, destination: DirectoryDestination) -> None:
    with pytest.raises(VerificationError, match="publish it first"):
        move(destination, "stable", Pin(version=V140, manifest_digest=digest(release)))
    put(destination, release)
    with pytest.raises(VerificationError, match="publish it first"):
        move(destination, "stable", Pin(version=V140, manifest_digest="sha256:" + "0" * 64))


@pytest.mark.parametrize("name", ["latest", "../index", ""])
def test_there_are_no_other_channels(destination: DirectoryDestination, release: StagedRelease, name: str) -> None:
    with pytest.raises(VersionError):
        read_channel(destination, name)
    with pytest.raises(VersionError):
        move(destination, name, Pin(version=V140, manifest_digest=digest(release)))


def pin(version: str, digit: str = "0") -> Pin:
    return Pin(version=parse(version), manifest_digest=f"sha256:{digit * 64}")


WRITTEN = Channel(
    name="stable",
    current=pin("1.4.0"),
    previous=(replace(pin("1.3.0"), yanked="broken"),),
    sequence=7,
    seal=Seal(expires=CREATED, signature="signed"),
)


def test_a_channel_with_another_manifest_is_a_conflict() -> None:
    now = Channel(name="stable", current=pin("1.4.0"))
    with pytest.raises(ConflictError):
        channels.moved(now, "stable", pin("1.4.0", "1"))
    assert channels.moved(now, "stable", pin("1.4.0")) is now
    assert channels.moved(None, "stable", pin("1.4.0")) == now


def test_a_channel_remembers_the_last_ten() -> None:
    channel = None
    for minor in range(15):
        channel = channels.moved(channel, "stable", pin(f"1.{minor}.0"))
    assert channel is not None
    assert [str(each.version) for each in channel.pins] == [f"1.{minor}.0" for minor in range(14, 3, -1)]
    written = replace(channel, sequence=1)
    assert channels.from_json(channels.to_json(written), "stable") == written


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"[]",
        lambda data: b"{}",
        lambda data: data + b" ",
        lambda data: data.replace(b"1.4.0", b"1.4"),
        lambda data: data.replace(b"stable", b"candidate"),
        lambda data: data.replace(b"sha256:0", b"sha256:x"),
        lambda data: data.replace(b"1.3.0", b"1.5.0"),
        lambda data: data.replace(b"1.3.0", b"1.4.0"),
        lambda data: data.replace(b'"sequence":7', b'"sequence":0'),
        lambda data: data.replace(b'"sequence":7', b'"sequence":-7'),
        lambda data: data.replace(b'"sequence":7', b'"sequence":true'),
        lambda data: data.replace(b'"sequence":7', b'"sequence":"7"'),
        lambda data: data.replace(b'"sequence":7', b'"sequence":9007199254740992'),
        lambda data: data.replace(b'"sequence":7,', b""),
        lambda data: data.replace(b'"broken"', b'"two\\nlines"'),
        lambda data: data.replace(b'"broken"', b'""'),
        lambda data: data.replace(b'"broken"', b"null"),
        lambda data: data.replace(b'"broken"', b"7"),
        lambda data: data.replace(b'"expires":"2026-01-01T12:30:07Z",', b""),
        lambda data: data.replace(b"2026-01-01T12:30:07Z", b"2026-01-01T12:30:07+00:00"),
        lambda data: data.replace(b',"signature":"signed"', b""),
        lambda data: data.replace(b'"signed"', b"7"),
        lambda data: data.replace(b'"signed"', b'"\\ud800"'),
    ],
)
def test_a_channel_file_of_another_form_is_refused(change: Callable[[bytes], bytes]) -> None:
    data = channels.to_json(WRITTEN)
    assert channels.from_json(data, "stable") == WRITTEN
    changed = change(data)
    assert changed != data
    with pytest.raises(VerificationError):
        channels.from_json(changed, "stable")


def test_a_channel_file_with_more_than_ten_before_is_refused() -> None:
    older = tuple(pin(f"1.{minor}.0") for minor in range(11, 0, -1))
    for count, refused in ((10, False), (11, True)):
        data = channels.to_json(Channel(name="stable", current=pin("1.12.0"), previous=older[:count], sequence=1))
        if refused:
            with pytest.raises(VerificationError, match="not as it was written"):
                channels.from_json(data, "stable")
        else:
            channels.from_json(data, "stable")


def test_a_newer_channel_file_says_to_upgrade() -> None:
    data = channels.to_json(WRITTEN)
    with pytest.raises(VerificationError, match="upgrade tesseral-release"):
        channels.from_json(data.replace(b'"schemaVersion":1', b'"schemaVersion":2'), "stable")


def test_opening(tmp_path: Path) -> None:
    assert isinstance(open_destination("some/where"), DirectoryDestination)
    assert isinstance(open_origin("some/where"), DirectoryDestination)
    for text in ("gs://bucket", "file:///x", "", "a\0b"):
        with pytest.raises(UsageError):
            open_destination(text)
        with pytest.raises(UsageError):
            open_origin(text)
    with pytest.raises(UsageError, match="can be read from, not published to"):
        open_destination("https://example.com/releases")


def test_a_file_in_the_way(tmp_path: Path, release: StagedRelease) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DestinationError, match="name a directory, not a file"):
            DirectoryDestination(path).check()
        with pytest.raises(DestinationError, match="name a directory, not a file"):
            put(DirectoryDestination(path), release)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs procfs")
def test_a_place_that_cannot_hold_files(release: StagedRelease) -> None:
    with pytest.raises(DestinationError, match="/proc/nothing cannot be used: No such file or directory"):
        DirectoryDestination(Path("/proc/nothing")).check()


@contextmanager
def mounted(path: Path, options: str) -> Iterator[Path]:
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk(tmp_path: Path) -> None:
    large = staged(tmp_path / "large", content=os.urandom(300_000))
    with mounted(tmp_path / "small", "size=512k") as path:
        destination = DirectoryDestination(path)
        destination.check()
        with pytest.raises(DestinationError) as caught:
            put(destination, large)
        assert str(caught.value) == f"{path} cannot be used: No space left on device; free some space and run again"
        assert visible(path) == []
        assert leftovers(path) == []
        put(destination, staged(tmp_path / "fits", content=b"small"))


def test_a_disk_that_is_read_only(tmp_path: Path, release: StagedRelease) -> None:
    with mounted(tmp_path / "fixed", "ro") as path, pytest.raises(DestinationError, match="Read-only file system"):
        DirectoryDestination(path).check()


class Publisher:
    """A run of publisher.py that waits at ``point``."""

    def __init__(self, release: StagedRelease, root: Path, point: str, flag: Path) -> None:
        self.flag = flag
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("publisher.py"), release.directory, root, point, flag],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def reach(self) -> None:
        deadline = time.monotonic() + 60
        while not self.flag.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> None:
        self.reach()
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        self.flag.unlink()

    def finish(self) -> tuple[int, str]:
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output + errors


@pytest.mark.parametrize("point", ["copy-1", "copy-7", "verified", "renamed", "channel"])
def test_a_killed_run_shows_nothing_in_part_and_the_next_one_finishes(
    tmp_path: Path, release: StagedRelease, root: Path, point: str
) -> None:
    Publisher(release, root, point, tmp_path / "flag").kill()
    done = point in ("renamed", "channel")
    assert visible(root) == (["1.4.0"] if done else [])
    assert (root / "channels").exists() == (point == "channel")
    assert not (root / "index.json").exists()
    if done:
        verify(root / "releases" / "1.4.0")
    status, output = Publisher(release, root, "none", tmp_path / "flag").finish()
    assert (status, output) == (0, "unchanged\n" if done else "published\n")
    verify(root / "releases" / "1.4.0")
    assert leftovers(root) == []
    assert [row["version"] for row in json.loads((root / "index.json").read_bytes())["releases"]] == ["1.4.0"]
    assert (root / "channels" / "stable.json").exists()


def test_a_sweep_spares_the_living(tmp_path: Path, release: StagedRelease, root: Path) -> None:
    other = staged(tmp_path / "other", "1.5.0")
    slow = Publisher(release, root, "copy-3", tmp_path / "flag")
    slow.reach()
    assert Publisher(other, root, "none", tmp_path / "unused").finish() == (0, "published\n")
    assert len(leftovers(root)) == 1
    slow.flag.unlink()
    status, output = slow.finish()
    # Its release is there; the channel moved on meanwhile, and doesn't go back.
    assert status == VersionError.exit_status
    assert "cannot go back to 1.4.0" in output
    assert visible(root) == ["1.4.0", "1.5.0"]


@pytest.mark.parametrize("same", [True, False])
def test_of_two_at_once_with_other_bytes_one_wins(
    tmp_path: Path, release: StagedRelease, root: Path, same: bool
) -> None:
    other = staged(tmp_path / "other", content=b"other")
    pair = [
        Publisher(one, root, "verified", tmp_path / f"flag{number}")
        for number, one in enumerate([release, release if same else other])
    ]
    for publisher in pair:
        publisher.reach()
    assert visible(root) == []
    for publisher in pair:
        publisher.flag.unlink()
    results = [publisher.finish() for publisher in pair]
    if same:
        assert sorted(results) == [(0, "published\n"), (0, "unchanged\n")]
    else:
        assert sorted(status for status, _ in results) == [0, ConflictError.exit_status]
        winner = [release, other][[status for status, _ in results].index(0)]
        assert verify(root / "releases" / "1.4.0") == winner.manifest
    assert leftovers(root) == []
