"""What a machine remembers of channels: never less than it saw, and never in the way of who cannot keep it."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from channel_samples import NOON, Reader, Site
from release_samples import ROOT, staged
from signing_support import key_of, make_key
from test_directory import mounted

from release.attestations import sign_release
from release.checksums import digest_of_bytes
from release.cli import main
from release.destination import Channel, DirectoryDestination, Pin
from release.destination.seal import sealed, signed_bytes
from release.errors import VerificationError
from release.memory import FileMemory, Seen, from_json, memory_path, seen_of, to_json
from release.publish import publish
from release.signing import Signer
from release.version import parse


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return key_of(make_key(tmp_path_factory.mktemp("key") / "key"))


@pytest.fixture
def site(tmp_path: Path, signer: Signer) -> Site:
    made = Site(tmp_path / "site", signer)
    made.move("1.4.0")
    return made


def channel(signer: Signer, sequence: int, version: str = "1.4.0", name: str = "stable") -> Channel:
    pin = Pin(version=parse(version), manifest_digest="sha256:" + "0" * 64)
    return sealed(Channel(name=name, current=pin, sequence=sequence), signer, NOON)


def kept(path: Path) -> dict[str, dict[str, int]]:
    """The sequences by origin and channel."""
    origins = json.loads(path.read_bytes())["origins"]
    return {origin: {name: one["sequence"] for name, one in channels.items()} for origin, channels in origins.items()}


def unwarned(text: str) -> None:
    raise AssertionError(text)


def test_its_form_and_place(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "new/tesseral-release/channels.json"
    one = channel(signer, 7)
    FileMemory(path, unwarned).accept("https://releases.example.com", one)
    assert json.loads(path.read_bytes()) == {
        "origins": {
            "https://releases.example.com": {
                "stable": {
                    "digest": digest_of_bytes(signed_bytes(one)).sha256,
                    "sequence": 7,
                    "version": "1.4.0",
                }
            }
        },
        "schemaVersion": 1,
    }
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert from_json(path.read_bytes(), path) == {("https://releases.example.com", "stable"): seen_of(one)}


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"XDG_STATE_HOME": "/state"}, "/state/tesseral-release/channels.json"),
        ({"XDG_STATE_HOME": "state"}, "/home/somebody/.local/state/tesseral-release/channels.json"),
        ({}, "/home/somebody/.local/state/tesseral-release/channels.json"),
    ],
)
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], place: str) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert memory_path(environment) == Path(place)


def test_origins_and_channels_have_numbers_of_their_own(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "channels.json"
    memory = FileMemory(path, unwarned)
    memory.accept("https://a.example", channel(signer, 7))
    memory.accept("https://b.example", channel(signer, 5, "1.3.0"))
    memory.accept("https://a.example", channel(signer, 3, "1.5.0-rc.1", "candidate"))
    memory.accept("https://a.example/", channel(signer, 8))
    assert kept(path) == {
        "https://a.example": {"candidate": 3, "stable": 8},
        "https://b.example": {"stable": 5},
    }


def test_a_folder_is_known_from_wherever_it_is_named(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "channels.json"
    monkeypatch.chdir(tmp_path)
    FileMemory(path, unwarned).accept("here/../published", channel(signer, 7))
    assert kept(path) == {str(tmp_path / "published"): {"stable": 7}}
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    FileMemory(path, unwarned).accept("published", channel(signer, 1))
    with pytest.raises(VerificationError, match="rolled back"):
        FileMemory(path, unwarned).accept("../published/", channel(signer, 6))


def test_what_was_seen_already_is_not_written(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "channels.json"
    memory = FileMemory(path, unwarned)
    memory.accept("a", channel(signer, 7))
    before = path.stat().st_ino, path.stat().st_mtime_ns
    memory.accept("a", channel(signer, 7))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before


def test_what_was_written_here_is_kept_unless_a_later_one_is_known(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "channels.json"
    memory = FileMemory(path, unwarned)
    for sequence, version in ((7, "1.4.0"), (8, "1.3.0"), (6, "1.5.0"), (8, "1.5.0")):
        memory.remember("https://a.example", channel(signer, sequence, version))
    assert kept(path) == {"https://a.example": {"stable": 8}}
    memory.accept("https://a.example", channel(signer, 8, "1.3.0"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 10**5,
        b'{"origins":{"a":{"stable":{"digest":"x","sequence":7}}},"schemaVersion":1}',
        b'{"origins":{"a":{"stable":{"digest":"x","sequence":null,"version":"1.4.0"}}},"schemaVersion":1}',
        b'{"origins":{"a":{"stable":{"digest":"x","sequence":7,"version":"1.4"}}},"schemaVersion":1}',
        b'{"origins":{"a":7},"schemaVersion":1}',
    ],
)
def test_a_damaged_one_is_refused_and_left_as_it_is(site: Site, tmp_path: Path, data: bytes) -> None:
    reader = Reader(site, tmp_path / "channels.json")
    reader.path.write_bytes(data)
    with pytest.raises(VerificationError) as caught:
        reader.look()
    assert str(caught.value).startswith(f"{reader.path} is damaged, ")
    assert caught.value.next_step
    assert reader.path.read_bytes() == data
    reader.path.unlink()
    assert reader.gets() == "1.4.0"


def test_a_newer_form_says_to_upgrade(site: Site, tmp_path: Path) -> None:
    reader = Reader(site, tmp_path / "channels.json")
    reader.path.write_bytes(b'{"origins":{},"schemaVersion":2}')
    with pytest.raises(VerificationError, match="upgrade tesseral-release"):
        reader.look()


def test_a_person_may_remove_an_entry_with_any_editor(site: Site, tmp_path: Path) -> None:
    reader = Reader(site, tmp_path / "channels.json")
    reader.gets()
    reader.path.write_text('{\n  "origins": {},\n  "schemaVersion": 1\n}')
    assert reader.gets() == "1.4.0"


def test_a_place_that_cannot_be_written_is_a_warning(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reader = Reader(site, tmp_path / "file/channels.json")
    assert reader.gets() == "1.4.0"
    (warning,) = reader.warnings
    assert warning.startswith(f"{reader.path} cannot be written: ")
    assert warning.endswith(", so a channel that is rolled back would not be noticed")


def test_one_that_can_only_be_read_still_tells(site: Site, tmp_path: Path) -> None:
    old = site.data()
    with mounted(tmp_path / "fixed", "size=1m") as folder:
        reader = Reader(site, folder / "channels.json")
        site.move("1.4.1")
        reader.gets()
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        assert reader.gets() == "1.4.1"
        assert [text.partition(", so")[0] for text in reader.warnings] == [
            f"{reader.path} cannot be written: Read-only file system"
        ]
        site.file().write_bytes(old)
        with pytest.raises(VerificationError, match="rolled back"):
            reader.look()


def test_no_home_is_a_warning(signer: Signer) -> None:
    warnings: list[str] = []
    FileMemory(None, warnings.append).accept("a", channel(signer, 7))
    assert warnings == [
        "there is no home to remember channels in, so a channel that is rolled back would not be noticed; "
        "set XDG_STATE_HOME"
    ]


def test_a_full_disk_is_a_warning_and_loses_nothing(site: Site, tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=64k") as folder:
        reader = Reader(site, folder / "channels.json")
        reader.gets()
        before = reader.path.read_bytes()
        with (folder / "filling").open("wb", buffering=0) as file, suppress(OSError):
            file.write(bytes(2**20))
        site.move("1.4.1")
        assert reader.gets() == "1.4.1"
        assert len(reader.warnings) == 1
        assert reader.path.read_bytes() == before
        assert [one.name for one in folder.iterdir() if one.name.endswith(".part")] == []


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each of four writes fifty channels of its own and one that all share, whose number only rises."""
    code = (
        "import sys; from pathlib import Path; from test_memory import *;"
        "signer = key_of(Path(sys.argv[1]));"
        "memory = FileMemory(Path(sys.argv[2]), unwarned);"
        "[memory.accept(f'https://{sys.argv[3]}.example/{n}', channel(signer, n)) for n in range(1, 51)]"
    )
    key, path = make_key(tmp_path / "key"), tmp_path / "state/channels.json"
    folders = os.pathsep.join(str(folder) for folder in (ROOT, ROOT / "tests", ROOT / "tests/release"))
    command: list[str | Path] = [sys.executable, "-c", code, key, path]
    env = {**os.environ, "PYTHONPATH": folders}
    running = [subprocess.Popen([*command, str(number)], env=env) for number in range(4)]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    wanted = {f"https://{process}.example/{n}": {"stable": n} for process in range(4) for n in range(1, 51)}
    assert kept(path) == wanted


