"""The pinned tools as containers of the engine, and how a command is run in one."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagger

from release.errors import BuildError, EngineError, ReleaseError

from .base import drift, ensure_root
from .command import CommandError, run
from .lock import Lock, read_packages
from .progress import Progress, Step
from .tools import ensure_go, ensure_node

COMMAND_SECONDS = 45 * 60
HOME = "/home/build"  # of the containers
EXECUTED = "/executed"
FRESH = "TESSERAL_RELEASE_FRESH"
# Writes the time behind the command, so that one can tell a result that was there already.
RUN_AND_STAMP = 'set -e; "$@"; date +%s > ' + EXECUTED


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The tools of one run: containers with Go and with Node; ``started`` is when the run began (Unix time)."""

    client: dagger.Client
    go: dagger.Container
    node: dagger.Container
    started: float


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How the conditions of a build are not the usual ones, which no byte of it may show (see ``reproduce/``).

    ``fresh``: run again what an engine has done under another value; downloads are still there.
    ``suite``: the release of Debian that tools run on. ``look``: is shown the tools before they are used.
    """

    fresh: str = ""
    suite: str = ""
    look: Callable[[Toolchain], Awaitable[None]] | None = None


USUAL = Conditions()


async def load_toolchain(
    client: dagger.Client, lock: Lock, progress: Progress, conditions: Conditions = USUAL
) -> Toolchain:
    """Fetch what is missing and hand it to the engine. Raises :class:`release.errors.ToolchainError`."""
    started = time.time()
    root = await ensure_root("base", conditions.suite or lock.base.suite, lock.base.include, progress)
    changed = drift(lock.base, read_packages(root.with_suffix(".packages").read_text()))
    if changed and not conditions.suite:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        progress.say(f"note: the base is not quite the one of toolchain.lock: {', '.join(changed[:3])}{more}")
    base = (
        client.container()
        .with_rootfs(client.host().directory(str(root)))
        .with_env_variable("HOME", HOME)
        .with_env_variable("TZ", "UTC")
        .with_env_variable("LC_ALL", "C.UTF-8")
    )
    go, node = await _with_go(client, base, lock, progress, conditions), await _with_node(client, base, lock, progress)
    if conditions.fresh:
        go, node = (tool.with_env_variable(FRESH, conditions.fresh) for tool in (go, node))
        # What was downloaded counts as long as it is there: no registry can be asked while the clock is wrong.
        node = node.with_env_variable("npm_config_prefer_offline", "true")
    tools = Toolchain(client=client, started=started, go=go, node=node)
    if conditions.look is not None:
        await conditions.look(tools)
    return tools


async def _with_go(
    client: dagger.Client, base: dagger.Container, lock: Lock, progress: Progress, conditions: Conditions
) -> dagger.Container:
    compiled = f"tesseral-release-go-{lock.go_version}" + (f"-{conditions.fresh}" if conditions.fresh else "")
    goroot = await ensure_go(lock, progress)
    container = (
        base.with_directory("/usr/local/go", client.host().directory(str(goroot)))
        .with_env_variable("PATH", "/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .with_env_variable("GOTOOLCHAIN", "local")
        .with_env_variable("GOFLAGS", "-mod=readonly")
        .with_env_variable("CGO_ENABLED", "0")
        .with_mounted_cache(f"{HOME}/go/pkg/mod", client.cache_volume("tesseral-release-go-mod"))
        .with_mounted_cache(f"{HOME}/.cache/go-build", client.cache_volume(compiled))
    )
    for name in ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE"):
        value = await _configured("go", "env", name)
        container = container.with_env_variable(name, value) if value else container
    return container


async def _with_node(client: dagger.Client, base: dagger.Container, lock: Lock, progress: Progress) -> dagger.Container:
    node = await ensure_node(lock, progress)
    container = (
        base.with_directory("/usr/local/node", client.host().directory(str(node)))
        .with_env_variable("PATH", "/usr/local/node/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        # Node looks at no certificates of the system by itself; the engine puts those of this machine there.
        .with_env_variable("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
        .with_env_variable("npm_config_audit", "false")
        .with_env_variable("npm_config_fund", "false")
        .with_env_variable("npm_config_update_notifier", "false")
        .with_mounted_cache(f"{HOME}/.npm", client.cache_volume("tesseral-release-npm"))
    )
    registry = await _configured("npm", "config", "get", "registry")
    return container.with_env_variable("npm_config_registry", registry) if registry else container


async def _configured(*command: str) -> str:
    """What a client of this machine is configured for; lock files make sure that it changes no byte."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        return (await run(list(command), cwd=Path.home())).strip()
    except CommandError:
        return os.environ.get(command[-1], "")


async def execute(
    tools: Toolchain, container: dagger.Container, command: Sequence[str], *, what: str, step: Step
) -> dagger.Container:
    """Run ``command`` in ``container`` to its end; ``what`` names piece, target and folder for a person.

    Says on ``step`` whether the engine had the result already. Raises
    :class:`BuildError` with the tool's own output.
    """
    step.say(" ".join(command))
    done = container.with_exec(["sh", "-c", RUN_AND_STAMP, "sh", *command])
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            executed = float(await done.file(EXECUTED).contents())
    except dagger.ExecError as error:
        raise _failure(what, command, error) from error
    except TimeoutError as error:
        raise BuildError(
            f"{what}: `{' '.join(command)}` did not end within {COMMAND_SECONDS // 60} minutes", "is it waiting?"
        ) from error
    except dagger.QueryError as error:
        raise query_failure(what, error) from error
    if executed < int(tools.started):
        step.cached()
    else:
        step.ran()
    return done


def _failure(what: str, command: Sequence[str], error: dagger.ExecError) -> ReleaseError:
    output = "\n".join(part.strip() for part in (error.stdout, error.stderr) if part.strip())
    if "no space left on device" in output.lower():
        return disk_full(what)
    return BuildError(
        f"{what}: `{' '.join(command)}` ended with status {error.exit_code}",
        "its output is above; fix the source and run again",
        detail=output,
    )


def query_failure(what: str, error: dagger.QueryError) -> ReleaseError:
    """What a person is told of a failure in the engine itself."""
    if "no space left on device" in str(error).lower():
        return disk_full(what)
    return EngineError(f"{what}: the engine failed: {str(error).splitlines()[0]}", "see `nox -s engine -- logs`")


def disk_full(what: str) -> EngineError:
    """The engine's disk has no room left."""
    return EngineError(f"{what}: the engine's disk is full", "free some space, or `nox -s engine -- prune`")
