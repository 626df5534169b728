"""How far a transfer is, for the person at the terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from .table import human_size
from .transfer import Meter

_INTERVAL = 0.2
_LOG_INTERVAL = 30.0


_stopping = threading.Event()


def stop_transfers() -> None:
    """Let every transfer that shows its progress here end at its next piece; for handlers of signals."""
    _stopping.set()


@contextmanager
def showing(label: str, stream: TextIO | None = None) -> Iterator[Meter]:
    """Show a line about the bytes that are moved in the block, on standard error.

    A terminal gets one line that changes; elsewhere, such as in the log of a CI, a line every half
    minute.
    """
    meter = _Line(label, stream or sys.stderr)
    try:
        yield meter
    finally:
        meter.close()


class _Line:
    def __init__(self, label: str, stream: TextIO) -> None:
        self._label = label
        self._stream = stream
        self._terminal = stream.isatty()
        self._lock = threading.Lock()
        self._expected = self._moved = 0
        self._began = self._shown = time.monotonic()

    def expect(self, size: int) -> None:
        with self._lock:
            self._expected += size

    def advance(self, size: int) -> None:
        if _stopping.is_set():
            raise KeyboardInterrupt
        with self._lock:
            self._moved += size
            now = time.monotonic()
            if now - self._shown >= (_INTERVAL if self._terminal else _LOG_INTERVAL):
                self._shown = now
                self._show(now)

    def close(self) -> None:
        with self._lock:
            if self._terminal:
                self._stream.write("\r\x1b[K")
                self._stream.flush()

    def _show(self, now: float) -> None:
        text = f"{self._label}: {describe(self._moved, self._expected, now - self._began)}"
        if self._terminal:
            width = os.get_terminal_size(self._stream.fileno()).columns
            self._stream.write(f"\r\x1b[K{text[: width - 1]}")
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()


def describe(moved: int, expected: int, seconds: float) -> str:
    """Return a line such as ``43 %, 5.7 MiB of 13.2 MiB, 2.1 MiB/s``."""
    percent = 100 if moved >= expected else 100 * moved // expected
    rate = human_size(int(moved / seconds)) if seconds > 0 else "0 B"
    return f"{percent} %, {human_size(moved)} of {human_size(expected)}, {rate}/s"
