"""A program run for a person who watches: its output passes through as it comes, and it ends when this one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ..errors import Interrupted

GRACE_SECONDS = 60.0
"""How long a program may take to clear up after a signal: an engine has to stop, too."""

_KEPT_LINES = 5


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended: its exit status (negative: the signal) and the last lines of its output."""

    status: int
    said: tuple[str, ...]


def run(command: Sequence[str | Path]) -> Ended:
    """Run ``command`` and pass on what it prints, both streams, to standard error.

    It is a process group of its own, so that a terminal's Ctrl-C reaches it once, by way of this process: on
    whatever ends the wait it is told to terminate, gets time to clear up, and is killed with all that it left.
    Raises OSError when it cannot be started.
    """
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    with _hangup_raised():
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0
        )
        try:
            for line in process.stdout or ():
                said.append(line.decode(errors="replace").rstrip())
                print(said[-1], file=sys.stderr, flush=True)
            return Ended(status=process.wait(), said=tuple(said))
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_SECONDS)
    finally:  # a second Ctrl-C leads here too
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _hangup_raised() -> Iterator[None]:
    """Let the end of the terminal raise Interrupted as Ctrl-C does, unless it is ignored (``nohup``)."""
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number)
