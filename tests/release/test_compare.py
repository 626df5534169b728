"""Comparing two builds: whatever differs is told, by the file inside the artifact, and nothing else is."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from release_samples import PROGRAM, staged

from release.compare import compare, compare_to_manifest, diffoscope
from release.compare.archives import archive_differences
from release.compare.content import parting
from release.compare.documents import document_differences

TAR = "tesseral-api_1.4.0_linux_amd64.tar.gz"
ZIP = "tesseral-api_1.4.0_windows_amd64.zip"
IMAGE = "images/tesseral-api"

Header = dict[str, object]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return staged(tmp_path / "first").directory


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return staged(tmp_path / "second").directory


def told(first: Path, second: Path) -> list[str]:
    return list(map(str, compare(first, second)))


def tar_gz(path: Path, files: list[tuple[str, bytes, Header]], *, level: int = 9) -> Path:
    """A tar.gz with any headers."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content, header in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in header.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(plain.getvalue(), level, mtime=0))
    return path


def zipped(path: Path, files: list[tuple[str, bytes, Header]], comment: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = comment
        for name, content, header in files:
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            for key, value in header.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return path


def test_the_same_twice(first: Path, second: Path) -> None:
    assert compare(first, second) == ()


def test_one_byte_of_the_program(first: Path, tmp_path: Path) -> None:
    changed = bytearray(PROGRAM)
    changed[4000] ^= 1
    second = staged(tmp_path / "second", content=bytes(changed)).directory
    found = compare(first, second)
    places = {(one.artifact, one.member) for one in found}
    assert places == {
        (TAR, "bin/api"),
        (ZIP, "bin/api"),
        (IMAGE, "linux/amd64 layer 1: bin/api"),
        (IMAGE, "linux/arm64 layer 1: bin/api"),
    }
    assert {one.how.split(" on:")[0] for one in found} == {"from byte 4000"}


@pytest.mark.parametrize("name", [TAR, ZIP, "release.json", "SHA256SUMS"])
def test_a_file_in_one_of_them(first: Path, second: Path, name: str) -> None:
    (second / name).unlink()
    assert told(first, second) == [f"{name}: is in the first only"]
    assert told(second, first) == [f"{name}: is in the second only"]


def test_an_image_in_one_of_them(first: Path, second: Path) -> None:
    shutil.rmtree(second / IMAGE)
    assert told(first, second) == [f"{IMAGE}: is in the first only"]


@pytest.mark.parametrize(
    ("header", "how"),
    [
        ({"mtime": 5}, "mtime 0 and 5"),
        ({"mode": 0o755}, "mode 0644 and 0755"),
        ({"uid": 7}, "owner 0:0 (:) and 7:0 (:)"),
        ({"gname": "users"}, "owner 0:0 (:) and 0:0 (:users)"),
        ({"pax_headers": {"comment": "x"}}, "pax records {} and {'comment': 'x'}"),
    ],
)
def test_headers_of_a_tar(tmp_path: Path, header: Header, how: str) -> None:
    one = tar_gz(tmp_path / "one.tar.gz", [("a", b"1", {}), ("b", b"2", {})])
    other = tar_gz(tmp_path / "other.tar.gz", [("a", b"1", {}), ("b", b"2", header)])
    assert list(archive_differences(one, other)) == [("b", how)]


@pytest.mark.parametrize(
    ("header", "how"),
    [
        ({"date_time": (2026, 1, 1, 0, 0, 2)}, "time 2026-01-01 00:00:00 and 2026-01-01 00:00:02"),
        ({"external_attr": 0o100755 << 16}, "mode 000600 and 100755"),
        ({"create_system": 0}, "made by 3, version 20 and 0, version 20"),
        ({"extra": b"\1\0\0\0"}, "extra field  and 01 00 00 00"),
        ({"compress_type": zipfile.ZIP_DEFLATED}, "method 0 and 8"),
    ],
)
def test_headers_of_a_zip(tmp_path: Path, header: Header, how: str) -> None:
    one = zipped(tmp_path / "one.zip", [("a", b"1", {}), ("b", b"2", {})])
    other = zipped(tmp_path / "other.zip", [("a", b"1", {}), ("b", b"2", header)])
    assert list(archive_differences(one, other)) == [("b", how)]


def test_the_comment_of_a_zip(tmp_path: Path) -> None:
    one, other = (zipped(tmp_path / f"{name}.zip", [], name.encode()) for name in "xy")
    assert list(archive_differences(one, other)) == [("", "comment b'x' and b'y'")]


@pytest.mark.parametrize(("pack", "ending"), [(tar_gz, "tar.gz"), (zipped, "zip")])
def test_order_and_names(tmp_path: Path, pack: Callable[..., Path], ending: str) -> None:
    one = pack(tmp_path / f"one.{ending}", [("a", b"1", {}), ("b", b"2", {}), ("c", b"", {})])
    other = pack(tmp_path / f"other.{ending}", [("b", b"2", {}), ("a", b"1", {}), ("d", b"", {})])
    assert list(archive_differences(one, other)) == [
        ("c", "is in the first only"),
        ("d", "is in the second only"),
        ("", "the order differs, first at a and b"),
    ]


def test_a_thousand_missing_files(tmp_path: Path) -> None:
    one = tar_gz(tmp_path / "one.tar.gz", [(f"{number:04}", b"", {}) for number in range(1000)])
    found = list(archive_differences(one, tar_gz(tmp_path / "other.tar.gz", [])))
    assert len(found) == 11
    assert found[-1] == ("", "990 more files are in the first only")


def test_the_same_files_packed_in_another_way(tmp_path: Path) -> None:
    one, other = (tar_gz(tmp_path / f"{level}.tar.gz", [("a", PROGRAM, {})], level=level) for level in (1, 9))
    ((member, how),) = archive_differences(one, other)
    assert member == ""
    assert how.startswith("the same files, packed in another way: from byte ")


def test_the_same_files_in_another_tar(tmp_path: Path) -> None:
    one = tar_gz(tmp_path / "one.tar.gz", [("a", b"1", {})])
    other = tmp_path / "other.tar.gz"
    other.write_bytes(gzip.compress(gzip.decompress(one.read_bytes()) + bytes(512), mtime=0))
    ((member, how),) = archive_differences(one, other)
    assert (member, how.split(":")[0]) == ("", "the tars hold the same files in another form")


@pytest.mark.parametrize("name", [TAR, ZIP])
def test_a_damaged_archive(first: Path, second: Path, name: str) -> None:
    (second / name).write_bytes((second / name).read_bytes()[:-200])
    ((artifact, how),) = ((one.artifact, one.how) for one in compare(first, second))
    assert artifact == name
    assert how.startswith("one of them is damaged: ")


def blob(layout: Path, field: str) -> Path:
    """The file of the first manifest, config or layer of the image."""
    digest = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    for key in ("manifests", field):
        document = json.loads((layout / "blobs/sha256" / digest[7:]).read_bytes())
        digest = (document[key][0] if isinstance(document[key], list) else document[key])["digest"]
    return layout / "blobs/sha256" / str(digest[7:])


def test_the_config_of_an_image(first: Path, second: Path) -> None:
    config = blob(second / IMAGE, "config")
    config.write_bytes(config.read_bytes().replace(b":3001", b":3002"))
    found = told(first, second)
    assert f"{IMAGE}: linux/amd64 config: config.Env[0] 'API_SERVE_ADDR=:3001' and 'API_SERVE_ADDR=:3002'" in found
    assert all("config" in line for line in found)


def test_the_index_of_an_image(first: Path, second: Path) -> None:
    pointer = second / IMAGE / "index.json"
    pointer.write_bytes(pointer.read_bytes().replace(b'"1.4.0"', b'"1.4.1"'))
    assert len(told(first, second)) == 1
    assert told(first, second)[0].endswith("'1.4.0' and '1.4.1'")


def test_a_layout_that_is_none(first: Path, second: Path) -> None:
    (second / IMAGE / "index.json").write_text("{}")
    ((artifact, how),) = ((one.artifact, one.how) for one in compare(first, second))
    assert artifact == IMAGE
    assert how.startswith("one of them is no image layout: KeyError")


def test_a_blob_that_nothing_refers_to(first: Path, second: Path) -> None:
    (second / IMAGE / "blobs/sha256/more").write_text("")
    assert told(first, second) == [
        f"{IMAGE}: the same content in another form: its JSON, or a blob that nothing refers to"
    ]


def test_the_manifest_alone(first: Path, second: Path) -> None:
    manifest = second / "release.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"postgresql":">=16.4"', b'"postgresql":">=17.0"'))
    assert told(first, second) == ["release.json: requirements.postgresql '>=16.4' and '>=17.0'"]


def test_the_manifest_in_another_form(first: Path, second: Path) -> None:
    manifest = second / "release.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    assert told(first, second) == [f"release.json: the first ends after {manifest.stat().st_size - 1} bytes"]


def test_the_checksums_alone(first: Path, second: Path) -> None:
    (second / "SHA256SUMS").write_text("")
    assert told(first, second) == ["SHA256SUMS: the second ends after 0 bytes"]


def test_a_folder_and_a_manifest(first: Path, tmp_path: Path) -> None:
    release = staged(tmp_path / "second")
    assert {one.name: one.same for one in compare_to_manifest(release.manifest, first)} == dict.fromkeys(
        (TAR, ZIP, IMAGE, "release.json"), True
    )
    (first / ZIP).write_bytes(b"other")
    shutil.rmtree(first / IMAGE)
    (first / "release.json").write_bytes(b"{}")
    by_name = {one.name: one for one in compare_to_manifest(release.manifest, first)}
    assert [name for name, one in by_name.items() if one.same] == [TAR]
    assert by_name[IMAGE].found is None
    assert by_name[IMAGE].wanted == release.manifest.images[0].digest
    assert by_name[ZIP].found == "sha256:" + hashlib.sha256(b"other").hexdigest()
    assert [one.name for one in compare_to_manifest(release.manifest, first, [ZIP, TAR])] == [ZIP, TAR]


def test_some_of_two_folders(first: Path, second: Path) -> None:
    for name in (TAR, ZIP):
        (second / name).unlink()
    assert [one.artifact for one in compare(first, second, [ZIP, IMAGE, "release.json"])] == [ZIP]
    assert compare(first, second, [IMAGE]) == ()


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        (b"same", b"same", None),
        (b"same", b"same and more", "the first ends after 4 bytes"),
        (b"built at 17:01\n", b"built at 17:02\n", "from byte 13 on: 'uilt at 17:01\\n' and 'uilt at 17:02\\n'"),
        (b"\0\1", b"\0\2", "from byte 1 on: 00 01 and 00 02"),
        (b"x" * 2**20 + b"a", b"x" * 2**20 + b"b", "from byte 1048576 on: 'a' and 'b'"),
    ],
)
def test_where_bytes_part(one: bytes, other: bytes, how: str | None) -> None:
    assert parting(io.BytesIO(one), io.BytesIO(other)) == how


def test_where_documents_differ() -> None:
    one = {"a": [1, {"b": 2}], "c": 3, "digest": "x", "long": "x" * 200}
    other = {"a": [1, {"b": 4}], "d": 3, "digest": "y", "long": [1]}
    assert list(document_differences(one, other, but=["digest"])) == [
        "a[1].b 2 and 4",
        "c is in the first only",
        "d is in the second only",
        "long '" + "x" * 79 + "… and [1]",
    ]


def test_diffoscope_is_asked_where_it_is_installed(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert diffoscope(first, first) == ""
    program = tmp_path / "diffoscope"
    program.write_text("#!/bin/sh\nfor line in 1 2 3 4; do echo $line; done\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin:/usr/bin")
    assert diffoscope(first, first, lines=2) == "1\n2\n… 2 more lines"
