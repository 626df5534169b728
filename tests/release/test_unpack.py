import gzip
import io
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hostile_tars import END, HOSTILE, header, plain
from hypothesis import given
from hypothesis import strategies as st
from release_samples import EPOCH, entries, unhurried
from test_directory import mounted

from release.archive import (
    Entry,
    entries_of,
    folder_name,
    gunzip,
    largest_content,
    unpack,
    write_tar_gz,
    write_zip,
)
from release.archive.read_tar import Pieces, members
from release.errors import VerificationError

PACKERS: dict[str, Callable[[Path, Iterable[Entry], int], object]] = {".tar.gz": write_tar_gz, ".zip": write_zip}


def refused(archive: Path, words: str = ".") -> str:
    """Unpacking is refused, nothing is left, and nothing is outside."""
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(VerificationError, match=words) as caught:
        unpack(archive, archive.parent / "target")
    assert sorted(archive.parent.rglob("*")) == before
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{archive}: ")
    return str(caught.value)


def archive_of(folder: Path, data: bytes) -> Path:
    path = folder / "a.tar.gz"
    path.write_bytes(gzip.compress(data))
    return path


@pytest.mark.parametrize("ending", PACKERS)
def test_what_was_packed_comes_out(tmp_path: Path, ending: str) -> None:
    PACKERS[ending](tmp_path / f"a{ending}", entries(), EPOCH)
    before = os.umask(0o077)
    try:
        unpack(tmp_path / f"a{ending}", tmp_path / "out")
    finally:
        os.umask(before)
    found = {
        entry.path: (b"".join(entry.chunks()), stat.S_IMODE((tmp_path / "out" / entry.path).stat().st_mode))
        for entry in entries_of(tmp_path / "out")
    }
    assert found == {entry.path: (entry.source, entry.mode) for entry in entries()}
    folders = [path for path in (tmp_path / "out", *(tmp_path / "out").rglob("*")) if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o755}
    assert len(folders) > 30


NAMES = st.text(st.sampled_from("aA.-ü日 ~/"), min_size=1, max_size=120).filter(
    lambda path: all(part not in ("", ".", "..") for part in path.split("/"))
)


@unhurried
@given(st.dictionaries(NAMES, st.tuples(st.binary(max_size=2000), st.booleans()), max_size=6))
def test_reading_is_the_inverse_of_writing(files: dict[str, tuple[bytes, bool]]) -> None:
    taken = {str(parent) for path in files for parent in Path(path).parents}
    wanted = {path: (data, 0o755 if program else 0o644) for path, (data, program) in files.items() if path not in taken}
    source = Pieces([plain(*[Entry(path=p, source=d, mode=m) for p, (d, m) in wanted.items()])] if wanted else [END])  # type: ignore[arg-type]
    found = {}
    for member in members(source):
        if not member.folder:
            found[member.path] = (source.read(member.size), member.mode)
    assert found == wanted


def test_pieces_of_any_size_are_one_source() -> None:
    data = plain()
    for size in (1, 7, 512, 5000):
        source = Pieces(data[place : place + size] for place in range(0, len(data), size))
        assert [(member.path, member.size) for member in members(source)] == [("a", 0), ("a/b", 7), ("c", 1000)]
        assert source.tell() == len(data)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_tar_is_refused(tmp_path: Path, kind: str) -> None:
    refused(archive_of(tmp_path, HOSTILE[kind]()))


@unhurried
@given(st.integers(0, len(plain()) - 1), st.integers(1, 255))
def test_a_changed_header_never_leads_outside(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    data = bytearray(plain())
    data[place] ^= change
    archive = archive_of(folder, bytes(data))
    try:
        unpack(archive, folder / "target")
    except VerificationError:
        assert sorted(folder.iterdir()) == [archive]
    else:
        assert sorted(folder.iterdir()) == [archive, folder / "target"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-9], "ends in the middle"),
        (lambda data: data[: len(data) // 2], "ends in the middle|damaged"),
        (lambda data: data[:-8] + b"\0" * 8, "damaged: .*incorrect"),
        (lambda data: data + b"garbage", "damaged"),
        (lambda data: b"", "ends in the middle"),
        (lambda data: b"PK" + data, "damaged"),
    ],
)
def test_damaged_gzip(tmp_path: Path, change: Callable[[bytes], bytes], words: str) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(change(gzip.compress(plain())))
    refused(path, words)


def test_members_are_joined_and_memory_stays_flat() -> None:
    data = os.urandom(300_000)
    joined = b"".join(gzip.compress(data[place : place + 70_000]) for place in range(0, len(data), 70_000))
    pieces = list(gunzip(io.BytesIO(joined), len(data)))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 2**16
    zeros = list(gunzip(io.BytesIO(gzip.compress(bytes(10**7))), 10**7))
    assert sum(map(len, zeros)) == 10**7
    assert max(map(len, zeros)) <= 2**16
    with pytest.raises(VerificationError, match="ends in the middle"):
        list(gunzip(io.BytesIO(joined[:-1]), len(data)))
    with pytest.raises(VerificationError, match="more than 299999 bytes"):
        list(gunzip(io.BytesIO(joined), len(data) - 1))


TEN_GB = 10 * 10**9


