"""What this machine has that variations need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from release.errors import ToolchainError

from ..command import CommandError, run
from ..debian import suite_of_machine
from ..engine.connect import RUNNER_HOST, SESSION_PORT
from .clock import clock_may_be_set

SUITES = ("bookworm", "trixie")
LOCALE, LOCALE_SOURCE, CHARACTERS = "tr_TR.ISO-8859-9", "tr_TR", "ISO-8859-9"
"""Turkish, where the small letter of I is another one, in an encoding that is not UTF-8."""

MEMORY_BYTES = 8 * 1000**3
_NEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What this machine has; empty for what it has not.

    ``locales`` is a folder for LOCPATH, ``clock_kept`` says why the clock stays as it is, if it does.
    """

    cores: int
    memory: int
    rooms: bool
    own_engine: bool
    suite: str
    locales: Path | None
    python: Path | None
    clock_kept: str


async def look_around(home: Path, base_suite: str, *, sets_clock: bool) -> Machine:
    """Find out; what can be made (a locale) is made below ``home``."""
    rooms = os.geteuid() == 0 and all(map(shutil.which, ("unshare", "nsenter", "mount")))
    engine_named = os.environ.get(RUNNER_HOST) or os.environ.get(SESSION_PORT)
    debian = _is_debian() and os.geteuid() == 0
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory=_available(),
        rooms=rooms,
        own_engine=rooms and debian and not engine_named,
        suite=next(suite for suite in SUITES if suite != base_suite) if debian else "",
        locales=await _make_locale(home / "locales"),
        python=_other_python(),
        clock_kept=_clock_kept(sets_clock),
    )


def _clock_kept(asked: bool) -> str:
    if not asked:
        return "only with --set-clock"
    return "" if clock_may_be_set() else "this user may not set the clock"


def _is_debian() -> bool:
    try:
        suite_of_machine()
    except ToolchainError:
        return False
    return True


def _available() -> int:
    """Memory that is free or can be freed, in bytes (proc_meminfo(5))."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024


async def _make_locale(folder: Path) -> Path | None:
    """Compile a locale that few machines have, from the sources in Debian's package ``locales``."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        await run(["localedef", "-i", LOCALE_SOURCE, "-f", CHARACTERS, str(folder / LOCALE)])
    except CommandError:
        return None
    return folder


def _other_python() -> Path | None:
    """The newest Python of another minor version than this one's that runs here."""
    return next((python for python in _pythons() if _runs(python)), None)


def _pythons() -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for minor in range(_NEWEST, 10, -1):
        if minor == sys.version_info.minor:
            continue
        name = f"python3.{minor}"
        yield from (Path(found) for found in [shutil.which(name)] if found)
        yield from sorted(pyenv.glob(f"versions/*/bin/{name}"))


def _runs(python: Path) -> bool:
    """pyenv, for one, puts programs on PATH that only tell that they are not chosen."""
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0
