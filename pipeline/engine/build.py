"""A finished build of the engine in the cache, made when it is not there yet."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from release.errors import EngineError
from release.filelock import is_held, locked

from ..cache import free_bytes
from ..debian import suite_of_machine
from ..progress import Progress
from .compile import compile_programs
from .home import EngineHome
from .recipe import Recipe, build_files
from .rootfs import make_engine_root

NEEDED_BYTES = 9 * 1000**3


@dataclass(frozen=True, kw_only=True)
class Build:
    """One finished build: the programs, and a root with them in place."""

    key: str
    folder: Path

    @property
    def root(self) -> Path:
        """The root filesystem of the engine."""
        return self.folder / "root"

    @property
    def session(self) -> Path:
        """The program that opens a session, for the SDK."""
        return self.folder / "bin" / "session"

    @property
    def finished(self) -> bool:
        """Whether it is all there; a build comes to its name by one rename."""
        return self.session.is_file() and (self.root / "usr/local/bin/dagger-engine").is_file()


def wanted_build(home: EngineHome) -> Build:
    """The build that this version of the project would use on this machine."""
    key = Recipe(suite=suite_of_machine()).key(build_files())
    return Build(key=key, folder=home.builds / key)


async def ensure_build(home: EngineHome, progress: Progress) -> Build:
    """Return the wanted build, built first when it is missing or half there.

    A run that finds another one building waits for it. Raises
    :class:`EngineError`.
    """
    build = wanted_build(home)
    if build.finished:
        return build
    if os.geteuid() != 0:
        raise EngineError(
            "an engine of our own can be built and started by root only",
            "run as root, or name an engine in _EXPERIMENTAL_DAGGER_RUNNER_HOST, or start a container runtime",
        )
    if is_held(home.build_lock):
        progress.say("another run is building the engine; waiting for it")
    with home.written(), locked(home.build_lock):
        if not build.finished:
            await _build(home, build, progress)
    return build


async def _build(home: EngineHome, build: Build, progress: Progress) -> None:
    free = free_bytes(home.root)
    if free < NEEDED_BYTES:
        raise EngineError(
            f"{home.root} has {free / 1e9:.1f} GB free, and building the engine needs {NEEDED_BYTES / 1e9:.0f} GB",
            "free some space, or set XDG_CACHE_HOME to a larger disk",
        )
    progress.say(f"no engine {build.key} yet: building one, once (about 6 minutes on two cores)")
    recipe = Recipe(suite=suite_of_machine())
    work = home.work / build.key
    fresh = work / "build"
    await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)
    (fresh / "bin").mkdir(parents=True)
    await compile_programs(recipe, work, fresh / "bin", progress)
    await make_engine_root(recipe, fresh / "bin", fresh / "root", progress)
    with progress.step("put the engine in place and drop its build caches"):
        home.builds.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.rmtree, build.folder, ignore_errors=True)
        fresh.rename(build.folder)
        await asyncio.to_thread(shutil.rmtree, home.work, ignore_errors=True)
