"""Sets this machine's clock ahead for a while, and back whatever happens.

A process of its own does both, so that it can outlive the one that asked: it sets the clock back when
its standard input ends, which it does however that process ends, or when the time is up. It computes the
time from the clock that counts since boot and that nobody can set, so no time is lost.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from release.errors import ReleaseError, UsageError
from release.filelock import locked

LIMIT = timedelta(hours=2)
"""The clock goes back after this time even if nobody asked."""

LOCK = Path("/run/tesseral-release/clock.lock")
_TOLERANCE_NS = 500_000_000


@contextlib.contextmanager
def clock_ahead(offset: timedelta, limit: timedelta = LIMIT) -> Iterator[None]:
    """Have the clock ``offset`` ahead in the body. Raises :class:`UsageError` where it may not be set."""
    since_boot = _since_boot()
    seconds = [str(span.total_seconds()) for span in (offset, limit)]
    keeper = subprocess.Popen(
        [sys.executable, "-m", __name__, *seconds],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said = keeper.stdout.readline().strip() if keeper.stdout else ""
        if said != "ahead":
            raise UsageError(f"the clock can't be set: {said or 'no answer'}", "run as root, or without --set-clock")
        yield
    finally:
        if keeper.stdin:
            keeper.stdin.close()
        keeper.wait()
        if keeper.stdout:
            keeper.stdout.close()
        _see_that_it_is_back(since_boot)


def clock_may_be_set() -> bool:
    """Whether this process has the right to set the clock (capabilities(7), CAP_SYS_TIME); sets nothing."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        status = Path("/proc/self/status").read_text().splitlines()
        effective = next(line.split()[1] for line in status if line.startswith("CapEff:"))
        return bool(int(effective, 16) >> 25 & 1)
    return False


def _see_that_it_is_back(since_boot: int) -> None:
    """The keeper may have been killed; then this process sets the clock back."""
    if abs(_since_boot() - since_boot) > _TOLERANCE_NS:
        try:
            _set(since_boot)
        except OSError as error:
            raise ReleaseError(f"the clock is wrong and can't be set back: {error}", "set it by hand, now") from error


def _since_boot() -> int:
    """What the clock is ahead of the time since boot, in nanoseconds."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _set(since_boot: int) -> None:
    time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_BOOTTIME) + since_boot)


def _keep(offset: float, limit: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Two at once would each take the other's clock for the right one.
    with locked(LOCK):
        since_boot = _since_boot()
        try:
            _set(since_boot + int(offset * 1e9))
        except OSError as error:
            print(error.strerror, flush=True)
            return
        try:
            print("ahead", flush=True)
            select.select([sys.stdin], [], [], limit)
        finally:
            _set(since_boot)


if __name__ == "__main__":
    os.chdir("/")
    _keep(*map(float, sys.argv[1:3]))
