"""Debian as this machine has it: its packages, its mirror, root filesystems made from both."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from release.errors import ToolchainError

from .command import CommandError, run

ARCHIVE_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_ETC = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")

# Third parties name their suites after Debian's; their components they seldom do.
COMPONENTS = {"main", "contrib", "non-free", "non-free-firmware"}

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One place of the apt configuration that serves a release of Debian."""

    uri: str
    suite: str
    components: str

    def for_suite(self, suite: str) -> Repository:
        """The same place, for another release of Debian."""
        _, dash, rest = self.suite.partition("-")
        return Repository(uri=self.uri, suite=suite + dash + rest, components=self.components)

    def line(self) -> str:
        """The entry in the one-line style of sources.list(5)."""
        return f"deb [signed-by={ARCHIVE_KEYRING}] {self.uri} {self.suite} {self.components}"


def suite_of_machine(os_release: str | None = None) -> str:
    """The code name of this machine's Debian, for example ``bookworm``.

    Raises :class:`ToolchainError` where the machine is no Debian.
    """
    if os_release is None:
        os_release = OS_RELEASE.read_text() if OS_RELEASE.exists() else ""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    if fields.get("ID", "").strip('"') != "debian" or "VERSION_CODENAME" not in fields:
        raise ToolchainError(
            f"this machine runs {fields.get('PRETTY_NAME', 'an unknown system')}, and base filesystems are made "
            "from Debian's packages",
            "run on Debian, or where a container runtime reaches an image registry",
        )
    return fields["VERSION_CODENAME"].strip('"')


def repositories(etc: Path = APT_ETC, suite: str | None = None) -> tuple[Repository, ...]:
    """The repositories of Debian itself in an apt configuration, third parties' left out.

    A place counts when its suite is the release, its updates or its security
    archive. Both styles of sources.list(5) are read.
    """
    suite = suite or suite_of_machine()
    wanted = (suite, f"{suite}-updates", f"{suite}-security")
    files = sorted([etc / "sources.list", *(etc / "sources.list.d").glob("*")])
    found = [
        entry
        for file in files
        if file.is_file() and file.suffix in (".list", ".sources")  # as apt does
        for entry in (_stanzas(file.read_text()) if file.suffix == ".sources" else _lines(file.read_text()))
        if entry.suite in wanted and set(entry.components.split()) <= COMPONENTS
    ]
    if not found:
        raise ToolchainError(
            f"{etc} names no repository of Debian {suite}", "add Debian's own mirror to /etc/apt/sources.list"
        )
    return tuple(found)


def _lines(text: str) -> Iterable[Repository]:
    for match in re.finditer(r"^deb[ \t]+(?:\[[^\]]*\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]+(.+)$", text, re.MULTILINE):
        yield Repository(uri=match[1], suite=match[2], components=match[3].strip())


def _stanzas(text: str) -> Iterable[Repository]:
    for stanza in re.split(r"\n\s*\n", text):
        text = re.sub(r"^#.*\n", "", stanza, flags=re.MULTILINE)
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)$", text, re.MULTILINE))
        enabled = fields.get("Enabled", "yes").strip().lower() not in ("no", "false", "without", "off", "disable", "0")
        if "deb" not in fields.get("Types", "").split() or not enabled:
            continue
        for uri in fields.get("URIs", "").split():
            for suite in fields.get("Suites", "").split():
                yield Repository(uri=uri, suite=suite, components=fields.get("Components", "main"))


async def require(packages: Sequence[str], *, commands: Sequence[str], say: Say) -> None:
    """See that ``commands`` can be run, and install ``packages`` as root when they cannot."""
    missing = [command for command in commands if shutil.which(command) is None]
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ToolchainError(f"{', '.join(missing)} is not installed", f"as root: {' '.join(install)}")
    say(f"installing Debian packages as root: {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        await run(["apt-get", "update"], env=env)
        await run(install, env=env)
    except CommandError as error:
        raise ToolchainError(
            f"apt-get could not install {' '.join(packages)}",
            f"as root: {' '.join(install)}",
            detail=error.output,
        ) from error


async def make_root(
    target: Path,
    packages: Sequence[str],
    *,
    say: Say,
    announce: Say,
    suite: str | None = None,
    arguments: Sequence[str] = (),
) -> None:
    """Make a root filesystem of Debian's essential packages and ``packages``.

    ``target`` is a directory, or a file whose name ends in ``.tar``. Packages
    come from this machine's mirror, checked against Debian's archive keys.
    ``say`` takes every line of output, ``announce`` what is done to this machine.
    Raises :class:`ToolchainError`.
    """
    await require(["mmdebstrap"], commands=["mmdebstrap"], say=announce)
    if os.geteuid() != 0:
        raise ToolchainError("a root filesystem can be made by root only", "run the same command as root")
    here = suite_of_machine()
    suite = suite or here
    sources = "\n".join(entry.for_suite(suite).line() for entry in repositories(suite=here)) + "\n"
    command = [
        "mmdebstrap",
        "--variant=essential",
        "--mode=root",
        f"--include={','.join(packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *arguments,
        suite,
        str(target),
        "-",
    ]
    try:
        await run(command, stdin=sources.encode(), on_line=say)
    except CommandError as error:
        problem = "the disk is full" if error.disk_full else "mmdebstrap failed"
        raise ToolchainError(
            f"no Debian {suite} root filesystem could be made at {target}: {problem}",
            "free some space and try again" if error.disk_full else "see its output above",
            detail=error.output,
        ) from error