def test_to_json_is_read_back(tmp_path: Path) -> None:
    known = {
        (origin, name): Seen(sequence=number, version=parse("1.4.0-rc.1"), digest=f"sha256:{number}")
        for number, (origin, name) in enumerate([("a", "stable"), ("a", "candidate"), ("größe", "stable")])
    }
    assert from_json(to_json(known), tmp_path) == known


def test_a_name_that_is_no_text(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "channels.json"
    for _ in range(2):
        FileMemory(path, unwarned).accept("/srv/\udcff", channel(signer, 7))
    assert kept(path) == {"/srv/\\udcff": {"stable": 7}}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Path:
    """Two releases; ``old.json`` is the channel from before the second."""
    work = tmp_path_factory.mktemp("published")
    destination = DirectoryDestination(work / "site")
    for version in ("1.4.0", "1.4.1"):
        release = staged(work / version, version)
        sign_release(release, signer)
        publish(release, [destination], "stable", signer=signer)
        if version == "1.4.0":
            shutil.copy(work / "site/channels/stable.json", work / "old.json")
    (work / "key.pub").write_text(f"{signer.public_key.openssh()}\n")
    return work


@pytest.mark.parametrize("command", ["fetch", "pin", "bundle"])
def test_each_command_remembers(
    published: Path,
    tmp_path: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(published / "site", tmp_path / "site")
    path = tmp_path / "state/tesseral-release/channels.json"
    line = (command, "stable", "--from", "site")
    key = ("--key", str(published / "key.pub"))
    main([*line, *key, "--into", "first"])
    seen = path.read_bytes()
    assert list(kept(path)) == [str(tmp_path / "site")]
    shutil.copy(published / "old.json", tmp_path / "site/channels/stable.json")
    with pytest.raises(VerificationError, match=r"the channel 'stable' in .*site was rolled back"):
        main([*line, *key, "--into", "second"])
    main([*line, "--insecure-unsigned", "--into", "third"])
    assert path.read_bytes() == seen
    monkeypatch.setenv("XDG_STATE_HOME", str(published / "key.pub"))
    capsys.readouterr()
    main([*line, *key, "--into", "fourth"])
    said = capsys.readouterr().err
    assert said.startswith(f"warning: {published}/key.pub/tesseral-release/channels.json cannot be written: ")
