"""Worlds are made real, canaries are caught, and the clock goes back: on this machine, without an engine."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from release_samples import staged
from support import REPOSITORY, git

from pipeline.reproduce import clock
from pipeline.reproduce.canaries import let_in, packed_canaries
from pipeline.reproduce.facts import facts_of_process
from pipeline.reproduce.rooms import Room, room
from pipeline.reproduce.world import World
from release.archive import Entry, entries_of, write_tar_gz
from release.errors import ReleaseError, UsageError
from release.filelock import locked

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
sets_clock = pytest.mark.skipif(not clock.clock_may_be_set(), reason="the clock may not be set here")

FACTS = """
import asyncio, json, sys
from pathlib import Path
from pipeline.reproduce.facts import facts_of_process
print(json.dumps(asyncio.run(facts_of_process(Path(sys.argv[1])))))
"""


def said(world: World, folder: Path, *command: str, **env: str) -> str:
    async def inside() -> str:
        async with room(world, folder) as made:
            made.outside(made.place).mkdir(parents=True)
            return await made.run(*command, env=env, cwd=made.place)

    return asyncio.run(inside())


def test_a_world_without_a_room(tmp_path: Path) -> None:
    world = World(name="plain", umask=0o027, one_core=True, place="a b/c")
    found = said(world, tmp_path / "world", "sh", "-c", "umask; nproc; pwd; echo $COLOUR", COLOUR="blue")
    assert found.split("\n")[:4] == ["0027", "1", str(tmp_path / "world/a b/c"), "blue"]


@as_root
@pytest.mark.parametrize("cold", [False, True])
def test_a_world_with_a_room(tmp_path: Path, cold: bool) -> None:
    world = World(name="room", user="somebody-else", host_name="another-host", memory=True, cold=cold)
    script = "hostname; id -un; stat --file-system --format=%T .; ls /proc | grep -c '^[0-9]*$'"
    host, user, kind, processes = said(world, tmp_path / "world", "sh", "-c", script).split()
    assert (host, user, kind) == ("another-host", "somebody-else", "tmpfs")
    assert (int(processes) < 10) is cold
    assert socket.gethostname() != "another-host"
    assert list((tmp_path / "world").iterdir()) == [], "what was in memory is gone"
    assert "world" not in Path("/proc/mounts").read_text().replace(str(tmp_path), "")


@as_root
def test_what_runs_in_a_room_ends_with_it(tmp_path: Path) -> None:
    world = World(name="room", cold=True)
    said(world, tmp_path / "world", "sh", "-c", "exec 1>&- 2>&-; setsid sleep 98765 & sleep 0.1")
    assert not any(b"98765" in path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())


@as_root
def test_a_room_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("unshare", "sh"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReleaseError, match=r"^the world 'bad' can't be made; ") as caught:
        said(World(name="bad", host_name="x"), tmp_path / "world", "true")
    assert "mount: not found" in caught.value.detail


def test_a_command_that_fails_in_a_room(tmp_path: Path) -> None:
    made = Room(world=World(name="plain"), folder=tmp_path)
    with pytest.raises(Exception, match=r"^sh ended with status 3$"):
        asyncio.run(made.run("sh", "-c", "exit 3", env={}, cwd=tmp_path))


def test_facts_of_this_process(source: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{source}", "shallow")
    full, shallow = (asyncio.run(facts_of_process(folder)) for folder in (source, tmp_path / "shallow"))
    assert (full["clone"], shallow["clone"]) == ("full, history of 1", "shallow, history of 1")
    assert full["source"] == str(source)
    assert full["pipeline"] == str(REPOSITORY)
    assert full["host name"] == socket.gethostname()
    assert full["cores"] == str(len(os.sched_getaffinity(0)))


def test_the_order_of_files_is_that_of_the_source(source: Path) -> None:
    def order() -> str:
        return asyncio.run(facts_of_process(source))["file order"]

    before = order()
    (source / ".git/more").write_text("")
    assert order() == before
    (source / "cmd/more").write_text("")
    assert order() != before


def test_facts_of_another_process(source: Path) -> None:
    env = {**os.environ, "TZ": "<+1345>-13:45", "HOME": "/nowhere", "LC_ALL": "C", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", FACTS, str(source)], env=env, umask=0o077, capture_output=True, text=True, check=True
    )
    for fact in ('"time zone": "+1345"', '"home": "/nowhere"', '"umask": "077"', '"locale": "C ANSI_X3.4-1968 Sunday"'):
        assert fact in done.stdout


def test_canaries_are_caught(tmp_path: Path) -> None:
    canaries = packed_canaries(staged(tmp_path / "release").directory, tmp_path / "work")
    assert [(one.kind, one.member, one.caught) for one in canaries] == [
        ("program, tar.gz", "bin/api", True),
        ("program, zip", "bin/api", True),
        ("image", "bin/api", True),
    ]


def test_a_canary_that_does_not_show(tmp_path: Path) -> None:
    (tmp_path / "canary/files").mkdir(parents=True)
    (tmp_path / "canary/files/a").write_text("x")
    missed = let_in("nothing", "a.tar.gz", tmp_path / "canary/files", lambda *_: None, str)
    assert (missed.caught, missed.how) == (False, "no difference was seen")


def test_a_canary_is_one_file(tmp_path: Path) -> None:
    """What shows more than the canary is not to be trusted to show it."""
    (tmp_path / "canary/files").mkdir(parents=True)
    (tmp_path / "canary/files/a").write_text("x")

    def pack(folder: Path, into: Path) -> None:
        restless = Entry(path="b", source=str(time.time_ns()).encode())
        write_tar_gz(into / "a.tar.gz", [*entries_of(folder), restless], 0)

    missed = let_in("restless", "a.tar.gz", tmp_path / "canary/files", pack, str)
    assert not missed.caught


def ahead() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME)


# By a blink: other things on this machine look at the clock.
BLINK = timedelta(milliseconds=200)
NEAR = 0.05


@sets_clock
def test_the_clock_is_set_and_set_back() -> None:
    before = ahead()
    with clock.clock_ahead(BLINK):
        assert abs(ahead() - before - BLINK.total_seconds()) < NEAR
    assert abs(ahead() - before) < NEAR


@sets_clock
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_keeper_outlives_who_asked(number: signal.Signals) -> None:
    script = """
import time
from datetime import timedelta
from pipeline.reproduce.clock import clock_ahead
with clock_ahead(timedelta(milliseconds=200)):
    print("in", flush=True)
    time.sleep(60)
"""
    before = ahead()
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        process.send_signal(number)
    with locked(clock.LOCK):  # free when the keeper has ended
        assert abs(ahead() - before) < NEAR


@sets_clock
def test_the_clock_goes_back_when_time_is_up() -> None:
    before = ahead()
    with clock.clock_ahead(BLINK, limit=timedelta(seconds=0.1)), locked(clock.LOCK):
        assert abs(ahead() - before) < NEAR


def test_a_clock_that_may_not_be_set() -> None:
    if clock.clock_may_be_set():
        command = ["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time", sys.executable, "-c"]
    else:
        command = [sys.executable, "-c"]
    script = """
from datetime import timedelta
from pipeline.reproduce.clock import clock_ahead, clock_may_be_set
print(clock_may_be_set())
try:
    with clock_ahead(timedelta()): pass
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([*command, script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "False",
        f"{UsageError.__name__} the clock can't be set: Operation not permitted; run as root, or without --set-clock",
    ]
