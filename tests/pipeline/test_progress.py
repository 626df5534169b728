"""What a person sees while steps run: plain lines, or a live view on a terminal."""

from __future__ import annotations

import asyncio
import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from pipeline import progress as module
from pipeline.progress import Progress, State


class Screen:
    """Where a Progress prints to: a file, or a terminal that remembers what it was sent."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.file = io.StringIO()
        self.console = Console(file=self.file, force_terminal=terminal, width=100, color_system=None)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.file.getvalue().splitlines()]

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 20
        while text not in self.file.getvalue():
            assert time.monotonic() < deadline, self.file.getvalue()
            time.sleep(0.01)


@contextmanager
def shown(screen: Screen) -> Iterator[Progress]:
    with Progress(screen.console) as progress:
        yield progress


def test_a_step_is_a_line_at_its_start_and_at_its_end() -> None:
    screen = Screen()
    with shown(screen) as progress, progress.step("build api"):
        assert screen.lines == ["  0:00  … running  build api"]
    assert len(screen.lines) == 2
    assert re.fullmatch(r"  0:00  ✓ done     build api  \d\.\d s", screen.lines[1])


def ends(error: BaseException | None, *, cached: bool = False, ran: bool = False) -> tuple[State, str]:
    """The state of a step that ends so, and its last line."""
    screen = Screen()
    caught = None
    with shown(screen) as progress:
        try:
            with progress.step("it") as step:
                if cached:
                    step.cached()
                if ran:
                    step.ran()
                if error is not None:
                    raise error
        except BaseException as raised:
            caught = raised
    assert caught is error
    return step.state, screen.lines[-1]


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (None, State.DONE, "✓ done     it"),
        (ValueError("x"), State.FAILED, "✗ failed   it"),
        (KeyboardInterrupt(), State.STOPPED, "- stopped  it"),
        (asyncio.CancelledError(), State.STOPPED, "- stopped  it"),
    ],
    ids=["well", "an error", "Ctrl-C", "cancelled"],
)
def test_how_a_step_ends(error: BaseException | None, state: State, words: str) -> None:
    ended, line = ends(error)
    assert ended is state
    assert words in line


def test_a_step_whose_result_was_there_is_cached() -> None:
    assert ends(None, cached=True)[0] is State.CACHED
    assert "= cached   it" in ends(None, cached=True)[1]
    assert ends(None, cached=True, ran=True)[0] is State.DONE
    assert ends(ValueError(), cached=True)[0] is State.FAILED


def test_steps_side_by_side() -> None:
    screen = Screen()

    async def one(progress: Progress, name: str, seconds: float) -> None:
        with progress.step(name):
            await asyncio.sleep(seconds)

    async def main() -> None:
        with shown(screen) as progress:
            await asyncio.gather(one(progress, "slow", 0.1), one(progress, "quick", 0))

    asyncio.run(main())
    assert [line.split()[2:4] for line in screen.lines] == [
        ["running", "slow"],
        ["running", "quick"],
        ["done", "quick"],
        ["done", "slow"],
    ]


ODD = ["[linux/amd64]", "a [/b] c", "[bold]x[/bold]", "x[", r"C:\dir\[x]", "ends in \\"]


@pytest.mark.parametrize("name", ODD)
def test_names_are_printed_as_they_are(name: str) -> None:
    screen = Screen()
    with shown(screen) as progress, progress.step(name):
        pass
    assert screen.lines[0] == f"  0:00  … running  {name}"
    assert screen.lines[1].startswith(f"  0:00  ✓ done     {name}  0.")


@pytest.mark.parametrize(
    "line",
    ODD,
)
def test_lines_are_printed_as_they_are(line: str) -> None:
    screen = Screen()
    with shown(screen) as progress:
        progress.say(line)
    assert screen.lines == [line]


def test_words_between_colons_are_printed_as_they_are() -> None:
    screen = Screen()
    with shown(screen) as progress:
        progress.say("main.go:bug: x")
    assert screen.lines == ["main.go:bug: x"]


def test_a_long_line_is_not_broken() -> None:
    screen = Screen()
    with shown(screen) as progress, progress.step("x" * 150):
        progress.say("y" * 150)
    assert "y" * 150 in screen.lines
    assert len(screen.lines) == 3


def test_a_long_step_gives_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIGN_OF_LIFE_SECONDS", 0.05)
    screen = Screen()
    with shown(screen) as progress, progress.step("compile [x]") as step:
        step.say("linking [y]")
        screen.wait_for("… still     compile [x]  0 s: linking [y]\n")
        step.say("l" * 500)
        screen.wait_for("llll")
    assert max(map(len, screen.lines)) <= 200


def test_a_short_step_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIGN_OF_LIFE_SECONDS", 0.2)
    screen = Screen()
    with shown(screen) as progress:
        with progress.step("short"):
            pass
        with progress.step("long"):
            screen.wait_for("still     long")
    assert not any("still     short" in line for line in screen.lines)


def test_the_signs_of_life_end_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIGN_OF_LIFE_SECONDS", 0.05)
    before = set(threading.enumerate())
    with shown(Screen()):
        (heartbeat,) = set(threading.enumerate()) - before
    heartbeat.join(20)
    assert not heartbeat.is_alive()


def plain(text: str) -> str:
    """``text`` as a terminal shows it at the end: what was erased is gone."""
    rows: list[str] = [""]
    row = 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            row += 1
            if row == len(rows):
                rows.append("")
        elif part.endswith("A") and part.startswith("\x1b"):
            row = max(0, row - int(part[2:-1] or 1))
        elif part == "\x1b[2K":
            rows[row] = ""
        elif part != "\r" and not part.startswith("\x1b"):
            rows[row] += part
    return "\n".join(line.rstrip() for line in rows).strip("\n")


def test_a_terminal_keeps_the_finished_lines_alone() -> None:
    screen = Screen(terminal=True)
    with shown(screen) as progress:
        progress.expect(3)
        with progress.step("one"):
            screen.wait_for("0 of 3 steps")
        with progress.step("two") as step:
            step.say("linking")
            step.cached()
            screen.wait_for("linking")
        progress.say("a line that stays")
        with pytest.raises(ValueError, match="x"), progress.step("three"):
            raise ValueError("x")
    left = plain(screen.file.getvalue()).splitlines()
    assert [re.sub(r"^ +\d:\d\d  |  \d\.\d s$", "", line) for line in left] == [
        "✓ done     one",
        "= cached   two",
        "a line that stays",
        "✗ failed   three",
    ]
    assert screen.file.getvalue().rstrip().endswith("\x1b[2K"), "the live view is erased at the end"
    assert screen.file.getvalue().count("\x1b[?25l") == screen.file.getvalue().count("\x1b[?25h") == 1, "the cursor"


def test_notes_are_shown_as_they_are_on_a_terminal() -> None:
    screen = Screen(terminal=True)
    with shown(screen) as progress, progress.step("one") as step:
        step.say("about [/x] and [bold]")
        screen.wait_for("about [/x] and [bold]")


@pytest.mark.parametrize("name", ["build [linux/amd64]", "build [/x]"])
def test_names_are_shown_as_they_are_on_a_terminal(name: str) -> None:
    screen = Screen(terminal=True)
    progress = Progress(screen.console)
    with progress.step(name):
        screen.console.print(progress._view())
    assert name in screen.lines[0]
