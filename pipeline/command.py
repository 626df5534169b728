"""Runs a tool of this machine: its output line by line, its end with ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

KEPT_LINES = 400
GRACE_SECONDS = 5.0


class CommandError(Exception):
    """A tool could not be started or ended with a status other than 0.

    ``output`` holds the last lines of what it printed, both streams together.
    """

    def __init__(self, command: Sequence[str], status: int | None, output: str) -> None:
        how = "is not installed" if status is None else f"ended with status {status}"
        super().__init__(f"{command[0]} {how}")
        self.command = tuple(command)
        self.status = status
        self.output = output

    @property
    def disk_full(self) -> bool:
        """Whether the tool said that no space is left."""
        return "no space left on device" in self.output.lower()


async def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run ``command`` and return what it printed to standard output.

    ``env`` replaces the environment. With ``on_line`` every line of either
    stream is passed on as it comes. Raises :class:`CommandError`. When the
    caller is cancelled, the command and its children are ended first.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(os.environ if env is None else env),
            cwd=cwd,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            umask=0o022,
        )
    except OSError as error:
        raise CommandError(command, None, str(error)) from error
    tail: deque[str] = deque(maxlen=KEPT_LINES)
    stdout: list[str] = []

    async def drain(stream: asyncio.StreamReader | None, keep: list[str] | None) -> None:
        if stream is None:
            return
        async for raw in _lines(stream):
            line = raw.decode(errors="replace")
            if keep is not None:
                keep.append(line)
            tail.append(line)
            if on_line is not None and line.strip():
                on_line(line.rstrip())

    async def feed() -> None:
        if stdin is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write(stdin)
                await process.stdin.drain()
            process.stdin.close()

    try:
        await asyncio.gather(feed(), drain(process.stdout, stdout), drain(process.stderr, None))
        status = await process.wait()
    except BaseException:
        await _end(process)
        raise
    if status != 0:
        raise CommandError(command, status, "".join(tail))
    return "".join(stdout)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of ``stream``, however long: its own iterator refuses those above a limit."""
    rest = bytearray()
    while chunk := await stream.read(1 << 16):
        *whole, last = chunk.split(b"\n")
        for part in whole:
            yield bytes(rest + part + b"\n")
            rest.clear()
        rest += last
    if rest:
        yield bytes(rest)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, TimeoutError):
        os.killpg(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # also what outlived the command
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
