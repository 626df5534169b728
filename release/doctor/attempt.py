"""Asking something that may fail or never answer, within a limit of time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Generic, TypeVar

T = TypeVar("T")


class Trouble(Exception):  # noqa: N818 - no error of this program: what was looked at is in trouble
    """What a probe saw instead of an answer, in words that hold no secret."""


@dataclass(frozen=True)
class Problem:
    """Why something could not be found out."""

    text: str

    def __str__(self) -> str:
        return self.text


class Running(Generic[T]):
    """Work that was started; whoever asks for its result waits, and not for longer than ``seconds`` from its start.

    Work that never ends is left behind, in a thread that does not keep the program from ending.
    """

    def __init__(self, work: Callable[[], T], seconds: float) -> None:
        self._seconds = seconds
        self._outcome: T | Problem = Problem(f"no answer within {seconds:g} s")
        self._done = threading.Event()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def result(self) -> T | Problem:
        """Return what the work returned, or why it did not."""
        self._done.wait(self._seconds)
        return self._outcome

    def _run(self, work: Callable[[], T]) -> None:
        try:
            outcome: T | Problem = work()
        except Trouble as trouble:
            outcome = Problem(str(trouble))
        except Exception as error:
            outcome = defect(error)
        self._outcome = outcome
        self._done.set()


def defect(error: Exception) -> Problem:
    """Return what to say of an error that nobody expected: its kind and its place, since its text may hold a secret."""
    last = extract_tb(error.__traceback__)[-1]
    return Problem(f"a defect of this program: {type(error).__name__} in {Path(last.filename).name}:{last.lineno}")


def attempt(work: Callable[[], T], seconds: float) -> T | Problem:
    """Return what ``work`` returns, or why it did not within ``seconds``."""
    return Running(work, seconds).result()
