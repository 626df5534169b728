"""The cache of engine builds: nothing half-built is used, one process builds, the needs are said."""

from __future__ import annotations

import asyncio
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.engine import build as building
from pipeline.engine.build import Build, ensure_build, wanted_build
from pipeline.engine.home import EngineHome
from pipeline.engine.recipe import Recipe
from pipeline.progress import Progress
from release.errors import EngineError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root builds an engine")


@pytest.fixture
def home(tmp_path: Path) -> EngineHome:
    return EngineHome(root=tmp_path / "engine")


class Builder:
    """Stands where the compiler and mmdebstrap do: leaves their files, fails or waits when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = 0
        self.before_root: Callable[[], None] = lambda: None
        monkeypatch.setattr(building, "compile_programs", self.compile)
        monkeypatch.setattr(building, "make_engine_root", self.root)
        monkeypatch.setattr(building, "NEEDED_BYTES", 0)

    async def compile(self, recipe: Recipe, work: Path, out: Path, progress: Progress) -> None:
        self.runs += 1
        (out / "session").write_text("program")
        await asyncio.sleep(0.05)

    async def root(self, recipe: Recipe, programs: Path, root: Path, progress: Progress) -> None:
        self.before_root()
        (root / "usr/local/bin").mkdir(parents=True)
        (root / "usr/local/bin/dagger-engine").write_text("program")


def ensured(home: EngineHome) -> Build:
    with Progress(Console(file=io.StringIO())) as progress:
        return asyncio.run(ensure_build(home, progress))


def test_a_build_is_made_once(home: EngineHome, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch)
    first = ensured(home)
    assert first.finished
    assert ensured(home) == first
    assert builder.runs == 1
    assert not home.work.exists(), "2.5 GB of Go caches would stay"


def test_a_build_that_broke_off_is_never_taken_for_one(home: EngineHome, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch)

    def full() -> None:
        raise EngineError("the disk is full", "free some space")

    builder.before_root = full
    with pytest.raises(EngineError, match="the disk is full"):
        ensured(home)
    assert not wanted_build(home).folder.exists()
    assert (home.work / wanted_build(home).key).exists(), "the Go caches help the next try"
    builder.before_root = lambda: None
    assert ensured(home).finished
    assert builder.runs == 2


def test_a_build_that_lost_its_files_is_made_again(home: EngineHome, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch)
    (ensured(home).root / "usr/local/bin/dagger-engine").unlink()
    assert ensured(home).finished
    assert builder.runs == 2


def test_no_root_is_said_before_anything_is_downloaded(home: EngineHome, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError, match=r"by root only; run as root, or name an engine in _EXPERIMENTAL_DAGGER"):
        ensured(home)
    assert builder.runs == 0


def test_too_little_room_is_said_before_anything_is_downloaded(
    home: EngineHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Builder(monkeypatch)
    monkeypatch.setattr(building, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(EngineError, match=r"GB free, and building the engine needs .* set XDG_CACHE_HOME"):
        ensured(home)
    assert builder.runs == 0


def test_a_folder_that_cannot_be_written_is_said() -> None:
    with pytest.raises(EngineError, match=r"the engine's folder /proc/engine can't be written: .*; free some space"):
        ensured(EngineHome(root=Path("/proc/engine")))


def test_a_disk_that_fills_up_on_the_way_is_said(home: EngineHome, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch)

    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    builder.before_root = full
    with pytest.raises(EngineError, match=r"can't be written: No space left on device"):
        ensured(home)


def test_a_socket_path_fits_whatever_the_cache_is_called(tmp_path: Path) -> None:
    deep = EngineHome(root=tmp_path / ("d" * 200))
    assert len(str(deep.socket).encode()) < 108
    assert deep.socket != EngineHome(root=tmp_path / "other").socket
