"""What a command needs: time, processor time and memory. Run as a program, it measures its arguments.

The command is started from a small process of its own: what the kernel reports as the peak memory of a child
includes that of the process that it was forked from.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Measured:
    """``seconds`` on the clock, ``busy`` seconds of processors, and the ``peak`` of memory in bytes."""

    seconds: float
    busy: float
    peak: int
    output: str


def measured(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | None = None) -> Measured:
    """Run ``command`` to its end. Raises RuntimeError with its output when it fails."""
    with tempfile.NamedTemporaryFile() as report:
        done = subprocess.run(
            [sys.executable, "-S", __file__, report.name, *command],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with status {done.returncode}:\n{done.stdout}")
        return Measured(**json.loads(Path(report.name).read_text()), output=done.stdout)


def _main(report: str, *command: str) -> int:
    start = time.monotonic()
    status = subprocess.run(command, check=False).returncode
    seconds = time.monotonic() - start
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {"seconds": seconds, "busy": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}
    Path(report).write_text(json.dumps(figures))
    return status


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
