"""The folder of a run is gone after it, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import REPOSITORY

from pipeline.scratch import scratch
from release.errors import DestinationError
from release.filelock import is_held


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folders of runs lie."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/tesseral-release/runs"


OTHER_RUN = """
import sys
from pipeline.scratch import scratch
with scratch() as work:
    (work / "file").write_text("x")
    print(work, flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_run() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A run in a process of its own, and its folder; it goes on until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_RUN], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def test_a_run_has_an_empty_folder_of_its_own(runs: Path) -> None:
    with scratch() as one, scratch() as other:
        assert one != other
        for work in (one, other):
            assert work.is_relative_to(runs)
            assert list(work.iterdir()) == []
            assert work.parent.stat().st_mode & 0o077 == 0, "others on this machine have no part in it"


def test_the_folder_is_gone_after_success(runs: Path) -> None:
    with scratch() as work:
        (work / "deep/er").mkdir(parents=True)
        (work / "deep/er/file").write_text("x")
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(1)], ids=lambda e: type(e).__name__)
def test_the_folder_is_gone_after(runs: Path, error: BaseException) -> None:
    caught = None
    try:
        with scratch() as work:
            (work / "file").write_text("x")
            raise error
    except BaseException as raised:
        caught = raised
    assert caught is error
    assert list(runs.iterdir()) == []


def test_what_a_killed_run_left_is_swept_by_the_next(runs: Path) -> None:
    with other_run() as (process, work):
        process.kill()
        process.wait()
        assert (work / "file").exists()
        with scratch() as mine:
            assert not work.parent.exists()
            assert list(runs.iterdir()) == [mine.parent]


def test_the_folder_of_a_run_that_goes_on_stays(runs: Path) -> None:
    with other_run() as (process, work):
        with scratch():
            assert is_held(work.parent / "lock")
            assert (work / "file").read_text() == "x"
        assert (work / "file").exists()
        process.communicate()
        assert process.returncode == 0
        assert list(runs.iterdir()) == []


def test_the_folders_of_this_process_are_not_swept_by_itself(runs: Path) -> None:
    with scratch() as outer:
        (outer / "file").write_text("x")
        with scratch():
            assert (outer / "file").exists()


def test_other_things_in_the_cache_are_left_alone(runs: Path) -> None:
    (runs / "something").mkdir(parents=True)
    (runs / "file").write_text("x")
    with scratch():
        pass
    assert sorted(path.name for path in runs.iterdir()) == ["file", "something"]


def test_sweeping_asks_without_holding_up(runs: Path) -> None:
    with other_run():
        started = time.monotonic()
        with scratch():
            assert time.monotonic() - started < 5


def test_a_cache_that_is_no_folder_is_said(runs: Path) -> None:
    runs.parent.parent.write_text("a file")
    with pytest.raises(DestinationError) as caught, scratch():
        pass
    assert str(caught.value) == (
        f"the cache directory {runs} can't be written: Not a directory; free it, or set XDG_CACHE_HOME"
    )
