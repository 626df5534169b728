"""Compiles the programs of the engine from its Go module."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from release.errors import EngineError

from ..command import CommandError, run
from ..progress import Progress
from .recipe import MODULE_FILES, Recipe, without_dang_v2


def go_environment(work: Path, go_version: str) -> dict[str, str]:
    """The environment of the engine's own build: private caches, no direct downloads.

    The proxy is the one that Go is configured for.
    """
    proxies = os.environ.get("GOPROXY", "")
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "gocache"),
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOMODCACHE": str(work / "gomod"),
        "GOTOOLCHAIN": go_version,
        **({"GOPROXY": proxies.replace(",direct", "").replace("|direct", "")} if proxies else {}),
    }


async def compile_programs(recipe: Recipe, work: Path, out: Path, progress: Progress) -> None:
    """Build the recipe's programs into ``out``; ``work`` keeps the Go caches for a second try.

    Raises :class:`EngineError`.
    """
    if shutil.which("go") is None:
        raise EngineError(
            "go is not installed, and the engine is built from its Go module",
            "install Go 1.21 or newer (it fetches the version it needs), or name an engine in "
            "_EXPERIMENTAL_DAGGER_RUNNER_HOST",
        )
    env = await _without_direct(go_environment(work, recipe.go))
    try:
        with progress.step(f"download the engine's module {recipe.version}") as step:
            listing = await run(
                ["go", "mod", "download", "-json", f"{recipe.module}@{recipe.version}"],
                env=env,
                cwd=work,
                on_line=step.say,
            )
            downloaded = json.loads(listing)
            if downloaded.get("Sum") != recipe.sum:
                raise EngineError(
                    f"{recipe.module} {recipe.version} has the hash {downloaded.get('Sum')}, not {recipe.sum}",
                    "its download was tampered with, or the pin in pipeline/engine/recipe.py is wrong",
                )
        tree = work / "tree"
        with progress.step("prepare the engine's source"):
            await _prepare(recipe, Path(downloaded["Dir"]), tree, env)
        with progress.step("download what the engine depends on") as step:
            await run(["go", "mod", "download"], env=env, cwd=tree, on_line=step.say)
        stamp = f"github.com/dagger/dagger/engine.Version={recipe.version}"
        tag = f"github.com/dagger/dagger/engine.Tag={recipe.version}"
        for program in recipe.programs:
            command = ["go", "build", "-v", "-ldflags", f"-s -w -X {stamp} -X {tag}", "-o", str(out / program)]
            with progress.step(f"compile dagger-{program} {recipe.version}") as step:
                await run([*command, f"./cmd/{program}"], env=env, cwd=tree, on_line=step.say)
    except CommandError as error:
        full = error.disk_full
        raise EngineError(
            f"the engine could not be built in {work}: {'the disk is full' if full else error}",
            "free some space; what is built so far is kept for the next try"
            if full
            else "see the output above; the next try goes on from here",
            detail=error.output,
        ) from error


async def _without_direct(env: dict[str, str]) -> dict[str, str]:
    """The same environment with a GOPROXY that never falls back to a version control system."""
    if "GOPROXY" in env:
        return env
    configured = (await run(["go", "env", "GOPROXY"])).strip()
    return {**env, "GOPROXY": configured.replace(",direct", "").replace("|direct", "")}


async def _prepare(recipe: Recipe, module: Path, tree: Path, env: dict[str, str]) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(module, tree)
    for path in (tree, *tree.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    edits = [
        *(f"-dropreplace={name}" for name in recipe.drop_replaces),
        *(f"-droprequire={name}" for name in recipe.drop_requires),
        *(f"-droptool={name}" for name in recipe.drop_tools),
        *(f"-require={name}" for name in recipe.requires),
    ]
    await run(["go", "mod", "edit", *edits], env=env, cwd=tree)
    shutil.rmtree(tree / "core/sdk/dang/v2")
    sdk = tree / "core/sdk/dang_sdk.go"
    sdk.write_text(without_dang_v2(sdk.read_text()))
    shutil.rmtree(tree / "dagql/idtui")
    for name, target in (
        ("idtui", "dagql/idtui"),
        ("distconsts", "engine/distconsts"),
        ("session", "cmd/session"),
    ):
        shutil.copytree(MODULE_FILES / name, tree / target)
    (tree / "engine/distconsts/go.mod").write_text(f"module {recipe.module}/engine/distconsts\n\ngo 1.26\n")
