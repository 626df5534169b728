"""Services under a real systemd: a second one, as process 1 of a PID namespace, on this machine's files and network.

It knows the units of one folder and nothing else. What it makes goes into a cgroup and mounts of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import START_SECONDS

from pipeline.debian import require

# $1: work folder; $2: folder of the units, which is to be seen; $3: what is to be /opt; $4: name of the cgroup.
_BOOT = """set -e
mount --make-rprivate /
mkdir "$1/cgroup"
mount -t cgroup2 none "$1/cgroup"
mkdir "$1/cgroup/$4"
echo $$ > "$1/cgroup/$4/cgroup.procs"
exec unshare --cgroup sh -ec '
umount "$1/cgroup"
mount -t cgroup2 none /sys/fs/cgroup
mount --bind "$3" /opt
mount -t tmpfs tmpfs /run
mkdir "$1/generators"
export container=test SYSTEMD_UNIT_PATH="$2" SYSTEMD_GENERATOR_PATH="$1/generators"
exec /lib/systemd/systemd --system --unit=test.target --log-target=console --show-status=0
' sh "$@"
"""
_CLEAN = """set -e
mount --make-rprivate /
mount -t cgroup2 none "$1/cgroup"
test ! -e "$1/cgroup/$2" || find "$1/cgroup/$2" -depth -type d -exec rmdir {} +
"""
_TARGETS = ("sysinit.target", "basic.target", "shutdown.target", "network-online.target", "multi-user.target")


@contextmanager
def booted(folder: Path, opt: Path, units: Mapping[str, str], start: str) -> Iterator[Path]:
    """Boot with ``units`` by name and ``opt`` as /opt, and start one unit; ``folder`` is for this and new.

    The block gets the file with the output of all services; at its end every process is killed.
    """
    own, log = folder / "units", folder / "services.log"
    (own / "service.d").mkdir(parents=True)
    for name in _TARGETS:
        (own / name).write_text("[Unit]\nDefaultDependencies=no\n")
    (own / "test.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={start}\n")
    # There is no journal.
    (own / "service.d/log.conf").write_text(f"[Service]\nStandardOutput=append:{log}\nStandardError=append:{log}\n")
    for name, text in units.items():
        (own / name).write_text(text)
    log.touch()
    cgroup = f"tesseral-test-{os.getpid()}-{folder.name}"
    namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--mount-proc"]
    words: list[str | Path] = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        *namespaces,
        "sh",
        "-c",
        _BOOT,
        "sh",
        folder,
        own,
        opt,
        cgroup,
    ]
    with (folder / "manager.log").open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield log
    finally:
        process.kill()
        process.wait()
        clean: list[str | Path] = ["unshare", "--mount", "sh", "-c", _CLEAN, "sh", folder, cgroup]
        wait_until(lambda: subprocess.run(clean, capture_output=True, check=False).returncode == 0, lambda: cgroup)


def wait_until(holds: Callable[[], bool], told: Callable[[], str]) -> None:
    """Wait for what is to become true; ``told`` says more about it when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)


def need_systemd() -> None:
    """Install systemd where it is missing."""
    asyncio.run(require(["systemd"], commands=["systemd-analyze"], say=print))


def need_booted_systemd(folder: Path) -> None:
    """Skip the test where systemd cannot run as the first process, such as in a container without rights."""
    need_systemd()
    probe, seen = "[Service]\nType=oneshot\nExecStart=/bin/touch {}\n", folder / "seen"
    (folder / "opt").mkdir(parents=True)
    with booted(folder / "probe", folder / "opt", {"probe.service": probe.format(seen)}, "probe.service"):
        try:
            wait_until(seen.exists, lambda: (folder / "probe/manager.log").read_text(errors="replace"))
        except AssertionError as error:
            pytest.skip(f"systemd cannot be booted in a namespace here: {error}")
