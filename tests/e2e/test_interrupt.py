"""A run that is interrupted leaves nothing: no file in the destination, no process, no folder of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import REPOSITORY, commit

from pipeline.cache import cache_root


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(source: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM in the middle of a compile."""
    (source / "internal/store/fresh.go").write_text("package store\n\nvar _ = 12345\n")
    commit(source, "Compile something anew")
    target = source.parent / "dist"
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "release", "--source", str(source), "--to", str(target), "--piece", "api"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "build api" in line:
            break
    time.sleep(2)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said == "release: interrupted; nothing was published; the same command starts again\n"
    assert {path.name for path in target.rglob("*")} <= {".lock"}
    assert list((cache_root() / "runs").iterdir()) == []
    sessions = subprocess.run(["pgrep", "--full", "bin/session session"], check=False, capture_output=True)
    assert sessions.stdout == b""
