"""Brings the pinned tools into the cache: fetched by this machine's clients, checked, laid out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import platform as host
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from release.errors import ToolchainError
from release.filelock import locked

from .cache import cache_root
from .command import CommandError, run
from .lock import Lock, NpmPackage
from .progress import Progress

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def build_platform() -> str:
    """The platform of containers that run on this machine, in Go's words."""
    return f"linux/{ARCHITECTURES.get(host.machine(), host.machine())}"


async def ensure_go(lock: Lock, progress: Progress) -> Path:
    """A GOROOT of the pinned Go. Raises :class:`ToolchainError`."""
    platform = build_platform()
    wanted = lock.go_sum(platform)
    version = f"v0.0.1-go{lock.go_version}.{platform.replace('/', '-')}"

    async def fetch(work: Path, out: Path) -> None:
        env = {**os.environ, "GOMODCACHE": str(work / "gomod"), "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local"}
        listing = await _client(
            ["go", "mod", "download", "-json", f"golang.org/toolchain@{version}"], env, "install Go 1.21 or newer"
        )
        archive = Path(json.loads(listing)["Zip"])
        await asyncio.to_thread(_unpack_go, archive, out, f"golang.org/toolchain@{version}/", wanted)

    return await _ensure(f"go-{lock.go_version}", wanted, fetch, progress)


async def ensure_node(lock: Lock, progress: Progress) -> Path:
    """A folder with ``bin/node`` and ``bin/npm`` of the pinned versions. Raises :class:`ToolchainError`."""
    node = lock.node_for(build_platform())

    async def fetch(work: Path, out: Path) -> None:
        await _unpack_npm(node, work, out / "node")
        npm = out / "lib/node_modules/npm"
        await _unpack_npm(lock.npm, work, npm)
        (out / "bin").mkdir()
        (out / "node/bin/node").rename(out / "bin/node")
        (out / "bin/node").chmod(0o755)
        shutil.rmtree(out / "node")
        (out / "bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
        (npm / "bin/npm-cli.js").chmod(0o755)

    return await _ensure(
        f"node-{node.version}-npm-{lock.npm.version}", node.integrity + lock.npm.integrity, fetch, progress
    )


async def _ensure(name: str, pin: str, fetch: Callable[[Path, Path], Awaitable[None]], progress: Progress) -> Path:
    """The folder of one pin in the cache; it comes to its name by one rename, after the checks."""
    home = cache_root() / "toolchain"
    place = home / f"{name}-{hashlib.sha256(pin.encode()).hexdigest()[:12]}"
    if place.is_dir():
        return place
    with locked(home / f"{name}.lock"), progress.step(f"fetch {name.replace('-', ' ')}"):
        if not place.is_dir():
            with tempfile.TemporaryDirectory(dir=home) as work:
                out = Path(work) / "out"
                out.mkdir()
                await fetch(Path(work), out)
                out.rename(place)
    return place


async def _client(command: list[str], env: dict[str, str], how: str) -> str:
    try:
        return await run(command, env=env)
    except CommandError as error:
        if error.status is None:
            raise ToolchainError(f"{command[0]} is not installed, and pinned tools are fetched with it", how) from error
        full = error.disk_full
        raise ToolchainError(
            f"`{' '.join(command[:4])}` failed" + (": the disk is full" if full else ""),
            "free some space and try again" if full else "see its output above; is the package registry reachable?",
            detail=error.output,
        ) from error


def go_sum(archive: zipfile.ZipFile) -> str:
    """The hash of a module's zip in the form of go.sum: base64 of a SHA-256 over the lines of its files.

    Source: golang.org/x/mod/sumdb/dirhash, Hash1.
    """
    lines = (f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n" for name in sorted(archive.namelist()))
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


def _unpack_go(path: Path, out: Path, prefix: str, wanted: str) -> None:
    with zipfile.ZipFile(path) as archive:
        found = go_sum(archive)
        if found != wanted:
            raise ToolchainError(f"{prefix.rstrip('/')} has the hash {found}, not {wanted}", "toolchain.lock pins it")
        for name in archive.namelist():
            place = out / name.removeprefix(prefix)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(name))
            # The zip of a module carries no modes; Go itself marks these two folders.
            place.chmod(0o755 if place.is_relative_to(out / "bin") or "pkg/tool" in name else 0o644)


async def _unpack_npm(package: NpmPackage, work: Path, out: Path) -> None:
    listing = await _client(
        ["npm", "pack", "--json", "--pack-destination", str(work), f"{package.name}@{package.version}"],
        dict(os.environ),
        "install Node.js with npm",
    )
    path = work / json.loads(listing)[0]["filename"]
    found = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if found != package.integrity:
        raise ToolchainError(
            f"{package.name} {package.version} has the integrity {found}, not {package.integrity}",
            "toolchain.lock pins it",
        )
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if member.isfile():
                member.name = member.name.partition("/")[2]
                archive.extract(member, out, filter="data")
