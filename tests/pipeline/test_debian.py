"""Debian as a machine has it: which of its repositories count, and what is said where there is no Debian."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pipeline.debian import Repository, repositories, require, suite_of_machine
from release.errors import ToolchainError

MAIN = Repository(uri="http://mirror.example.org/debian", suite="bookworm", components="main")
UPDATES = Repository(uri="http://mirror.example.org/debian", suite="bookworm-updates", components="main")
SECURITY = Repository(uri="http://mirror.example.org/debian-security", suite="bookworm-security", components="main")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    return tmp_path / "apt"


def found(etc: Path, text: str, *, file: str) -> tuple[Repository, ...]:
    (etc / file).write_text(text)
    return repositories(etc, "bookworm")


def test_the_one_line_style(etc: Path) -> None:
    text = """\
# deb http://commented.example.com/debian bookworm main
deb http://mirror.example.org/debian bookworm main contrib
deb-src http://mirror.example.org/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg]   http://mirror.example.org/debian-security  bookworm-security main

deb\thttp://mirror.example.org/debian\tbookworm-updates\tmain
"""
    assert found(etc, text, file="sources.list") == (
        Repository(uri=MAIN.uri, suite="bookworm", components="main contrib"),
        SECURITY,
        UPDATES,
    )


def test_the_stanza_style(etc: Path) -> None:
    text = """\
Types: deb deb-src
# a comment
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://source.example.com/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example.org/debian-security http://mirror.example.com/security
Suites: bookworm-security
Components: main
"""
    assert found(etc, text, file="sources.list.d/debian.sources") == (
        MAIN,
        UPDATES,
        SECURITY,
        Repository(uri="http://mirror.example.com/security", suite="bookworm-security", components="main"),
    )


def test_both_styles_side_by_side(etc: Path) -> None:
    (etc / "sources.list").write_text("deb http://mirror.example.org/debian bookworm main\n")
    (etc / "sources.list.d/a.list").write_text("deb http://mirror.example.org/debian bookworm-updates main\n")
    (etc / "sources.list.d/b.sources").write_text(
        "Types: deb\nURIs: http://mirror.example.org/debian-security\nSuites: bookworm-security\nComponents: main\n"
    )
    assert set(repositories(etc, "bookworm")) == {MAIN, UPDATES, SECURITY}


def test_third_parties_and_other_releases_are_left_out(etc: Path) -> None:
    text = """\
deb https://cloud.example.com/apt cloud-sdk-bookworm main
deb https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main
deb https://node.example.com/node_20.x nodistro main
deb http://mirror.example.org/debian bookworm main
deb http://mirror.example.org/debian bookworm-backports main
deb http://mirror.example.org/debian trixie main
"""
    assert found(etc, text, file="sources.list") == (MAIN,)


def test_a_third_party_with_debians_suite_is_left_out(etc: Path) -> None:
    text = """\
deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable
deb http://mirror.example.org/debian bookworm main
"""
    assert found(etc, text, file="sources.list") == (MAIN,)


def test_a_flat_repository_does_not_swallow_the_next_line(etc: Path) -> None:
    text = "deb https://pkgs.example.com/stable/deb/ /\ndeb http://mirror.example.org/debian bookworm main\n"
    assert found(etc, text, file="sources.list") == (MAIN,)


@pytest.mark.parametrize(
    "name",
    ["old.list.save", "debian.sources.dpkg-old", "debian.sources.bak"],
)
def test_a_file_that_apt_does_not_read_is_not_read(etc: Path, name: str) -> None:
    text = "Types: deb\n" if name.endswith("bak") else "deb http://old.example.com/debian bookworm main\n"
    (etc / "sources.list").write_text("deb http://mirror.example.org/debian bookworm main\n")
    assert found(etc, text, file=f"sources.list.d/{name}") == (MAIN,)


@pytest.mark.parametrize(
    "word",
    [
        "no",
        "no ",
        "No",
        "false",
        "0",
    ],
)
def test_a_disabled_stanza_is_left_out(etc: Path, word: str) -> None:
    (etc / "sources.list").write_text("deb http://mirror.example.org/debian bookworm main\n")
    text = f"Enabled: {word}\nTypes: deb\nURIs: http://off.example.com/debian\nSuites: bookworm\nComponents: main\n"
    assert found(etc, text, file="sources.list.d/off.sources") == (MAIN,)
    (etc / "sources.list.d/off.sources").write_text(text.replace(word, "yes", 1))
    assert len(repositories(etc, "bookworm")) == 2


def test_a_value_of_several_lines(etc: Path) -> None:
    text = (
        "Types: deb\nURIs: http://mirror.example.org/debian\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n"
    )
    assert found(etc, text, file="sources.list.d/debian.sources") == (MAIN, UPDATES)


def test_no_repository_of_debian_is_said(etc: Path) -> None:
    with pytest.raises(ToolchainError) as caught:
        found(etc, "deb https://node.example.com/node_20.x nodistro main\n", file="sources.list")
    assert str(caught.value) == (
        f"{etc} names no repository of Debian bookworm; add Debian's own mirror to /etc/apt/sources.list"
    )


def test_an_apt_configuration_may_have_no_files(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="names no repository of Debian trixie"):
        repositories(tmp_path / "none", "trixie")


def test_a_repository_serves_other_releases_too() -> None:
    assert MAIN.for_suite("trixie").suite == "trixie"
    assert UPDATES.for_suite("trixie").suite == "trixie-updates"
    assert SECURITY.for_suite("trixie") == Repository(uri=SECURITY.uri, suite="trixie-security", components="main")
    assert SECURITY.for_suite("bookworm") == SECURITY


def test_a_line_is_checked_with_debians_keys() -> None:
    assert UPDATES.line() == (
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
        "http://mirror.example.org/debian bookworm-updates main"
    )


@pytest.mark.parametrize("quote", ["", '"'])
def test_the_suite_of_a_debian(quote: str) -> None:
    text = (
        f'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID={quote}debian{quote}\nVERSION_CODENAME={quote}trixie{quote}\n'
    )
    assert suite_of_machine(text) == "trixie"


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ('PRETTY_NAME="Ubuntu 24.04"\nID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n', '"Ubuntu 24.04"'),
        ("PRETTY_NAME=Debian sid\nID=debian\n", "Debian sid"),
        ("", "an unknown system"),
    ],
)
def test_another_system_is_refused(text: str, system: str) -> None:
    with pytest.raises(ToolchainError, match=f"^this machine runs {system}, and base filesystems are made from Debian"):
        suite_of_machine(text)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH; root runs."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return folder


def program(folder: Path, name: str, script: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def required() -> list[str]:
    said: list[str] = []
    asyncio.run(require(["mmdebstrap", "lz4"], commands=["mmdebstrap", "lz4"], say=said.append))
    return said


def test_what_is_there_is_not_installed(programs: Path) -> None:
    for name in ("mmdebstrap", "lz4"):
        program(programs, name, "exit 1")
    program(programs, "apt-get", "exit 1")
    assert required() == []


def test_without_apt_get_the_command_is_named(programs: Path) -> None:
    program(programs, "lz4")
    with pytest.raises(ToolchainError) as caught:
        required()
    assert str(caught.value) == (
        "mmdebstrap is not installed; as root: apt-get install --yes --no-install-recommends mmdebstrap lz4"
    )


def test_only_root_installs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolchainError, match=r"^mmdebstrap, lz4 is not installed; as root: apt-get install"):
        required()


def test_what_is_missing_is_installed(programs: Path, tmp_path: Path) -> None:
    program(programs, "apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/log; echo "Setting up $1"')
    assert required() == ["installing Debian packages as root: mmdebstrap lz4"]
    assert (tmp_path / "log").read_text() == (
        "noninteractive update\nnoninteractive install --yes --no-install-recommends mmdebstrap lz4\n"
    )


def test_a_failed_installation_shows_the_tools_own_words(programs: Path) -> None:
    program(programs, "apt-get", 'echo "E: Unable to locate package" >&2; exit 100')
    with pytest.raises(ToolchainError) as caught:
        required()
    assert str(caught.value).startswith("apt-get could not install mmdebstrap lz4; as root: apt-get install")
    assert caught.value.detail == "E: Unable to locate package\n"
