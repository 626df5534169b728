"""The program that a rebuild runs: watched while it runs, and gone with all its children when we are told to end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from release_samples import ROOT

from release.rebuild.child import run

# The handlers of the program around it, and how long it waits, come first on the line.
WATCH = """
import sys
from release import cli
from release.rebuild import child
child.GRACE_SECONDS = float(sys.argv[1])
def main(argv):
    child.run(["sh", "-c", argv[1]])
cli.main = main
cli.run()
"""


def program(script: str, *, grace: float = 30, nohup: bool = False) -> subprocess.Popen[str]:
    """Run a shell's ``script`` as a rebuild runs its child, and wait until it says ``ready``."""
    # A shell starts what it puts in the background with the interrupt ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # So is what a terminal's end means: the tests themselves may run under nohup.
    hangup = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"] if nohup else ["env", "--default-signal=HUP"]
    command = [*hangup, sys.executable, "-c", WATCH, str(grace), script]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line == "ready\n":
            break
    return process


def gone(pid: Path) -> bool:
    """Whether the process whose id is in a file ends within some seconds."""
    for _ in range(100):
        with contextlib.suppress(FileNotFoundError):
            state = Path(f"/proc/{int(pid.read_text())}/stat").read_text().rpartition(") ")[2][0]
            if state != "Z":
                time.sleep(0.1)
                continue
        return True
    return False


def test_both_streams_pass_through(capfd: pytest.CaptureFixture[str]) -> None:
    ended = run(["sh", "-c", "echo one; echo two >&2; printf 'no line end'"])
    assert ended.status == 0
    assert capfd.readouterr() == ("", "one\ntwo\nno line end\n")


def test_the_status_and_the_last_lines() -> None:
    ended = run(["sh", "-c", r"for n in 1 2 3 4 5 6 7; do echo $n; done; printf 'f\374nf\n'; exit 7"])
    assert (ended.status, ended.said) == (7, ("4", "5", "6", "7", "f\N{REPLACEMENT CHARACTER}nf"))


def test_one_that_a_signal_ended() -> None:
    assert run(["sh", "-c", "kill -KILL $$"]).status == -signal.SIGKILL


def test_it_can_ask_nobody() -> None:
    assert run(["sh", "-c", "read answer"]).status != 0


def test_what_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run([tmp_path / "nothing"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_it_clear_up(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    trap = f"trap 'echo told >> {log}; sleep 0.5; echo cleared >> {log}; exit 1' TERM"
    process = program(f"{trap}; echo ready; read x < {fifo(tmp_path)}")
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said == "tesseral-release: interrupted; nothing is visible in part; the same command goes on\n"
    assert log.read_text() == "told\ncleared\n"


def test_a_terminal_may_go_where_that_is_ignored(tmp_path: Path) -> None:
    process = program("echo ready; sleep 0.5", nohup=True)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_terminals_interrupt_reaches_it_once(tmp_path: Path) -> None:
    """It is in a process group of its own, which a terminal does not know."""
    process = program(f"echo $$ > {tmp_path}/pid; echo ready; read x < {fifo(tmp_path)}")
    group = os.getpgid(int((tmp_path / "pid").read_text()))
    assert group not in (os.getpgid(process.pid), os.getpgid(0))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_a_child_that_does_not_end_is_killed_and_so_are_its_own(tmp_path: Path) -> None:
    stubborn = f"trap '' TERM; sh -c 'echo $$ > {tmp_path}/its; sleep 1000' & echo $$ > {tmp_path}/pid"
    process = program(f"{stubborn}; while ! [ -s {tmp_path}/its ]; do sleep 0.1; done; echo ready; wait", grace=0.3)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert gone(tmp_path / "pid")
    assert gone(tmp_path / "its")


def test_a_second_interrupt_waits_no_longer(tmp_path: Path) -> None:
    process = program(
        f"trap 'echo told > {tmp_path}/log' TERM; echo $$ > {tmp_path}/pid; echo ready; while :; do sleep 0.1; done"
    )
    process.send_signal(signal.SIGINT)
    while not (tmp_path / "log").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGINT
    assert gone(tmp_path / "pid")


def fifo(folder: Path) -> Path:
    """Something to wait for that never comes."""
    os.mkfifo(folder / "fifo")
    return folder / "fifo"
