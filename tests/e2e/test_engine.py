"""The built engine on this machine: found, healed, shared, stopped without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import cold_cache, compiling
from support import REPOSITORY, pipeline

from pipeline.cache import NAME
from pipeline.engine.home import EngineHome, engine_home

ASK = """
import asyncio, pathlib, sys
from rich.console import Console
from pipeline.engine.connect import session
from pipeline.progress import Progress
async def main():
    with Progress(Console()) as progress:
        async with session(progress, pathlib.Path(sys.argv[1])) as client:
            print("answer", await client.directory().with_new_file("x", "y").entries())
asyncio.run(main())
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineHome]:
    """An engine's home of its own: the programs are there, nothing runs, no state."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cold_cache(tmp_path / "cache")))
    yield engine_home()
    pipeline("engine", "stop")
    assert traces(engine_home()) == [], "every test ends with a clean machine"


def running(home: EngineHome) -> int | None:
    """The process of the engine in ``home``, as the operating system sees it."""
    if not home.record.exists():
        return None
    pid = int(json.loads(home.record.read_bytes())["pid"])
    return pid if Path(f"/proc/{pid}").exists() else None


def traces(home: EngineHome) -> list[str]:
    """What an engine would leave on the machine: processes, mounts, a bridge, a socket."""
    processes = subprocess.run(["pgrep", "-fa", str(home.root)], check=False, capture_output=True, text=True).stdout
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if str(home.root) in line]
    bridges = [name.name for name in Path("/sys/class/net").iterdir() if home.instance in name.name]
    return [*processes.splitlines(), *mounts, *bridges, *([str(home.socket)] if home.socket.exists() else [])]


def ask(tmp_path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "session.log")],
        cwd=REPOSITORY,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_start_status_logs_stop_and_no_trace(home: EngineHome) -> None:
    assert "engine   not running" in pipeline("engine", "status").stdout
    assert pipeline("engine", "start").returncode == 0
    status = pipeline("engine", "status").stdout
    assert f"engine   process {running(home)}, build " in status
    assert "stays until stopped" in status
    assert "running server on" in pipeline("engine", "logs").stdout
    refused = pipeline("engine", "prune")
    assert (refused.returncode, "stop it first" in refused.stderr) == (8, True)
    assert "the engine is stopped" in pipeline("engine", "stop").stdout
    assert traces(home) == []
    assert "no engine was running" in pipeline("engine", "stop").stdout
    assert "freed" in pipeline("engine", "prune").stdout
    assert not home.state.exists()


def test_two_starts_at_once_make_one_engine(home: EngineHome) -> None:
    command = [sys.executable, "-m", "pipeline", "engine", "start"]
    both = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all(f"the engine runs as process {running(home)} at" in text for text in said), said


def test_a_dead_engine_and_its_stale_socket_are_replaced(home: EngineHome) -> None:
    pipeline("engine", "start")
    first = running(home)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    time.sleep(1)
    assert home.socket.exists(), "the socket should have been left behind"
    assert "engine   not running" in pipeline("engine", "status").stdout
    again = pipeline("engine", "start")
    assert again.returncode == 0
    assert "the last engine was killed" in again.stdout
    assert running(home) not in {None, first}


def test_a_record_of_another_process_is_not_believed(home: EngineHome) -> None:
    home.root.mkdir(parents=True, exist_ok=True)
    home.record.write_text(json.dumps({"pid": os.getpid(), "started": 1, "key": "x", "stays": True}))
    assert "engine   not running" in pipeline("engine", "status").stdout
    home.record.write_text("{half")
    assert "engine   not running" in pipeline("engine", "status").stdout


def test_a_run_ends_the_engine_that_it_started(home: EngineHome, tmp_path: Path) -> None:
    done = ask(tmp_path)
    assert "answer ['x']" in done.stdout, done.stdout + done.stderr
    assert traces(home) == []


def test_an_engine_that_is_named_is_used(home: EngineHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline("engine", "start")
    address = f"unix://{home.socket}"
    other = cold_cache(tmp_path / "other")
    done = ask(tmp_path, _EXPERIMENTAL_DAGGER_RUNNER_HOST=address, XDG_CACHE_HOME=str(other))
    assert "connect to the engine named by _EXPERIMENTAL_DAGGER_RUNNER_HOST" in done.stdout, done.stdout + done.stderr
    assert "answer ['x']" in done.stdout
    assert not (other / NAME / "engine/engine.json").exists(), "an engine of its own was started"


def test_the_session_around_a_run_is_used(home: EngineHome, tmp_path: Path) -> None:
    pipeline("engine", "start")
    program = next(home.builds.glob("*/bin/session"))
    outer = subprocess.Popen(
        [program, "session"],
        env={**os.environ, "_EXPERIMENTAL_DAGGER_RUNNER_HOST": f"unix://{home.socket}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert outer.stdout is not None
    around = json.loads(outer.stdout.readline())
    done = ask(
        tmp_path,
        DAGGER_SESSION_PORT=str(around["port"]),
        DAGGER_SESSION_TOKEN=around["session_token"],
        XDG_CACHE_HOME="/proc",
    )
    outer.communicate(timeout=60)
    assert "connect to the session around this run" in done.stdout, done.stdout + done.stderr
    assert "answer ['x']" in done.stdout
    assert outer.returncode == 0


def test_a_runtime_without_the_image_is_passed_over(home: EngineHome, tmp_path: Path) -> None:
    """A container runtime that answers, on a machine where neither Dagger's command nor its image can be had."""
    (tmp_path / "bin").mkdir()
    runtime = tmp_path / "bin/docker"
    runtime.write_text('#!/bin/sh\n[ "$1" = info ]\n')
    runtime.chmod(0o755)
    done = ask(tmp_path, PATH=f"{runtime.parent}:{os.environ['PATH']}")
    assert "docker answers, but the engine's image can't be had" in done.stdout, done.stdout + done.stderr
    assert "answer ['x']" in done.stdout


def test_an_engine_that_dies_in_a_run_is_said(home: EngineHome, source: Path, tmp_path: Path) -> None:
    process = compiling(source, tmp_path / "dist")
    engine = running(home)
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 8, said
    assert "Traceback" not in said
    assert "release: the connection to an engine built from its module was lost" in said
    assert {path.name for path in (tmp_path / "dist").rglob("*")} <= {".lock"}
    assert traces(home) == []


def test_a_signal_ends_the_engine_of_the_run_too(home: EngineHome, source: Path, tmp_path: Path) -> None:
    process = compiling(source, tmp_path / "dist")
    assert running(home) is not None
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM
    assert said == "release: interrupted; nothing is visible in part; the same command goes on\n"
    assert traces(home) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_disk_without_room_for_the_engine(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(small)], check=True)
    try:
        done = pipeline("engine", "build", env={"XDG_CACHE_HOME": str(small)})
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 8
    assert "has 0.1 GB free, and building the engine needs 9 GB; free some space" in done.stderr
