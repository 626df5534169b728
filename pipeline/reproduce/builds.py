"""Builds one release in one world: lays out source and pipeline in it, starts its engine, asks for its facts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from release.errors import BuildError

from ..cache import NAME, cache_root
from ..command import CommandError, run
from ..engine.build import Build
from ..engine.connect import CLI_BIN, RUNNER_HOST
from ..engine.home import EngineHome, engine_home
from ..pieces import Selection
from ..progress import Step
from .clock import clock_ahead
from .inside import Job
from .rooms import Room, room
from .world import World

# What clients of this machine are configured for stays, wherever home is.
CONFIGURED = {
    "GOPROXY": ("go", "env", "GOPROXY"),
    "GOSUMDB": ("go", "env", "GOSUMDB"),
    "GONOSUMDB": ("go", "env", "GONOSUMDB"),
    "GOPRIVATE": ("go", "env", "GOPRIVATE"),
    "npm_config_registry": ("npm", "config", "get", "registry"),
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is built in every world.

    ``mirror`` is a clone that nobody changes meanwhile, ``subdirectory`` the source's place in it,
    ``code`` a copy of this project. A ``tagged`` commit has to say its ``version`` itself; it is told of
    another, since a shallow clone does not know the tags before.
    """

    mirror: Path
    subdirectory: str
    code: Path
    version: str
    tagged: bool
    selection: Selection


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one build: the facts of its world, and the folder of the release."""

    facts: dict[str, str]
    release: Path


async def build_in(world: World, subject: Subject, folder: Path, engine: Build | None, step: Step) -> list[Outcome]:
    """Build in ``world``, which is made below ``folder``; ``engine`` is what a cold world starts.

    A world whose clock is ahead is built in twice, since nothing can be downloaded then: the first outcome
    is from before. Raises :class:`BuildError` when a build fails.
    """
    results = folder / "results"
    results.mkdir(parents=True)
    async with room(world, folder / "world") as made:
        try:
            step.say("lay out the source and the pipeline")
            source, env = await _lay_out(made, subject)
            state = _state_of(made)
            async with _engine(made, env, engine, step) as named:
                outcomes = [await _build(made, subject, source, {**env, **named}, results / "first", step)]
            if world.clock:
                with clock_ahead(world.clock):
                    async with _engine(made, env, engine, step) as named:
                        outcomes.append(await _build(made, subject, source, {**env, **named}, results / "ahead", step))
        except CommandError as error:
            raise BuildError(
                f"the build in the world {world.name!r} failed: {error}", "see its output above", detail=error.output
            ) from error
    for outcome in outcomes:
        outcome.facts["engine state"] = state
    # Caches of gigabytes; what is compared lies beside them.
    await asyncio.to_thread(shutil.rmtree, folder / "world", ignore_errors=True)
    return outcomes


async def _lay_out(made: Room, subject: Subject) -> tuple[Path, dict[str, str]]:
    """Clone the source and copy the pipeline into the world; returns the source and the world's environment."""
    world, place = made.world, made.place
    home, caches = made.folder / "home", made.folder / "caches"
    for path in (place, home, caches):
        made.outside(path).mkdir(parents=True, exist_ok=True)
    depth = ["--depth=1"] if world.shallow else []
    clone = ["git", "clone", "--quiet", *depth, f"file://{subject.mirror}", "source"]
    await made.run(*clone, env={"GIT_CONFIG_GLOBAL": os.devnull}, cwd=place)
    await asyncio.to_thread(shutil.copytree, subject.code, made.outside(place), dirs_exist_ok=True)
    if world.cold:
        _link_caches(made.outside(caches / NAME))
    env = {
        **await _configured(),
        **world.environment,
        "XDG_CACHE_HOME": str(caches if world.cold else cache_root().parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"HOME": str(home)} if world.home else {}),
    }
    return place / "source" / subject.subdirectory, env


def _link_caches(cache: Path) -> None:
    """Programs and tools are shared, since they are pinned; nothing else is."""
    shared = cache_root()
    (cache / "engine").mkdir(parents=True)
    (cache / "engine/builds").symlink_to(shared / "engine/builds")
    (cache / "toolchain").symlink_to(shared / "toolchain")


async def _configured() -> dict[str, str]:
    found = {}
    for name, command in CONFIGURED.items():
        with contextlib.suppress(CommandError):
            if value := (await run(command, cwd=Path.home())).strip():
                found[name] = value
    return found


@contextlib.asynccontextmanager
async def _engine(
    made: Room, env: Mapping[str, str], engine: Build | None, step: Step
) -> AsyncIterator[dict[str, str]]:
    """Have the world's own engine in the body, if it is to have one; yields the variables that name it."""
    if not made.world.cold or engine is None:
        yield {}
        return
    home = _engine_home(made)
    command: list[str | Path] = [made.world.python, "-m", "pipeline", "engine"]
    try:
        await made.run(*command, "start", env=env, cwd=made.place, say=step.say)
        yield {RUNNER_HOST: f"unix://{home.socket}", CLI_BIN: str(engine.session)}
    finally:
        await asyncio.shield(made.run(*command, "stop", env=env, cwd=made.place))


def _engine_home(made: Room) -> EngineHome:
    return EngineHome(root=made.folder / "caches" / NAME / "engine") if made.world.cold else engine_home()


def _state_of(made: Room) -> str:
    """How much the engine has before it starts: the number of things in the folder of its state."""
    state = made.outside(_engine_home(made).state)
    return str(sum(1 for _ in state.iterdir()) if state.is_dir() else 0)


async def _build(
    made: Room, subject: Subject, source: Path, env: Mapping[str, str], results: Path, step: Step
) -> Outcome:
    results.mkdir()
    job = Job(
        source=str(source),
        version=None if subject.tagged else subject.version,
        pieces=tuple(piece.name for piece in subject.selection.pieces),
        targets=tuple(map(str, subject.selection.targets)),
        fresh=secrets.token_hex(4) if made.world.fresh else "",
        suite=made.world.suite,
        facts=str(results / "facts.json"),
        into=str(results / "dist"),
    )
    job.write(results / "job.json")
    command: list[str | Path] = [made.world.python, "-m", "pipeline", "reproduce", "--inside", results / "job.json"]
    await made.run(*command, env=env, cwd=made.place, say=step.say)
    facts = json.loads(Path(job.facts).read_text())
    return Outcome(facts=facts, release=results / "dist/releases" / subject.version)
