"""One release from end to end: source → engine → builds → artifacts → destinations."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from release.attestations import sign_release
from release.channels import check_signer
from release.destination import open_destination
from release.errors import UsageError
from release.memory import FileMemory, memory_path
from release.publish import publish
from release.signing import open_signer

from .build import build, needs_engine, steps_of
from .cache import cache_root
from .containers import USUAL, Conditions, load_toolchain
from .engine.connect import session
from .images import Built
from .lock import Lock, read_lock
from .pack import pack
from .pieces import Selection
from .plan import Plan, make_plan
from .progress import Progress, SaidMeter
from .scratch import scratch
from .source import open_source
from .summary import show_plan, show_release

T = TypeVar("T")

SAMPLE = Path(__file__).parent.parent / "examples" / "minitesseral"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks of one release."""

    source: str
    ref: str | None
    path: str = ""
    repository: str | None
    version: str | None
    notes: Path | None
    destinations: tuple[str, ...]
    channel: str | None
    selection: Selection
    plan_only: bool
    sign_with: str | None = None
    conditions: Conditions = USUAL


async def release(request: Request, console: Console) -> None:
    """Build and publish what ``request`` asks for, or print the plan of it.

    Raises the errors of :mod:`release.errors`.
    """
    with scratch() as work:
        plan = await _plan(request, work)
        destinations = [open_destination(text) for text in plan.destinations]
        if request.plan_only:
            show_plan(plan, console)
            return
        for destination in destinations:
            destination.check()
        # A passphrase is asked for now, not after the build.
        signer = None if request.sign_with is None else open_signer(request.sign_with)
        if plan.channel is not None:
            for destination in destinations:
                check_signer(destination, plan.channel, plan.version, signer)
        lock = read_lock()
        with Progress(console) as progress:
            if plan.source.untracked:
                progress.say(f"note: {plan.source.untracked} untracked files of the source stay out")
            progress.say(f"releasing {plan.version} of {plan.source.root}: {plan.selection}")
            built = await _built(plan, lock, request.conditions, work, progress)
            with progress.step("pack artifacts and images") as step:
                stage = work / "stage"
                stage.mkdir()
                staged = await _in_thread(lambda say: pack(plan, built, lock, stage, say), step.say)
            if signer is not None:
                with progress.step("sign"):
                    sign_release(staged, signer, lock.digests)
            with progress.step(f"publish to {', '.join(plan.destinations)}") as step:
                published = await _in_thread(
                    lambda say: publish(
                        staged,
                        destinations,
                        plan.channel,
                        SaidMeter(say),
                        signer,
                        memory=FileMemory(memory_path(), say),
                    ),
                    step.say,
                )
        show_release(staged, published, console)


async def _built(plan: Plan, lock: Lock, conditions: Conditions, work: Path, progress: Progress) -> Built:
    if not needs_engine(plan):
        return Built()
    async with session(progress, cache_root() / "session.log") as client:
        tools = await load_toolchain(client, lock, progress, conditions)
        progress.expect(steps_of(plan))
        return await build(plan, tools, work, progress)


async def _in_thread(work: Callable[[Callable[[str], None]], T], say: Callable[[str], None]) -> T:
    """Run ``work`` beside the event loop. When the caller is cancelled, ``work`` ends the next time that
    it says something, and is waited for: it must not write into a folder that is gone."""
    cancelled = threading.Event()

    def said(line: str) -> None:
        if cancelled.is_set():
            raise asyncio.CancelledError
        say(line)

    running = asyncio.ensure_future(asyncio.to_thread(work, said))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([running])
        raise


async def _plan(request: Request, work: Path) -> Plan:
    source = await open_source(request.source, request.ref, work, path=request.path, repository=request.repository)
    return make_plan(
        source,
        request.selection,
        version=request.version,
        notes=None if request.notes is None else _notes(request.notes),
        destinations=request.destinations,
        channel=request.channel,
    )


def _notes(path: Path) -> str:
    try:
        # To the byte, whatever the locale: a rebuild gives the notes of a release back.
        return path.read_bytes().decode()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"the notes {path} can't be read: {error}", "name a text file with --notes") from error
