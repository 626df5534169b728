"""The proxy kit in a release: packed as it is, without an engine, and what `configure proxy` takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import commit, git, pipeline

from release.proxy import installed, open_kit
from release.verify import verify

VERSION = "1.4.0-rc.1"
NAME = f"tesseral-proxy_{VERSION}.tar.gz"


@pytest.fixture
def released(source: Path, tmp_path: Path) -> Path:
    """A release of the kit alone, made where there is no engine and none can be had."""
    git(source, "rm", "-r", "--quiet", "console", "cmd", "go.mod")
    commit(source, "Nothing to build")
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "GOPROXY": "off"}
    part = ("--source", source, "--to", tmp_path / "dist", "--version", VERSION, "--piece", "proxy")
    done = pipeline("release", *part, env=nowhere, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "cache").rglob("engine*")) == []
    return tmp_path / "dist/releases" / VERSION


def test_it_holds_the_templates_and_its_version(released: Path) -> None:
    manifest = verify(released)
    assert [(one.name, one.piece, one.target) for one in manifest.artifacts] == [
        (f"tesseral-proxy_{VERSION}.cdx.json", "proxy", None),
        (NAME, "proxy", None),
    ]
    assert manifest.images == ()
    kit = replace(installed(), version=VERSION)
    assert open_kit(released) == open_kit(released / NAME) == kit
