"""Small Go programs with real modules, built by the Go of this machine without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

MAIN = """package main

import (
	"example.com/dep"
	"example.com/other"
)

func main() { println(dep.Name, other.Name) }
"""


class Go:
    """Modules in a proxy of files, and programs that use them."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("go")
        if program is None:
            pytest.skip("needs Go")
        self.program = program
        self.folder = folder
        self.env = {
            **os.environ,
            "GOPROXY": (folder / "proxy").as_uri(),
            "GOSUMDB": "off",
            "GOMODCACHE": str(folder / "modules"),
            "GOFLAGS": "-mod=mod -modcacherw",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
        }

    def publish(self, module: str, version: str, package: str) -> None:
        """Put a version of a module into the proxy."""
        folder = self.folder / "proxy" / module / "@v"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{version}.info").write_text(json.dumps({"Version": version}))
        (folder / f"{version}.mod").write_text(f"module {module}\n")
        with zipfile.ZipFile(folder / f"{version}.zip", "w") as archive:
            archive.writestr(f"{module}@{version}/go.mod", f"module {module}\n")
            archive.writestr(f"{module}@{version}/x.go", f"package {package}\n\nconst Name = {json.dumps(version)}\n")

    def build(
        self,
        name: str,
        requirements: Mapping[str, str],
        *,
        target: str = "linux/amd64",
        main: str = MAIN,
        replaced: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Path:
        """Build the program ``name`` as releases are built, and return it."""
        source = self.folder / name / target.replace("/", "-")
        source.mkdir(parents=True, exist_ok=True)
        lines = [f"module example.com/{name}", "go 1.21"]
        lines += [f"require {module} {version}" for module, version in requirements.items()]
        lines += [f"replace {module} => {other}" for module, other in (replaced or {}).items()]
        (source / "go.mod").write_text("\n".join(lines) + "\n")
        (source / "main.go").write_text(main)
        for path, data in (files or {}).items():
            (source / path).write_bytes(data)
        system, architecture = target.split("/")
        command = [self.program, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", "program", "."]
        subprocess.run(
            command, cwd=source, env={**self.env, "GOOS": system, "GOARCH": architecture}, check=True, timeout=600
        )
        return source / "program"

    def version(self, program: Path) -> str:
        """What ``go version -m`` says of a program."""
        command = [self.program, "version", "-m", str(program)]
        return subprocess.run(command, env=self.env, check=True, capture_output=True, text=True).stdout
