"""The small modules below the others: atomic, canonical, rfc3339, tree, table."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import staged, unhurried

from release import canonical, rfc3339, table, tree
from release.atomic import replacing
from release.errors import SourceError


def test_a_replaced_file_is_whole_public_and_new(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    linked = tmp_path / "linked"
    linked.hardlink_to(path)
    before = os.umask(0o077)
    try:
        with replacing(path) as sink:
            sink.write(b"new")
            assert path.read_bytes() == b"old"
    finally:
        os.umask(before)
    assert path.read_bytes() == b"new"
    assert linked.read_bytes() == b"old"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as sink:
            sink.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_canonical_json() -> None:
    assert canonical.dumps({"b": [1, None], "a": "ü/"}) == '{"a":"ü/","b":[1,null]}\n'.encode()


@pytest.mark.parametrize("data", [b"1.0", b"1e3", b"NaN", b"[" * 10**6, b"\xff", b"", b"9" * 5000])
def test_json_of_no_use_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of the standard library
        canonical.loads(data)


@unhurried
@given(st.datetimes(timezones=st.timezones()))
def test_times_are_read_back_to_the_second(time: datetime) -> None:
    try:
        in_utc = time.astimezone(UTC)
    except OverflowError:
        return
    assert rfc3339.parse(rfc3339.render(time)) == in_utc.replace(microsecond=0)


def test_times_are_in_utc() -> None:
    time = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339.render(time) == "2025-12-31T23:00:00Z"
    with pytest.raises(ValueError, match="time zone"):
        rfc3339.render(time.replace(tzinfo=None))


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00:00+00:00", "2026-1-1T0:0:0Z", "2026-02-30T00:00:00Z"])
def test_other_forms_of_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of the standard library
        rfc3339.parse(text)


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", ".", "a/../b", "a\\b", "a\nb", "a\x7f", "a\x85", "\udcff"])
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(SourceError, match="not a safe file name"):
        tree.check_path(path, SourceError)


@pytest.mark.parametrize("path", ["a", "...", "a b/ü.txt", ".hidden", "日本/語"])
def test_other_paths_are_safe(path: str) -> None:
    tree.check_path(path, SourceError)


def test_files_are_sorted_by_bytes(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a.txt", "ü", "Z"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert tree.files(tmp_path, SourceError) == ("Z", "a.txt", "a/z", "b", "ü")


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(SourceError, match="link is neither a file nor a folder"):
        tree.files(tmp_path, SourceError)
    (tmp_path / "link").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe is neither"):
        tree.files(tmp_path, SourceError)
    with pytest.raises(SourceError, match="No such file"):
        tree.files(Path(tmp_path, "missing"), SourceError)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (5977000, "5.7 MiB"),
        (2**40, "1.0 TiB"),
        (2**51, "2.0 PiB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert table.human_size(size) == text


def test_the_table_is_aligned(tmp_path: Path) -> None:
    manifest = staged(tmp_path / "stage").manifest
    lines = table.render(manifest).split("\n")
    assert lines[0].split() == ["NAME", "SIZE", "SHA256"]
    assert lines[1].startswith("tesseral-api_1.4.0_linux_amd64.tar.gz ")
    assert lines[3].startswith("image tesseral-api (")
    digests = [artifact.digest for artifact in manifest.artifacts] + [image.digest for image in manifest.images]
    assert [line.split()[-1] for line in lines[1:]] == [digest[7:19] for digest in digests]
    assert len({len(line) for line in lines[1:]}) == 1
