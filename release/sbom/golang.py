"""The modules of a Go program as components, from what its linker wrote into it."""

from __future__ import annotations

import re

from ..checksums import Digest
from ..gobuildinfo import BuildInfo, Module
from .component import Component, Hash, Kind
from .purl import purl

_DEVEL = "(devel)"  # Go's word for a module that was built where it lies
_FOLDER = re.compile(r"\.{1,2}([/\\].*)?|/.*|[A-Za-z]:.*")  # what replaces a module and is no module itself


def program(name: str, digest: Digest, info: BuildInfo, *, version: str) -> Component:
    """Return a program: its module, the modules compiled into it, and Go's standard library.

    ``version`` is that of its main module where Go doesn't know it, as for the tree at hand.
    """
    known = (_version(info.main) if info.main else "") or version
    return Component(
        kind=Kind.APPLICATION,
        name=name,
        version=known,
        purl=purl("generic", name, known, checksum=digest.sha256),
        hashes=(Hash(algorithm="SHA-256", content=digest.sha256.removeprefix("sha256:")),),
        properties=(("golang:package", info.path),) if info.path else (),
        parts=modules(info),
    )


def modules(info: BuildInfo) -> tuple[Component, ...]:
    """Return what a program is compiled from: Go's standard library, its main module, and all that depends on."""
    compiled = (*([info.main] if info.main else []), *info.modules)
    return (_standard_library(info.go_version), *map(_module, compiled))


def _module(module: Module) -> Component:
    """Return what was compiled: a replacement, under its own name, where there is one.

    The sum of go.sum is a hash over a list of hashes (golang.org/x/mod/sumdb/dirhash), and no file has
    it, so it is a property.
    """
    used = module.replacement or module
    properties = []
    if _FOLDER.fullmatch(used.path):
        used = Module(path=module.path, version="")
        properties.append(("golang:replaced-by", "a folder of the source"))
    elif used is not module:
        properties.append(("golang:replaces", f"{module.path} {module.version}".rstrip()))
    if used.sum:
        properties.append(("golang:sum", used.sum))
    return Component(
        kind=Kind.LIBRARY,
        name=used.path,
        version=_version(used),
        purl=purl("golang", used.path, _version(used)),
        properties=tuple(properties),
    )


def _version(module: Module) -> str:
    return "" if module.version == _DEVEL else module.version


def _standard_library(go_version: str) -> Component:
    """Return the standard library under the name that scanners look for."""
    version = next((word for word in go_version.split() if word.startswith("go")), go_version).removeprefix("go")
    return Component(
        kind=Kind.LIBRARY,
        name="stdlib",
        version=version,
        purl=purl("golang", "stdlib", version),
        licence="BSD-3-Clause",
    )
