"""Opens a session with a Dagger engine: a running one first, then the SDK's own, then one built here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

import dagger
import httpx
import tenacity

from release.errors import EngineError

from ..command import CommandError, run
from ..progress import Progress
from .build import ensure_build
from .home import engine_home
from .process import engine_for_run

SESSION_PORT = "DAGGER_SESSION_PORT"
RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
RUNTIMES = ("docker", "podman", "nerdctl", "finch")
RUNTIME_SECONDS = 10.0
PROVISION_SECONDS = 300.0

LOST = (
    dagger.ClientConnectionError,
    dagger.TransportError,
    dagger.ProvisionError,
    tenacity.RetryError,
    httpx.HTTPError,
)


class Way(StrEnum):
    """Where the engine of a session comes from, best first."""

    SESSION = "the session around this run"
    NAMED = f"the engine named by {RUNNER_HOST}"
    PROVISIONED = "the engine that Dagger's SDK provisions"
    BUILT = "an engine built from its module"


@contextlib.asynccontextmanager
async def session(progress: Progress, log: Path) -> AsyncIterator[dagger.Client]:
    """Open a session; ``log`` takes what the engine reports of its steps.

    Raises :class:`EngineError` when no engine can be had, and for what goes
    wrong with the connection in the body.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        # A query that was lost on the way is not sent again: it could run a build twice.
        config = dagger.Config(log_output=output, retry=dagger.Retry(connect=True, execute=False))
        way = await _choose(config, progress)
        try:
            async with contextlib.AsyncExitStack() as stack:
                if way is Way.BUILT:
                    await _start_built(stack, progress)
                yield await _open(stack, config, way, progress)
        except LOST as error:
            output.flush()
            raise EngineError(
                f"the connection to {way} was lost: {_first_line(error)}",
                "run the same command again; `nox -s engine -- status` and `-- logs` show more",
                detail="\n".join(log.read_text(errors="replace").splitlines()[-15:]),
            ) from error


async def _open(stack: contextlib.AsyncExitStack, config: dagger.Config, way: Way, progress: Progress) -> dagger.Client:
    with progress.step(f"connect to {way}") as step:
        try:
            client: dagger.Client = await stack.enter_async_context(dagger.Connection(config))
        except dagger.DownloadError as error:
            if way is not Way.NAMED:
                raise
            progress.say(f"Dagger's own command can't be had ({_first_line(error)}): using one built from its module")
            _set(stack, CLI_BIN, str((await ensure_build(engine_home(), progress)).session))
            client = await stack.enter_async_context(dagger.Connection(config))
        step.say(await client.version())
    return client


async def _start_built(stack: contextlib.AsyncExitStack, progress: Progress) -> None:
    home = engine_home()
    build = await ensure_build(home, progress)
    await stack.enter_async_context(engine_for_run(home, build, progress))
    _set(stack, CLI_BIN, str(build.session))
    _set(stack, RUNNER_HOST, f"unix://{home.socket}")


def _set(stack: contextlib.AsyncExitStack, variable: str, value: str) -> None:
    """Set an environment variable, which is all that the SDK listens to, until the session ends."""
    os.environ[variable] = value
    stack.callback(os.environ.pop, variable, None)


async def _choose(config: dagger.Config, progress: Progress) -> Way:
    if SESSION_PORT in os.environ:
        return Way.SESSION
    if os.environ.get(RUNNER_HOST):
        return Way.NAMED
    runtime = await _runtime()
    if runtime is None:
        return Way.BUILT
    with progress.step(f"ask {runtime} for Dagger's engine image") as step:
        try:
            async with asyncio.timeout(PROVISION_SECONDS), dagger.Connection(config) as client:
                await client.version()
        except (*LOST, dagger.DaggerError, TimeoutError) as error:
            step.say(_first_line(error))
        else:
            return Way.PROVISIONED
    progress.say(f"{runtime} answers, but the engine's image can't be had ({step.note}): using {Way.BUILT}")
    return Way.BUILT


async def _runtime() -> str | None:
    """The container runtime that answers on this machine, if any; a client alone does not count."""
    for name in RUNTIMES:
        if shutil.which(name) is not None:
            with contextlib.suppress(CommandError, TimeoutError):
                async with asyncio.timeout(RUNTIME_SECONDS):
                    await run([name, "info"])
                return name
    return None


def _first_line(error: BaseException) -> str:
    """The first line of what went wrong, a retry's cause rather than the retry."""
    if isinstance(error, tenacity.RetryError):
        error = error.last_attempt.exception() or error
    return (str(error).strip() or type(error).__name__).splitlines()[0]
