"""The facts of a world, asked inside of it: of the process that builds, and of the containers it builds in."""

from __future__ import annotations

import hashlib
import locale
import os
import platform
import pwd
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import dagger

from ..containers import Toolchain, query_failure
from ..git import git

IN_CONTAINER = """
nproc
date --utc +%Y-%m-%dT%H:%M:%S+00:00
. /etc/os-release; echo "$VERSION_CODENAME $(cat /etc/debian_version)"
ls --sort=none /usr/bin | sha256sum | cut -c 1-12
"""
DOWNLOADS = "find ~/go/pkg/mod ~/.npm -mindepth 1 -maxdepth 1 2>/dev/null | wc -l"
CONTAINER_FACTS = ("cores of containers", "clock of containers", "base system", "file order of containers")


async def facts_of_process(source: Path) -> dict[str, str]:
    """What is true of this process and of ``source``."""
    os.umask(umask := os.umask(0))
    return {
        "source": str(source),
        "pipeline": str(Path(__file__).parents[2]),
        "home": str(Path.home()),
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "host name": socket.gethostname(),
        "locale": _locale(),
        "time zone": time.strftime("%z"),
        "umask": f"{umask:03o}",
        "cores": str(len(os.sched_getaffinity(0))),
        "clone": await _clone(source),
        "file order": _order(source),
        "python": platform.python_version(),
        "clock": datetime.now(UTC).isoformat(timespec="seconds"),
    }


async def facts_of_containers(tools: Toolchain) -> dict[str, str]:
    """What is true of the containers that build; changes nothing that a build would see.

    Raises :class:`release.errors.EngineError`.
    """
    lines = (await _said(tools.go, IN_CONTAINER)).splitlines()
    downloads = [int(await _said(tool, DOWNLOADS)) for tool in (tools.go, tools.node)]
    return {"downloads kept": str(sum(downloads)), **dict(zip(CONTAINER_FACTS, lines, strict=True))}


async def _said(tool: dagger.Container, script: str) -> str:
    # Another command every time: an engine has no old answer to it.
    try:
        return await tool.with_exec(["sh", "-ec", f"# {time.time_ns()}\n{script}"]).stdout()
    except dagger.QueryError as error:
        raise query_failure("the facts of the containers", error) from error


def _locale() -> str:
    """The locale that programs take from the environment: its name, encoding and first day."""
    before = locale.setlocale(locale.LC_ALL)
    try:
        name = locale.setlocale(locale.LC_ALL, "")
        return f"{name} {locale.nl_langinfo(locale.CODESET)} {locale.nl_langinfo(locale.DAY_1)}"
    except locale.Error as error:
        return str(error)
    finally:
        locale.setlocale(locale.LC_ALL, before)


async def _clone(source: Path) -> str:
    shallow = (await git(source, "rev-parse", "--is-shallow-repository")).strip() == "true"
    commits = (await git(source, "rev-list", "--count", "HEAD")).strip()
    return f"{'shallow' if shallow else 'full'}, history of {commits}"


def _order(folder: Path) -> str:
    """A digest of the order in which the folders of a source list what is in them, git's own left out."""
    listed = []
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        listed += [os.path.relpath(os.path.join(path, name), folder) for name in (*folders, *files)]  # noqa: PTH118
    return hashlib.sha256("\0".join(listed).encode()).hexdigest()[:12]
