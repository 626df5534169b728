"""The base filesystem: what is in it, and how it differs from the lock."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.base import drift, installed
from pipeline.lock import Base, DebianPackage

STATUS = """\
Package: libc6
Status: install ok installed
Priority: optional
Version: 2.36-9
Description: GNU C Library
 Version: 9.9 is not a field here
 .
 Package: nor is this

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: held
Status: hold ok installed
Version: 1:3.0

Package: local
Status: install ok installed
Version: 0.1
"""
MAIN = """\
Package: libc6
Version: 2.36-9
Filename: pool/main/g/glibc/libc6.deb
SHA256: aaaa

Package: libc6
Version: 2.36-8
SHA256: bbbb

Package: held
Version: 1:3.0
SHA256: cccc
"""


def package(version: str, sha256: str = "") -> DebianPackage:
    return DebianPackage(version=version, sha256=sha256)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    (tmp_path / "lists").mkdir()
    return tmp_path


def test_installed_packages_have_the_indexes_hashes(root: Path) -> None:
    (root / "lists/mirror.example.org_debian_dists_bookworm_main_binary-amd64_Packages").write_text(MAIN)
    (root / "lists/mirror.example.org_debian_dists_bookworm_InRelease").write_text("Package: local\nVersion: 0.1\n")
    assert installed(root, root / "lists") == {
        "libc6": package("2.36-9", "aaaa"),
        "held": package("1:3.0", "cccc"),
        "local": package("0.1"),
    }


def test_hashes_come_from_every_index(root: Path) -> None:
    for number, stanza in enumerate(MAIN.split("\n\n")):
        (root / f"lists/{number}_Packages").write_text(stanza)
    found = installed(root, root / "lists")
    assert (found["libc6"].sha256, found["held"].sha256) == ("aaaa", "cccc")


@pytest.mark.skipif(shutil.which("lz4") is None, reason="lz4 is not installed")
def test_a_compressed_index_is_read(root: Path) -> None:
    index = root / "lists/x_Packages"
    index.write_text(MAIN)
    subprocess.run(["lz4", "-q", "--rm", index, f"{index}.lz4"], check=True)
    assert [path.name for path in (root / "lists").iterdir()] == ["x_Packages.lz4"]
    assert installed(root, root / "lists")["libc6"].sha256 == "aaaa"


def test_an_empty_index_is_fine(root: Path) -> None:
    (root / "lists/x_Packages").write_text("")
    assert installed(root, root / "lists")["libc6"] == package("2.36-9")


def test_drift_is_one_phrase_a_package() -> None:
    base = Base(
        suite="bookworm",
        include=(),
        packages={"a": package("1", "x"), "b": package("1", "x"), "d": package("1", "x")},
    )
    found = {"d": package("2", "y"), "c": package("7", "z"), "a": package("1", "x")}
    assert drift(base, found) == ("b 1 → none", "c none → 7", "d 1 → 2")


def test_the_same_packages_are_no_drift() -> None:
    base = Base(suite="bookworm", include=(), packages={"a": package("1", "x")})
    assert drift(base, dict(base.packages)) == ()


def test_other_bytes_of_the_same_version_are_drift() -> None:
    base = Base(suite="bookworm", include=(), packages={"a": package("1", "x")})
    (phrase,) = drift(base, {"a": package("1", "y")})
    assert phrase.startswith("a 1")


def test_other_bytes_of_the_same_version_are_told_as_such() -> None:
    base = Base(suite="bookworm", include=(), packages={"a": package("1", "x")})
    assert drift(base, {"a": package("1", "y")}) != ("a 1 → 1",)
