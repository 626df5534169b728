"""What the built engine is made of: the module, the changes to it, the packages around it.

Whatever is here, in ``module/``, and in the modules that compile and lay out, makes the key of a build.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MODULE_FILES = Path(__file__).parent / "module"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All the inputs of an engine build.

    ``sum`` is the module's hash in the form of go.sum (Go modules reference,
    "go.sum files"). ``drop_requires`` and ``requires`` change its go.mod: no
    module proxy serves the first, the second takes the place of one that is
    not served either.
    """

    version: str = "v0.21.7"
    module: str = "github.com/dagger/dagger"
    sum: str = "h1:cTi+MKojS+Qg+kon9UUsxlhY0M0ErMyvP1FEi/cJwbc="
    go: str = "go1.26.8"
    machine: str = field(default_factory=platform.machine)
    requires: tuple[str, ...] = ("github.com/vito/midterm@v0.2.3",)
    drop_requires: tuple[str, ...] = (
        "github.com/vito/dang/v2",
        "github.com/vito/tuist",
        "github.com/vito/tuist/teav1",
    )
    drop_replaces: tuple[str, ...] = ("dagger.io/dagger",)
    drop_tools: tuple[str, ...] = ("github.com/matryer/moq",)
    programs: tuple[str, ...] = ("engine", "init", "dnsname", "session")
    packages: tuple[str, ...] = (
        "ca-certificates",
        "containernetworking-plugins",
        "dnsmasq-base",
        "git",
        "iproute2",
        "iptables",
        "mount",
        "runc",
    )
    suite: str

    def key(self, files: Mapping[str, bytes]) -> str:
        """Name a build by all that went into it: this recipe and ``files``; 16 hex digits."""
        inputs = {
            "recipe": self.__dict__,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def build_files() -> dict[str, bytes]:
    """The files that a build follows from besides the recipe: our Go files and the modules that do the work."""
    here = Path(__file__).parent
    files = [*MODULE_FILES.rglob("*.go"), here / "compile.py", here / "recipe.py", here / "rootfs.py"]
    return {path.relative_to(here).as_posix(): path.read_bytes() for path in sorted(files)}


def without_dang_v2(source: str) -> str:
    """``core/sdk/dang_sdk.go`` with the served version 1 of that module language for both.

    Raises :class:`ValueError` when the file is not the one this was written for.
    """
    changed = source.replace('\tdangv2 "github.com/dagger/dagger/core/sdk/dang/v2"\n', "").replace(
        "dangv2.Impl{}", "dangv1.Impl{}"
    )
    if changed == source or "dangv2" in changed:
        raise ValueError("core/sdk/dang_sdk.go has another form than expected")
    return changed
