"""diffoscope (diffoscope.org), for those who have it: it looks deeper into a difference than we do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SECONDS = 300


def diffoscope(first: Path, second: Path, *, lines: int = 60) -> str:
    """Return the first ``lines`` of what diffoscope says of two files or folders; empty where it isn't installed."""
    if shutil.which("diffoscope") is None:
        return ""
    command = ["diffoscope", "--text", "-", "--no-progress", str(first), str(second)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"diffoscope did not end within {_SECONDS} seconds"
    said = (done.stdout or done.stderr).splitlines()
    more = [f"… {len(said) - lines} more lines"] if len(said) > lines else []
    return "\n".join([*said[:lines], *more])
