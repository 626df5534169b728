"""Shows a person which steps run, which are done, and how long each takes.

On a terminal the running steps are a live view below the finished ones;
elsewhere every start and end is a plain line, with a sign of life between.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from release.progress import describe

SIGN_OF_LIFE_SECONDS = 30.0


class State(StrEnum):
    """What has become of a step."""

    RUNNING = "running"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


STYLES = {
    State.RUNNING: "cyan",
    State.CACHED: "blue",
    State.DONE: "green",
    State.FAILED: "bold red",
    State.STOPPED: "yellow",
}
MARKS = {State.RUNNING: "…", State.CACHED: "=", State.DONE: "✓", State.FAILED: "✗", State.STOPPED: "-"}


@dataclass(kw_only=True)
class Step:
    """One step while it runs; whoever runs it says what happens in it."""

    name: str
    state: State = State.RUNNING
    note: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def say(self, line: str) -> None:
        """Show ``line`` as what the step does right now."""
        self.note = line

    def cached(self) -> None:
        """The step had nothing to do: its result was there already."""
        self.state = State.CACHED

    def ran(self) -> None:
        """The step had something to do after all."""
        self.state = State.RUNNING

    @property
    def seconds(self) -> float:
        """Time since the start, or what the whole step took."""
        return (self.ended or time.monotonic()) - self.started


class Progress:
    """The steps of one run. Use it as a context manager around them all."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._expected = 0
        self._started = time.monotonic()
        self._running: list[Step] = []
        self._finished = 0
        self._stop = threading.Event()
        self._live = Live(console=console, get_renderable=self._view, refresh_per_second=8, transient=True)
        self._heartbeat = threading.Thread(target=self._signs_of_life, daemon=True)

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self._live.start()
        else:
            self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self.console.is_terminal:
            self._live.stop()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Run the body as the step ``name``; an exception makes it a failed one."""
        step = Step(name=name)
        self._running.append(step)
        if not self.console.is_terminal:
            self._line(step)
        try:
            yield step
        except Exception:
            step.state = State.FAILED
            raise
        except BaseException:  # cancelled: another step failed, or a signal came
            step.state = State.STOPPED
            raise
        else:
            if step.state is State.RUNNING:
                step.state = State.DONE
        finally:
            step.ended = time.monotonic()
            self._running.remove(step)
            self._finished += 1
            self._line(step)

    def expect(self, steps: int) -> None:
        """Say how many steps are to come, for the live view."""
        self._expected = self._finished + steps

    def say(self, line: str) -> None:
        """Print a line that stays."""
        self.console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def _line(self, step: Step) -> None:
        at = _clock(time.monotonic() - self._started)
        took = "" if step.state is State.RUNNING else f"  {step.seconds:.1f} s"
        style = STYLES[step.state]
        self.console.print(
            f"[dim]{at}[/]  [{style}]{MARKS[step.state]} {step.state:<7}[/]  {escape(step.name)}[dim]{took}[/]",
            emoji=False,
            highlight=False,
            soft_wrap=True,
        )

    def _view(self) -> Group:
        running = list(self._running)
        longest = max((len(step.name) for step in running), default=0)
        rows = Table.grid(padding=(0, 1), expand=True)
        rows.add_column(width=1)
        rows.add_column(no_wrap=True, min_width=longest)
        rows.add_column(no_wrap=True, min_width=6, justify="right")
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
        for step in running:
            rows.add_row(Spinner("dots", style="cyan"), Text(step.name), f"{step.seconds:.0f} s", Text(step.note))
        of = f" of {self._expected}" if self._expected > self._finished else ""
        return Group(rows, Text(f"{_clock(time.monotonic() - self._started)}  {self._finished}{of} steps", style="dim"))

    def _signs_of_life(self) -> None:
        while not self._stop.wait(SIGN_OF_LIFE_SECONDS):
            for step in list(self._running):
                if step.seconds >= SIGN_OF_LIFE_SECONDS:
                    note = f": {step.note}" if step.note else ""
                    at = _clock(time.monotonic() - self._started)
                    self.say(f"{at}  … still     {step.name}  {step.seconds:.0f} s{note}"[:200])


class SaidMeter:
    """Says how far a transfer is, wherever a step can say something; see :class:`release.transfer.Meter`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._expected = self._moved = 0

    def expect(self, size: int) -> None:
        """Add ``size`` bytes to what there is to move."""
        with self._lock:
            self._expected += size

    def advance(self, size: int) -> None:
        """Add ``size`` bytes to what was moved, and say it. Raises what saying raises: a stop."""
        with self._lock:
            self._moved += size
            line = describe(self._moved, self._expected, time.monotonic() - self._started)
        self._say(line)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:3d}:{int(seconds) % 60:02d}"
