import io
import os
import pty
import threading
import time

import pytest

from release import progress
from release.progress import describe, showing


@pytest.mark.parametrize(
    ("moved", "expected", "seconds", "text"),
    [
        (0, 0, 0.0, "100 %, 0 B of 0 B, 0 B/s"),
        (1, 3, 1.0, "33 %, 1 B of 3 B, 1 B/s"),
        (2**20, 2**21, 2.0, "50 %, 1.0 MiB of 2.0 MiB, 512.0 KiB/s"),
        (5, 3, 1.0, "100 %, 5 B of 3 B, 5 B/s"),
    ],
)
def test_the_words(moved: int, expected: int, seconds: float, text: str) -> None:
    assert describe(moved, expected, seconds) == text


def test_a_log_gets_a_line_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    log = io.StringIO()
    with showing("fetch 1.4.0", log) as meter:
        meter.expect(90)
        for _ in range(61):
            now[0] += 1
            meter.advance(1)
    assert log.getvalue() == "fetch 1.4.0: 33 %, 30 B of 90 B, 1 B/s\nfetch 1.4.0: 66 %, 60 B of 90 B, 1 B/s\n"


def test_a_terminal_gets_a_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_INTERVAL", 0.0)
    reading, writing = pty.openpty()
    with os.fdopen(writing, "w") as terminal, showing("fetch 1.4.0", terminal) as meter:
        meter.expect(4)
        meter.advance(1)
    shown = os.read(reading, 1000).decode()
    os.close(reading)
    assert shown.startswith("\r\x1b[Kfetch 1.4.0: 25 %, 1 B of 4 B")
    assert shown.endswith("\r\x1b[K")


def test_a_stop_ends_transfers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_stopping", threading.Event())
    with showing("fetch", io.StringIO()) as meter:
        meter.advance(1)
        progress.stop_transfers()
        with pytest.raises(KeyboardInterrupt):
            meter.advance(1)