@pytest.fixture(scope="module")
def zeros() -> bytes:
    """10 GB of zeros as raw deflate: one compressed stretch again and again, ended properly."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    stretch = 100 * 10**6
    first = engine.compress(bytes(stretch)) + engine.flush(zlib.Z_FULL_FLUSH)
    return first * (TEN_GB // stretch) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


def test_a_bomb_in_gzip(tmp_path: Path, zeros: bytes) -> None:
    gz = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    first = header("zeros", 8**11 - 1)
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = engine.compress(first) + engine.flush(zlib.Z_FULL_FLUSH)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gz + start + zeros + bytes(8))
    assert path.stat().st_size < 11 * 10**6
    with mounted(tmp_path / "disk", "size=700m") as disk:
        (disk / "a.tar.gz").write_bytes(path.read_bytes())
        refused(disk / "a.tar.gz", "unpacks to more than 50[0-9]{7} bytes")


def bomb_zip(path: Path, zeros: bytes, declared: int) -> None:
    name = b"zeros"
    sizes = struct.pack("<IIIHH", zlib.crc32(b""), len(zeros), declared, len(name), 0)
    shared = struct.pack("<HHHHH", 20, 1 << 11, 8, 0, 33) + sizes
    local = b"PK\x03\x04" + shared + name
    central = b"PK\x01\x02" + struct.pack("<H", 3 << 8 | 20) + shared
    central += struct.pack("<HHHII", 0, 0, 0, (stat.S_IFREG | 0o644) << 16, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(zeros), 0)
    path.write_bytes(local + zeros + central + end)


@pytest.mark.parametrize(
    ("declared", "words"),
    [(2**32 - 2, "unpacks to more than"), (1000, "damaged: Bad CRC"), (0, "damaged|Bad CRC|ends")],
)
def test_a_bomb_in_zip(tmp_path: Path, zeros: bytes, declared: int, words: str) -> None:
    bomb_zip(tmp_path / "a.zip", zeros, declared)
    if declared == 0:  # nothing is decompressed at all
        unpack(tmp_path / "a.zip", tmp_path / "target")
        assert (tmp_path / "target/zeros").stat().st_size == 0
        return
    refused(tmp_path / "a.zip", words)


def test_the_limit_leaves_room_for_what_compresses_well(tmp_path: Path) -> None:
    for size in (10**6, 15 * 10**6):
        files = [Entry(path="zeros", source=bytes(size))]
        write_tar_gz(tmp_path / f"{size}.tar.gz", files, EPOCH)
        unpack(tmp_path / f"{size}.tar.gz", tmp_path / str(size))
    assert largest_content(0) == 16 * 2**20
    assert largest_content(10**6) == 16 * 2**20 + 50 * 10**6


def zip_of(path: Path, *files: tuple[str, int, bytes], flags: int | None = None) -> None:
    with zipfile.ZipFile(path, "w") as opened:
        for name, mode, data in files:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            opened.writestr(info, data)
    # zipfile sets the flag for names in UTF-8 only where they are not ASCII; ours have it always.
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.find(signature)
        while place >= 0:
            struct.pack_into("<H", raw, place + offset, 1 << 11 if flags is None else flags)
            place = raw.find(signature, place + 1)
    path.write_bytes(raw)


FILE = stat.S_IFREG | 0o644


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("../escaped", FILE, b"x")], "not a safe file name"),
        ([("/escaped", FILE, b"x")], "not a safe file name"),
        ([("a/../../escaped", FILE, b"x")], "not a safe file name"),
        ([("a\\..\\b", FILE, b"x")], "not a safe file name"),
        ([("link", stat.S_IFLNK | 0o777, b"/etc/passwd")], "not a plain file"),
        ([("device", stat.S_IFCHR | 0o644, b"")], "not a plain file"),
        ([("setuid", stat.S_IFREG | 0o4755, b"")], "not a plain file"),
        ([("no type", 0o644, b"")], "not a plain file"),
        ([("folder/", stat.S_IFDIR | 0o755, b"")], "not a safe file name"),
        ([("a", FILE, b"1"), ("a", FILE, b"2")], "in it twice"),
        ([("a", FILE, b"1"), ("a/b", FILE, b"2")], "in it twice"),
        ([("a/b", FILE, b"1"), ("a", FILE, b"2")], "in it twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_is_refused(tmp_path: Path, files: list[tuple[str, int, bytes]], words: str) -> None:
    zip_of(tmp_path / "a.zip", *files)
    refused(tmp_path / "a.zip", words)


def test_encrypted_or_otherwise_flagged_zips_are_refused(tmp_path: Path) -> None:
    for flags in (1, 1 << 3, 1 << 5, 1 << 13, 0):
        zip_of(tmp_path / "a.zip", ("a", FILE, b"x"), flags=flags)
        refused(tmp_path / "a.zip")
    zip_of(tmp_path / "a.zip", ("a", FILE, b"x"))
    unpack(tmp_path / "a.zip", tmp_path / "target")


def test_a_damaged_zip_gives_no_other_files(tmp_path: Path) -> None:
    files = {"a": b"abc" * 30, "b": b"12"}
    write_zip(tmp_path / "whole", [Entry(path=name, source=data) for name, data in files.items()], EPOCH)
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / "whole").unlink()
    archive, target = tmp_path / "a.zip", tmp_path / "target"
    refusals = 0
    for place in range(len(data)):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]):
            archive.write_bytes(damaged)
            try:
                unpack(archive, target)
            except VerificationError:
                refusals += 1
                assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
            else:  # a time, or another field that nothing depends on
                assert {path.name: path.read_bytes() for path in target.iterdir()} == files
                shutil.rmtree(target)
    print(f"{refusals} of {2 * len(data)} damages refused")
    assert refusals > len(data)


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", entries(), EPOCH)
    (tmp_path / ".out.unpacking").mkdir()
    (tmp_path / ".out.unpacking/half").touch()
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]
    assert not (tmp_path / "out/half").exists()


def test_names_of_folders() -> None:
    assert folder_name("tesseral-api_1.4.0_linux_amd64.tar.gz") == "tesseral-api_1.4.0_linux_amd64"
    assert folder_name("a_1.4.0.zip") == "a_1.4.0"
    assert folder_name("a.cdx.json") is None
