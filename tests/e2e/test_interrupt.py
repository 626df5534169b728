"""A run that is interrupted leaves nothing: no file in the destination, no process, no folder of its own."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from e2e_support import compiling

from pipeline.cache import cache_root


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(source: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM in the middle of a compile."""
    target = source.parent / "dist"
    process = compiling(source, target)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said == "release: interrupted; nothing is visible in part; the same command goes on\n"
    assert {path.name for path in target.rglob("*")} <= {".lock"}
    assert list((cache_root() / "runs").iterdir()) == []
    sessions = subprocess.run(["pgrep", "--full", "bin/session session"], check=False, capture_output=True)
    assert sessions.stdout == b""
