"""A tool that is run: its output, its status, and that it ends with whoever runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from pipeline import command
from pipeline.command import KEPT_LINES, CommandError, run


def shell(script: str, **options: object) -> str:
    async def main() -> str:
        try:
            return await run(["sh", "-c", script], **options)  # type: ignore[arg-type]
        finally:
            await asyncio.sleep(0.01)  # the loop closes what an error left open

    return asyncio.run(main())


def test_standard_output_is_returned_as_it_is() -> None:
    assert shell(r"printf 'one\r\n\n  two'; echo aside >&2") == "one\r\n\n  two"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert shell(r"printf 'a\377b\n'") == "a\N{REPLACEMENT CHARACTER}b\n"


def test_a_status_other_than_0_is_an_error_with_both_streams() -> None:
    with pytest.raises(CommandError) as caught:
        shell("echo out; echo err >&2; exit 3")
    assert str(caught.value) == "sh ended with status 3"
    assert caught.value.status == 3
    assert sorted(caught.value.output.splitlines()) == ["err", "out"]
    assert caught.value.command[:2] == ("sh", "-c")


def test_a_signals_end_is_an_error() -> None:
    with pytest.raises(CommandError) as caught:
        shell("kill -KILL $$")
    assert caught.value.status == -signal.SIGKILL


def test_a_tool_that_is_not_installed() -> None:
    with pytest.raises(CommandError) as caught:
        asyncio.run(run(["no-such-tool", "x"]))
    assert str(caught.value) == "no-such-tool is not installed"
    assert caught.value.status is None
    assert not caught.value.disk_full


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("")
    with pytest.raises(CommandError):
        asyncio.run(run([str(tmp_path / "tool")]))


@pytest.mark.parametrize(
    ("words", "full"),
    [("write /x: No space left on device", True), ("NO SPACE LEFT ON DEVICE", True), ("no space for it", False)],
)
def test_a_full_disk_is_recognised(words: str, full: bool) -> None:
    with pytest.raises(CommandError) as caught:
        shell(f"echo '{words}' >&2; exit 1")
    assert caught.value.disk_full is full


def test_an_error_keeps_the_last_lines() -> None:
    with pytest.raises(CommandError) as caught:
        shell(f"i=0; while [ $i -lt {KEPT_LINES + 10} ]; do echo $i; i=$((i + 1)); done; exit 1")
    kept = caught.value.output.splitlines()
    assert (len(kept), kept[-1]) == (KEPT_LINES, str(KEPT_LINES + 9))


def test_lines_of_both_streams_are_passed_on() -> None:
    seen: list[str] = []
    printed = shell("echo one; echo; echo '  two  '; echo three >&2", on_line=seen.append)
    assert sorted(seen) == ["  two", "one", "three"]
    assert printed == "one\n\n  two  \n"


def test_lines_come_while_the_tool_runs() -> None:
    async def main() -> bool:
        came = asyncio.Event()
        task = asyncio.create_task(run(["sh", "-c", "echo here; read line"], stdin=None, on_line=lambda _: came.set()))
        other = asyncio.create_task(run(["sh", "-c", "echo here; sleep 60"], on_line=lambda _: came.set()))
        await asyncio.wait_for(came.wait(), 20)
        running = not other.done()
        other.cancel()
        await asyncio.gather(task, other, return_exceptions=True)
        return running

    assert asyncio.run(main())


def test_standard_input() -> None:
    big = b"0123456789abcde\n" * (1 << 16)  # more than a pipe holds
    assert asyncio.run(run(["cat"], stdin=big)) == big.decode()
    assert asyncio.run(run(["cat"], stdin=b"")) == ""


def test_without_standard_input_there_is_none_to_wait_for() -> None:
    assert asyncio.run(asyncio.wait_for(run(["cat"]), 20)) == ""


def test_a_tool_may_leave_its_input_unread() -> None:
    assert asyncio.run(run(["true"], stdin=b"x" * (1 << 20))) == ""


def test_the_environment_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    path = os.environ["PATH"]
    assert shell('echo "$INHERITED"') == "yes\n"
    assert shell('echo "$INHERITED$OWN"', env={"PATH": path, "OWN": "own"}) == "own\n"


def test_the_folder_and_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert shell("pwd; umask", cwd=tmp_path) == f"{tmp_path}\n0022\n"
    finally:
        os.umask(before)


def test_a_line_may_be_long() -> None:
    assert len(shell("head -c 3000000 /dev/zero | tr '\\0' x")) == 3000000


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def left(pids: list[int]) -> list[int]:
    """Those that go on after a moment (the last of a group are reaped by init); they are ended here."""
    deadline = time.monotonic() + 2
    while any(map(alive, pids)) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    found = [pid for pid in pids if alive(pid)]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.05)  # the loop closes their pipes
    return found


def cancelled(script: str, *, names: int = 2) -> tuple[float, list[int]]:
    """Cancel a shell once it has named its processes: how many seconds its end took, and which of them go on."""
    pids: list[int] = []

    async def main() -> tuple[float, list[int]]:
        task = asyncio.create_task(run(["sh", "-c", script], on_line=lambda line: pids.append(int(line))))
        while len(pids) < names:
            assert not task.done()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started, await left(pids)

    return asyncio.run(asyncio.wait_for(main(), 60))


def test_a_cancelled_tool_ends_with_its_children() -> None:
    took, going_on = cancelled("echo $$; sleep 60 & echo $!; wait")
    assert going_on == []
    assert took < command.GRACE_SECONDS


def test_a_cancelled_tool_may_clear_up(tmp_path: Path) -> None:
    script = f"trap 'echo cleared > {tmp_path}/cleared; exit 1' TERM; sleep 60 & echo $$; echo $!; wait"
    assert cancelled(script)[1] == []
    assert (tmp_path / "cleared").read_text() == "cleared\n"


def test_a_tool_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "GRACE_SECONDS", 0.5)
    took, going_on = cancelled("trap '' TERM; echo $$; sleep 60 & echo $!; while :; do wait; done")
    assert took >= 0.5
    assert going_on == []


def test_a_child_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "GRACE_SECONDS", 0.5)
    child = "trap '' TERM; sh -c 'echo $PPID'; exec sleep 60 >/dev/null 2>&1"
    assert cancelled(f"echo $$; ({child}) & wait")[1] == []


def test_a_child_that_outlives_its_tool_is_ended_too() -> None:
    assert cancelled("echo $$; sleep 60 & echo $!")[1] == []  # the child holds standard output open


def test_a_tool_is_ended_when_its_lines_cannot_be_taken() -> None:
    pids: list[int] = []

    def take(line: str) -> None:
        pids.append(int(line))
        if len(pids) == 2:
            raise LookupError(line)

    async def main() -> list[int]:
        with pytest.raises(LookupError):
            await run(["sh", "-c", "echo $$; sleep 60 & echo $!; wait"], on_line=take)
        return await left(pids)

    assert asyncio.run(main()) == []


def test_a_tool_has_no_part_in_the_terminals_signals() -> None:
    assert shell("ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat").strip() != str(os.getpgrp())
