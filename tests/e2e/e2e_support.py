"""What the end-to-end tests share besides fixtures."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path

from support import REPOSITORY, commit

from pipeline.cache import NAME, cache_root
from pipeline.debian import require
from pipeline.engine.build import wanted_build
from pipeline.engine.home import engine_home

VERSION = "1.0.0"


def install(*packages: str, commands: tuple[str, ...]) -> None:
    """Install Debian packages that the tests need, where they are missing."""
    asyncio.run(require(packages, commands=commands, say=print))


def layout_tar(release: Path, name: str, target: Path) -> Path:
    """An image's layout as one tar file, the form in which engines import it."""
    shutil.make_archive(str(target / name), "tar", release / "images" / name)
    return target / f"{name}.tar"


def cold_cache(home: Path) -> Path:
    """A cache directory with the engine's programs and the tools in it, and no state at all."""
    builds = home / NAME / "engine/builds"
    builds.mkdir(parents=True)
    build = wanted_build(engine_home())
    (builds / build.key).symlink_to(build.folder)
    (home / NAME / "toolchain").symlink_to(cache_root() / "toolchain")
    return home


def compiling(source: Path, target: Path) -> subprocess.Popen[str]:
    """A release in the middle of a compile."""
    (source / "internal/store/fresh.go").write_text("package store\n\nvar _ = 54321\n")
    commit(source, "Compile something anew")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "release", "--source", source, "--to", target, "--piece", "api"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "build api" in line:
            break
    time.sleep(3)
    return process
