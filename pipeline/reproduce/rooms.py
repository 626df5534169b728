"""Makes a world real: namespaces with another host name, user and files in memory, and commands run in them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from release.errors import ReleaseError

from ..command import run
from .world import World

ENTER = Path(__file__).with_name("enter.sh")
# What a command is run through: its umask and its folder, which are those of the world.
IN_PLACE = 'umask "$1"; cd "$2"; shift 2; exec "$@"'


@dataclass(frozen=True, kw_only=True)
class Room:
    """A world made real. ``folder`` is the world's own; ``process`` holds its namespaces, 0 without any."""

    world: World
    folder: Path
    process: int = 0

    @property
    def place(self) -> Path:
        """The folder of source and pipeline, as it is called inside."""
        return self.folder / self.world.place

    def outside(self, path: Path) -> Path:
        """Where this process finds what is ``path`` inside."""
        return Path(f"/proc/{self.process}/root{path}") if self.process else path

    async def run(
        self, *command: str | Path, env: Mapping[str, str], cwd: Path, say: Callable[[str], None] | None = None
    ) -> str:
        """Run a command inside with ``env`` on top of the environment. Raises :class:`.CommandError`."""
        whole = ["sh", "-c", IN_PLACE, "sh", f"{self.world.umask:03o}", str(cwd), *map(str, command)]
        if self.world.one_core:
            whole = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *whole]
        if self.process:
            spaces = ["--mount", "--uts", *(["--pid"] if self.world.cold else [])]
            whole = ["nsenter", f"--target={self.process}", *spaces, *whole]
        return await run(whole, env={**os.environ, **env}, on_line=say)


@contextlib.asynccontextmanager
async def room(world: World, folder: Path) -> AsyncIterator[Room]:
    """Have a room for ``world`` in the body; all its processes and mounts end with it."""
    folder.mkdir(parents=True)
    if not world.needs_room:
        yield Room(world=world, folder=folder)
        return
    spaces = ["--mount", "--uts"]
    if world.cold:
        spaces += ["--pid", "--fork", "--mount-proc"]
    names = [world.host_name, world.user, str(folder), "1" if world.memory else "0"]
    holder = await asyncio.create_subprocess_exec(
        *["unshare", *spaces, "sh", str(ENTER), *names],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Room(world=world, folder=folder, process=await _ready(holder, world))
    finally:
        if holder.stdin is not None:
            holder.stdin.close()
        await asyncio.shield(holder.wait())


async def _ready(holder: asyncio.subprocess.Process, world: World) -> int:
    """The process that is in the namespaces: ``unshare`` itself, or its child."""
    said = await holder.stdout.readline() if holder.stdout else b""
    if said.strip() != b"ready":
        detail = (await holder.stderr.read()).decode(errors="replace") if holder.stderr else ""
        raise ReleaseError(f"the world {world.name!r} can't be made", "see what unshare said above", detail=detail)
    if not world.cold:
        return holder.pid
    return int(Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()[0])
