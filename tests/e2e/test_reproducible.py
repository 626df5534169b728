"""Two releases of one commit are the same to the byte, the second by an engine without any state."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path

from e2e_support import cold_cache
from support import make_source, pipeline

from pipeline.cache import cache_root


def files(folder: Path) -> dict[str, tuple[int, Path]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, path) for path in folder.rglob("*") if path.is_file()
    }


def test_a_cold_engine_makes_the_same_bytes(release: Path, tmp_path: Path) -> None:
    again = make_source(tmp_path / "an other place" / "source")
    target = tmp_path / "dist"
    env = {"XDG_CACHE_HOME": str(cold_cache(tmp_path / "cache")), "TZ": "Asia/Kathmandu", "LC_ALL": "C"}
    mask = os.umask(0o077)
    try:
        done = pipeline("release", "--source", again, "--to", target, env=env)
    finally:
        os.umask(mask)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cached" not in done.stdout, "the engine had state"
    first, second = files(release), files(target / "releases" / release.name)
    assert first.keys() == second.keys()
    different = [name for name in first if not filecmp.cmp(first[name][1], second[name][1], shallow=False)]
    assert different == []
    assert not (tmp_path / "cache" / cache_root().name / "engine/engine.json").exists(), "the engine was left running"
