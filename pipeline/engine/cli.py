"""``nox -s engine -- status|start|stop|logs|build|prune``: the built engine by hand."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import time
from pathlib import Path

from rich.console import Console

from release.errors import EngineError

from ..progress import Progress
from .build import ensure_build, wanted_build
from .home import EngineHome, engine_home
from .lease import leased
from .process import answers, find, start, stop

FOLLOW_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's own arguments."""
    actions = {
        "status": "what runs, which build it is, how much room it takes",
        "start": "start the engine, built first if need be; it stays until stopped",
        "stop": "end the engine, its processes, mounts and network",
        "logs": "what the engine printed since its start (--follow: as it comes)",
        "build": "build the engine into the cache and start nothing",
        "prune": "delete the engine's state and the builds that are not used now",
    }
    parser.add_argument("action", choices=actions, help="; ".join(f"{name}: {text}" for name, text in actions.items()))
    parser.add_argument("--follow", action="store_true", help="with logs: go on until interrupted")


async def engine(arguments: argparse.Namespace, console: Console) -> None:
    """Carry out one action on this machine's engine."""
    home = engine_home()
    match arguments.action:
        case "status":
            await asyncio.to_thread(_status, home, console)
        case "logs":
            await _logs(home, console, follow=arguments.follow)
        case "stop":
            stopped = await stop(home)
            console.print("the engine is stopped" if stopped else "no engine was running")
        case "prune":
            await asyncio.to_thread(_prune, home, console)
        case "build" | "start" as action:
            with Progress(console) as progress:
                build = await ensure_build(home, progress)
                said = f"the engine is built: {build.folder}"
                if action == "start":
                    with leased(home) as lease:
                        process = await start(home, build, progress, lease=lease, stays=True)
                    said = f"the engine runs as process {process.pid} at unix://{home.socket}"
            console.print(said, highlight=False, soft_wrap=True)


def _status(home: EngineHome, console: Console) -> None:
    process, build = find(home), wanted_build(home)
    if process is None:
        running = "not running"
    else:
        running = f"process {process.pid}, build {process.key}, " + (
            "stays until stopped" if process.stays else "ends with the run that started it"
        )
        if not answers(home):
            running += ", does not answer (the next run starts a new one)"
    rows = {
        "engine": running,
        "socket": f"unix://{home.socket}",
        "build": f"{build.key}, {'ready' if build.finished else 'not built yet'}",
        "builds": f"{home.builds}, {_size(home.builds)}",
        "state": f"{home.state}, {_size(home.state)}",
        "log": str(home.log),
    }
    for name, text in rows.items():
        console.print(f"{name:<8} {text}", highlight=False, soft_wrap=True)


async def _logs(home: EngineHome, console: Console, *, follow: bool) -> None:
    if not home.log.exists():
        raise EngineError(f"there is no log at {home.log}", "start an engine with `nox -s engine -- start`")
    with home.log.open(errors="replace") as log:
        while True:
            console.out(log.read(), end="", highlight=False)
            if not follow:
                return
            await asyncio.sleep(FOLLOW_SECONDS)


def _prune(home: EngineHome, console: Console) -> None:
    if find(home) is not None:
        raise EngineError("the engine is running", "stop it first: `nox -s engine -- stop`")
    used = wanted_build(home).folder
    doomed = [home.state, home.work, *(path for path in home.builds.glob("*") if path != used)]
    started = time.monotonic()
    freed = sum(_bytes(path) for path in doomed)
    for path in doomed:
        shutil.rmtree(path, ignore_errors=True)
    console.print(f"freed {freed / 1e9:.1f} GB in {time.monotonic() - started:.1f} s", highlight=False)


def _size(path: Path) -> str:
    return f"{_bytes(path) / 1e9:.1f} GB"


def _bytes(path: Path) -> int:
    """Room that the files below ``path`` take on disk, in bytes."""
    return sum(file.lstat().st_blocks * 512 for file in path.rglob("*") if not file.is_dir()) if path.exists() else 0
