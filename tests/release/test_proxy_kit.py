"""Where a proxy kit comes from: this program, an archive, a folder, a fetched release. Bad ones are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from release_samples import EPOCH, manifest

from release import checksums
from release.archive import Entry, entries_of, unpack, write_tar_gz
from release.checksums import digest_of
from release.errors import UsageError, VerificationError
from release.manifest import Artifact
from release.proxy import PIECE, archive_entries, installed, open_kit
from release.sbom import MEDIA_TYPE
from release.staged import stage

KIT = replace(installed(), version="1.4.0")
NAME = "tesseral-proxy_1.4.0.tar.gz"


def packed(path: Path, *more: Entry) -> Path:
    write_tar_gz(path, [*archive_entries(KIT), *more], EPOCH)
    return path


def released(folder: Path) -> Path:
    """A folder as fetch leaves it: the kit and another artifact are there, the SBOM of the kit is not."""
    folder.mkdir()
    archive = packed(folder / NAME)
    digest = digest_of(archive)
    one = Artifact(name=NAME, piece=PIECE, size=digest.size, digest=digest.sha256, media_type="application/gzip")
    bill = replace(one, name="tesseral-proxy_1.4.0.cdx.json", media_type=MEDIA_TYPE)
    stage(folder, manifest(artifacts=(bill, one)))
    return folder


def unpacked(folder: Path) -> Path:
    archive = packed(folder.with_name("kit.tar.gz"))
    unpack(archive, folder)
    return folder


@pytest.mark.parametrize("made", [packed, unpacked, released])
def test_it_is_the_same_from_everywhere(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    assert open_kit(made(tmp_path / "kit")) == KIT


def test_the_installed_one_names_this_program() -> None:
    kit = installed()
    assert kit.templates.keys() >= {"tesseral.conf", "servers/vaults.conf", "snippets/headers.conf"}
    assert "configure proxy" in kit.readme
    assert all(text.endswith("\n") for text in (*kit.templates.values(), kit.readme))


def test_the_archive_of_a_kit() -> None:
    paths = [entry.path for entry in archive_entries(KIT)]
    assert sorted(paths) == sorted([*KIT.templates, "README", "VERSION"])
    assert {entry.mode for entry in archive_entries(KIT)} == {0o644}


def test_a_release_wins_over_what_was_unpacked_in_it(tmp_path: Path) -> None:
    folder = released(tmp_path / "release")
    unpack(folder / NAME, folder / "tesseral-proxy_1.4.0")
    (folder / "tesseral.conf").write_text("from elsewhere")
    (folder / "VERSION").write_text("9.9.9\n")
    assert open_kit(folder) == KIT


def refused(place: Path, kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        open_kit(place)
    return str(caught.value)


def test_what_is_no_kit(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("text")
    write_tar_gz(tmp_path / "other.tar.gz", [Entry(path="index.html", source=b"")], EPOCH)
    assert refused(tmp_path / "none", UsageError) == (
        f"{tmp_path}/none cannot be read: No such file or directory; check --in"
    )
    assert refused(tmp_path / "empty", UsageError) == (
        f"{tmp_path}/empty holds no proxy kit: no tesseral.conf or VERSION is in it; check --in"
    )
    assert "holds no proxy kit" in refused(tmp_path / "other.tar.gz", UsageError)
    assert f"{tmp_path}/text is no proxy kit: it is damaged" in refused(tmp_path / "text", VerificationError)
    assert "/dev/zero is larger than a proxy kit" in refused(Path("/dev/zero"), VerificationError)


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.tar.gz", Entry(path="snippets/x.conf", source=bytes(2_000_000)))
    assert bomb.stat().st_size < 50_000
    assert "unpacks to more than 1048576 bytes" in refused(bomb, VerificationError)


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("VERSION", b"one\n", "is a damaged proxy kit: 'one' is not"),
        ("tesseral.conf", b"\xff", "is a damaged proxy kit: 'utf-8' codec"),
    ],
)
def test_a_damaged_folder(tmp_path: Path, path: str, data: bytes, sentence: str) -> None:
    folder = unpacked(tmp_path / "kit")
    (folder / path).write_bytes(data)
    assert sentence in refused(folder, VerificationError)


def test_files_of_others_are_no_templates(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "kit")
    (folder / "servers/.hidden.conf").touch()
    (folder / "servers/vaults.conf~").touch()
    (folder / "notes.txt").touch()
    assert open_kit(folder) == KIT
    strange = [Entry(path=path, source=b"x") for path in ("a/b/c.conf", "..x/y.conf", "servers/A B.conf")]
    assert open_kit(packed(tmp_path / "strange.tar.gz", *strange)) == KIT


def test_a_release_whose_kit_was_altered(tmp_path: Path) -> None:
    folder = released(tmp_path / "release")
    write_tar_gz(folder / NAME, entries_of(unpacked(tmp_path / "kit")), EPOCH + 1)
    assert refused(folder, VerificationError) == (
        f"{folder}/{NAME} is not what release.json says; fetch it again with --piece proxy"
    )


def test_a_release_without_the_kit(tmp_path: Path) -> None:
    folder = released(tmp_path / "release")
    (folder / NAME).unlink()
    assert refused(folder, UsageError) == f"{folder} has no {NAME}; fetch it again with --piece proxy"
    (folder / checksums.NAME).unlink()
    stage(folder, manifest())
    assert "release 1.4.0 in" in refused(folder, UsageError)
    assert "has no proxy kit; leave --in out" in refused(folder, UsageError)
    (folder / "release.json").write_text("{}")
    assert "release.json" in refused(folder, VerificationError)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "kit")
    shutil.rmtree(folder / "snippets")
    (folder / "snippets").mkdir()
    (folder / "snippets/x.conf").mkdir()
    assert refused(folder, UsageError) == f"{folder}/snippets/x.conf cannot be read: Is a directory; check --in"
