"""Starts, finds and stops the built engine on this machine.

Who starts the engine for one run stops it at the end of that run; the last of
several runs at once does. One started with ``nox -s engine -- start`` stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from release.errors import EngineError
from release.filelock import is_held, locked

from ..progress import Progress, Step
from .build import Build
from .home import EngineHome
from .lease import Lease, leased
from .network import bridge_name, free_network

LAUNCH = Path(__file__).parent / "launch.sh"
READY_SECONDS = 600.0  # an engine deletes the state of one that was killed before it answers: minutes for tens of GB
STOP_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Process:
    """The engine's process: ``started`` is its start time in clock ticks after boot, so that a
    number used again for another process is not taken for it. ``stays`` until it is stopped."""

    pid: int
    started: int
    key: str
    stays: bool

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return _start_ticks(self.pid) == self.started


def find(home: EngineHome) -> Process | None:
    """The engine that runs now, by its record; ``None`` when the record is absent, stale or broken."""
    try:
        process = Process(**json.loads(home.record.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return process if process.alive else None


def answers(home: EngineHome) -> bool:
    """Whether something listens at the engine's socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(home.socket))
        except OSError:
            return False
    return True


async def start(home: EngineHome, build: Build, progress: Progress, *, lease: Lease, stays: bool) -> Process:
    """Return the running engine of ``build``, started when there is none.

    A dead or silent engine, a stale socket, or an engine of another build that
    nobody uses is cleared away first. Raises :class:`EngineError`.
    """
    if os.geteuid() != 0:
        raise EngineError(
            "the engine can be started by root only", "run as root, or name one in _EXPERIMENTAL_DAGGER_RUNNER_HOST"
        )
    if is_held(home.start_lock):
        progress.say("another run is starting or stopping the engine; waiting for it")
    with home.written(), locked(home.start_lock):
        process = find(home)
        if process is not None and process.key == build.key and answers(home):
            if stays and not process.stays:
                process = _record(home, replace(process, stays=True))
            return process
        if process is not None:
            other = process.key != build.key
            if other and not lease.alone():
                raise EngineError(
                    f"an engine of another build ({process.key}) runs and is in use", "wait for that run to end"
                )
            progress.say(f"the engine {'is of another build' if other else 'does not answer'}: starting a new one")
            await _end(process)
        elif home.record.exists():
            progress.say("the last engine was killed: the new one drops that cache first, minutes if it is large")
        _clear(home)
        with progress.step("start the engine") as step:
            return await _launch(home, build, step, stays=stays)


async def stop(home: EngineHome) -> bool:
    """End the engine and clear its network away; False when none was running."""
    with locked(home.start_lock):
        process = find(home)
        if process is not None:
            await _end(process)
        _clear(home)
    return process is not None


@contextlib.asynccontextmanager
async def engine_for_run(home: EngineHome, build: Build, progress: Progress) -> AsyncIterator[Process]:
    """Have an engine for the body. The last run to leave stops an engine that need not stay."""
    with leased(home) as lease:
        try:
            yield await start(home, build, progress, lease=lease, stays=False)
        finally:
            process = find(home)
            if (process is None or not process.stays) and lease.take():
                await asyncio.shield(stop(home))


async def _launch(home: EngineHome, build: Build, step: Step, *, stays: bool) -> Process:
    for folder in (home.state, home.mount_point, home.sockets):
        folder.mkdir(parents=True, exist_ok=True)
    home.sockets.chmod(0o700)
    network = ["--network-name", home.network, "--network-cidr", free_network(home.network)]
    arguments = [*network, "--oci-cni-pool-size", "8"]
    places = [str(build.root), str(home.state), str(home.sockets), str(home.mount_point)]
    with home.log.open("wb") as log:
        child = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", str(LAUNCH), *places, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    started = _start_ticks(child.pid)
    if started is None:
        raise EngineError("the engine ended at once", f"see {home.log}", detail=_tail(home.log))
    process = _record(home, Process(pid=child.pid, started=started, key=build.key, stays=stays))
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(home):
            step.say(_tail(home.log, lines=1).strip())
            status = child.poll()
            if status is not None or time.monotonic() > deadline:
                late = f"is not ready {READY_SECONDS:.0f} seconds after its start"
                raise EngineError(
                    f"the engine {late if status is None else f'ended with status {status} while it started'}",
                    f"its log is {home.log}; `nox -s engine -- prune` starts from a clean state",
                    detail=_tail(home.log),
                )
            await asyncio.sleep(0.1)
    except BaseException:
        await asyncio.shield(_end(process))
        _clear(home)
        raise
    return process


async def _end(process: Process) -> None:
    """Ask the engine to end, then make it; its mounts go with its namespaces."""
    for number, target in ((signal.SIGTERM, _engine_pid(process.pid)), (signal.SIGKILL, process.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(target, number)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and process.alive:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
            await asyncio.sleep(0.05)
        if not process.alive:
            break


def _clear(home: EngineHome) -> None:
    """Remove what outlives an engine, however that ended: record, socket and its network's bridge."""
    home.record.unlink(missing_ok=True)
    shutil.rmtree(home.sockets, ignore_errors=True)
    bridge = bridge_name(home.network)
    if Path(f"/sys/class/net/{bridge}").exists():
        for build in home.builds.glob("*"):  # with the ip of an engine's root: this machine may have none
            command = ["chroot", str(build / "root"), "/usr/sbin/ip", "link", "delete", bridge]
            if subprocess.run(command, check=False, capture_output=True).returncode == 0:
                break


def _record(home: EngineHome, process: Process) -> Process:
    fresh = home.record.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(process)))
    fresh.replace(home.record)
    return process


def _engine_pid(unshare_pid: int) -> int:
    try:
        children = Path(f"/proc/{unshare_pid}/task/{unshare_pid}/children").read_text().split()
    except OSError:
        children = []
    return int(children[0]) if children else unshare_pid


def _start_ticks(pid: int) -> int | None:
    """Field 22 of proc_pid_stat(5), or ``None`` when the process is gone or only waits to be reaped."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else int(after_name[19])


def _tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
