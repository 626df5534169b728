"""One build inside of a world: ``python -m pipeline reproduce --inside JOB``, where JOB is a file of JSON.

It runs as the pipeline's own command does, and writes down what it found the world to be like.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from ..containers import Conditions, Toolchain
from ..pieces import select
from ..run import Request, release
from .facts import facts_of_containers, facts_of_process


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to build, and where its facts and its release go."""

    source: str
    version: str | None
    pieces: tuple[str, ...]
    targets: tuple[str, ...]
    fresh: str
    suite: str
    facts: str
    into: str

    def write(self, path: Path) -> None:
        """Write it for :func:`build`."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read what :meth:`write` wrote."""
        return cls(**json.loads(path.read_text()))


async def build(job: Job) -> None:
    """Write down the facts and publish the release. Raises the errors of :mod:`release.errors`."""
    facts = await facts_of_process(Path(job.source))

    async def look(tools: Toolchain) -> None:
        Path(job.facts).write_text(json.dumps(facts | await facts_of_containers(tools)))

    request = Request(
        source=job.source,
        ref=None,
        repository=None,
        version=job.version,
        notes=None,
        destinations=(job.into,),
        channel=None,
        selection=select(job.pieces, job.targets),
        plan_only=False,
        conditions=Conditions(fresh=job.fresh, suite=job.suite, look=look),
    )
    await release(request, Console())
