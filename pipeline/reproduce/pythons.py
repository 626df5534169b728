"""Another Python with the pinned requirements, made once into the cache."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from release.errors import ToolchainError
from release.filelock import locked

from ..cache import cache_root
from ..command import CommandError, run
from ..progress import Progress

REQUIREMENTS = Path(__file__).parents[2] / "requirements/pipeline.txt"


async def ensure_environment(python: Path, progress: Progress) -> Path:
    """The ``python`` of a virtual environment of ``python``, with what the pipeline needs.

    Raises :class:`ToolchainError`.
    """
    home = cache_root() / "reproduce"
    key = hashlib.sha256(str(python).encode() + REQUIREMENTS.read_bytes()).hexdigest()[:12]
    place = home / f"{python.name}-{key}"
    if place.is_dir():
        return place / "bin/python"
    with locked(home / "pythons.lock"), progress.step(f"install the pipeline's requirements for {python.name}") as step:
        work = Path(tempfile.mkdtemp(dir=home))
        install = ["install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", str(REQUIREMENTS)]
        try:
            await run([str(python), "-m", "venv", str(work / "new")], on_line=step.say)
            await run([str(work / "new/bin/python"), "-m", "pip", *install], on_line=step.say)
            (work / "new").rename(place)
        except CommandError as error:
            raise ToolchainError(
                f"the pipeline's requirements can't be installed for {python}",
                "see pip's output above, or leave `python` out with --only",
                detail=error.output,
            ) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place / "bin/python"
