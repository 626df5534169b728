"""``toolchain.lock``: which tools a release is built with, and by which hashes they are known."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from release.errors import ToolchainError

T = TypeVar("T")

LOCK_FILE = Path(__file__).with_name("toolchain.lock")


@dataclass(frozen=True, kw_only=True)
class NpmPackage:
    """A package of the npm registry; ``integrity`` is a Subresource Integrity string (SHA-512)."""

    name: str
    version: str
    integrity: str


@dataclass(frozen=True, kw_only=True)
class DataPackage:
    """A Python package whose data goes into images; ``digest`` is over that data."""

    package: str
    version: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class DebianPackage:
    """A Debian package; ``sha256`` is over its .deb file."""

    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Base:
    """The filesystem that tools run on."""

    suite: str
    include: tuple[str, ...]
    packages: Mapping[str, DebianPackage]


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The whole file; ``digest`` is the file's own."""

    go_version: str
    go_sums: Mapping[str, str]
    node_version: str
    node: Mapping[str, NpmPackage]
    npm: NpmPackage
    certificates: DataPackage
    zoneinfo: DataPackage
    base: Base
    digest: str

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each tool and data package by a name for people, whatever platform this is.

        Without the base: it is not compared strictly, and does not show in the artifacts.
        """
        return {
            **{f"go {self.go_version} {platform}": digest for platform, digest in self.go_sums.items()},
            **{f"node {self.node_version} {platform}": node.integrity for platform, node in self.node.items()},
            f"npm {self.npm.version}": self.npm.integrity,
            **{f"{data.package} {data.version}": data.digest for data in (self.certificates, self.zoneinfo)},
        }

    def go_sum(self, platform: str) -> str:
        """The hash of Go for a build platform such as ``linux/amd64``. Raises :class:`ToolchainError`."""
        return _pinned("Go", self.go_version, self.go_sums, platform)

    def node_for(self, platform: str) -> NpmPackage:
        """Node for a build platform. Raises :class:`ToolchainError`."""
        return _pinned("Node", self.node_version, self.node, platform)


def _pinned(tool: str, version: str, pins: Mapping[str, T], platform: str) -> T:
    if platform not in pins:
        raise ToolchainError(
            f"toolchain.lock pins no {tool} {version} for {platform}", f"build on {' or '.join(pins)}, or add its pin"
        )
    return pins[platform]


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """Read a toolchain.lock. Raises :class:`ToolchainError`."""
    try:
        data = path.read_bytes()
        return _parse(tomllib.loads(data.decode()), hashlib.sha256(data).hexdigest())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolchainError(f"{path} can't be used: {error!r}", "restore it from git") from error


def _parse(table: dict[str, Any], digest: str) -> Lock:
    node = table["node"]
    return Lock(
        go_version=table["go"]["version"],
        go_sums=table["go"]["sums"],
        node_version=node["version"],
        node={key: NpmPackage(version=node["version"], **package) for key, package in node["packages"].items()},
        npm=NpmPackage(name="npm", **table["npm"]),
        certificates=DataPackage(**table["certificates"]),
        zoneinfo=DataPackage(**table["zoneinfo"]),
        base=Base(
            suite=table["base"]["suite"],
            include=tuple(table["base"]["include"]),
            packages={
                name: DebianPackage(version=version, sha256=sha256)
                for name, (version, sha256) in table["base"]["packages"].items()
            },
        ),
        digest=f"sha256:{digest}",
    )


def base_lines(packages: Mapping[str, DebianPackage]) -> str:
    """The lines of ``[base.packages]``, sorted."""
    return "".join(f'"{name}" = ["{p.version}", "{p.sha256}"]\n' for name, p in sorted(packages.items()))


def read_packages(lines: str) -> dict[str, DebianPackage]:
    """The packages of the lines that :func:`base_lines` writes."""
    return {name: DebianPackage(version=v, sha256=sha) for name, (v, sha) in tomllib.loads(lines).items()}
