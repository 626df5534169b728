import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from release_samples import EPOCH, ROOT, entries, unhurried

from release.archive import Entry, entries_of, write_tar, write_tar_gz, write_zip
from release.archive.entry import ordered
from release.checksums import digest_of, digest_of_bytes
from release.errors import SourceError

Tree = dict[str, tuple[bytes, Literal[0o644, 0o755]]]

segments = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1, max_size=30
).filter(lambda text: text not in (".", ".."))
trees: SearchStrategy[Tree] = st.dictionaries(
    st.lists(segments, min_size=1, max_size=6).map("/".join),
    st.tuples(st.binary(max_size=2000), st.sampled_from([0o644, 0o755])),
    max_size=8,
)


def to_entries(tree: Tree) -> tuple[Entry, ...]:
    result = tuple(Entry(path=path, source=data, mode=mode) for path, (data, mode) in tree.items())
    try:
        ordered(result)
    except SourceError:
        assume(False)
    return result


def tar_of(files: Sequence[Entry], mtime: int = EPOCH) -> bytes:
    sink = io.BytesIO()
    write_tar(files, sink, mtime)
    return sink.getvalue()


def test_golden_digests(tmp_path: Path) -> None:
    """These bytes are published: a change here is a change of the format."""
    tar = write_tar_gz(tmp_path / "t.tar.gz", entries(), EPOCH)
    write_zip(tmp_path / "t.zip", entries(), EPOCH)
    assert tar.sha256 == "sha256:a4ef756089c8d6ac9df19f529fbd6e1cedf073b1b9c7888bfacbdd505e7bde83"
    assert (
        digest_of(tmp_path / "t.tar.gz").sha256
        == "sha256:fab7327a764c5d76aab846eb75e1df669abcd1ef16fcee365c6bcea779af9b1b"
    )
    assert (
        digest_of(tmp_path / "t.zip").sha256
        == "sha256:3a3c8da4015958dc8a61c2c88de68a312e87f6b65c9fb881faddf5657662db7e"
    )


@unhurried
@given(trees)
def test_python_reads_the_tar(tree: Tree) -> None:
    files = to_entries(tree)
    with tarfile.open(fileobj=io.BytesIO(tar_of(files))) as tar:
        members = tar.getmembers()
        found = {m.name: (tar.extractfile(m).read(), m.mode) for m in members if m.isfile()}  # type: ignore[union-attr]
    assert found == tree
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} <= {(0, 0, "", "", EPOCH)}
    assert {m.mode for m in members if m.isdir()} <= {0o755}
    names = [m.name for m in members]
    assert names == sorted(names, key=str.encode)


@unhurried
@given(trees, st.randoms())
def test_the_order_of_entries_does_not_show(tree: Tree, random: Random) -> None:
    files = list(to_entries(tree))
    before = tar_of(files)
    random.shuffle(files)
    assert tar_of(files) == before


@unhurried
@given(trees)
def test_python_reads_the_zip(tmp_path_factory: pytest.TempPathFactory, tree: Tree) -> None:
    path = tmp_path_factory.getbasetemp() / "t.zip"
    write_zip(path, to_entries(tree), EPOCH)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert {i.filename: (archive.read(i), i.external_attr >> 16 & 0o7777) for i in infos} == tree
    assert {(i.date_time, i.extra, i.create_system) for i in infos} <= {((2026, 1, 1, 12, 30, 6), b"", 3)}
    assert all(i.compress_size <= i.file_size for i in infos)


def test_other_tools_read_both(tmp_path: Path) -> None:
    digest = write_tar_gz(tmp_path / "t.tar.gz", entries(), EPOCH)
    write_zip(tmp_path / "t.zip", entries(), EPOCH)
    unpacked = subprocess.run(["gzip", "-dc", tmp_path / "t.tar.gz"], check=True, capture_output=True).stdout
    assert digest_of_bytes(unpacked).sha256 == digest.sha256
    assert len(unpacked) == digest.size
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "t.tar.gz", "-C", tmp_path / "out"], check=True)
    assert entries_of(tmp_path / "out")[1].path == "bin/api"
    assert (tmp_path / "out" / "share" / "größe.txt").read_text() == "Größe\n"
    subprocess.run(["unzip", "-t", tmp_path / "t.zip"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("mtime", "time"),
    [(0, (1980, 1, 1, 0, 0, 0)), (EPOCH, (2026, 1, 1, 12, 30, 6)), (8**11 - 1, (2107, 12, 31, 23, 59, 58))],
)
def test_zip_times_are_utc_and_clamped(tmp_path: Path, mtime: int, time: tuple[int, ...]) -> None:
    write_zip(tmp_path / "t.zip", [Entry(path="a", source=b"")], mtime)
    assert zipfile.ZipFile(tmp_path / "t.zip").infolist()[0].date_time == time


def test_entries_have_normal_modes(tmp_path: Path) -> None:
    for name, mode in (("plain", 0o600), ("program", 0o711), ("group", 0o610)):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_bytes(b"x")
        (tmp_path / "d" / name).chmod(mode)
    found = [(entry.path, entry.mode) for entry in entries_of(tmp_path, prefix="p/")]
    assert found == [("p/d/group", 0o755), ("p/d/plain", 0o644), ("p/d/program", 0o755)]


@pytest.mark.parametrize("paths", [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"]])
def test_a_path_is_taken_once(paths: list[str]) -> None:
    with pytest.raises(SourceError, match="twice"):
        tar_of([Entry(path=path, source=b"") for path in paths])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="gone cannot be read"):
        write_tar_gz(tmp_path / "t", [Entry(path="a", source=tmp_path / "gone")], EPOCH)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_grows_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    monkeypatch.setattr(Entry, "size", lambda self: 9)
    with pytest.raises(SourceError, match="changed while it was packed"):
        tar_of([Entry(path="f", source=path)])


@pytest.mark.parametrize("mtime", [-1, 8**11])
def test_a_time_that_tar_cannot_hold_is_refused(mtime: int) -> None:
    with pytest.raises(SourceError):
        tar_of([Entry(path="f", source=b"")], mtime)


def sparse(path: Path, size: int) -> Entry:
    with path.open("wb") as file:
        file.truncate(size)
    return Entry(path="f", source=path)


def test_more_than_the_formats_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="4 GiB"):
        write_zip(tmp_path / "t.zip", [sparse(tmp_path / "f", 2**32 - 1)], EPOCH)
    with pytest.raises(SourceError, match="too large"):
        tar_of([sparse(tmp_path / "f", 2**33)])
    assert not (tmp_path / "t.zip").exists()


def test_memory_stays_flat(tmp_path: Path) -> None:
    sparse(tmp_path / "f", 256 * 2**20)
    script = (
        "import resource, sys; from pathlib import Path; from release.archive import *;"
        "write_tar_gz(Path(sys.argv[2]), [Entry(path='f', source=Path(sys.argv[1]))], 0);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "f"), str(tmp_path / "t.tar.gz")]
    peak = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert int(peak) < 200 * 1024
