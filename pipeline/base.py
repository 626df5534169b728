"""The filesystem that tools run on: Debian's essential packages, made once into the cache."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from release.filelock import locked

from .cache import cache_root
from .debian import make_root
from .lock import Base, DebianPackage, base_lines
from .progress import Progress


async def ensure_root(
    name: str, suite: str, packages: Iterable[str], progress: Progress, *, home: Path | None = None
) -> Path:
    """A root filesystem with ``packages`` of Debian ``suite``; made when the cache has none.

    It lies in ``home``, by default the cache of tools; the file beside it that
    ends in ``.packages`` lists what is in it.

    Raises :class:`release.errors.ToolchainError`.
    """
    wanted = sorted(packages)
    key = hashlib.sha256("\n".join([suite, *wanted]).encode()).hexdigest()[:12]
    home = home or cache_root() / "toolchain"
    place = home / f"{name}-{suite}-{key}"
    if place.is_dir():
        return place
    with locked(home / f"{name}-{suite}.lock"), progress.step(f"make the {name} from Debian {suite}") as step:
        if not place.is_dir():
            work = Path(tempfile.mkdtemp(dir=home))
            try:
                await make_root(
                    work / "root",
                    wanted,
                    suite=suite,
                    say=step.say,
                    announce=progress.say,
                    arguments=["--skip=cleanup/apt/lists"],
                )
                lists = work / "root/var/lib/apt/lists"
                (work / "root.packages").write_text(base_lines(installed(work / "root", lists)))
                shutil.rmtree(lists)
                (work / "root.packages").rename(place.with_suffix(".packages"))
                (work / "root").rename(place)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return place


def installed(root: Path, lists: Path) -> dict[str, DebianPackage]:
    """The packages of a root, with the hashes that the mirror's signed indexes give for them."""
    hashes: dict[tuple[str, str], str] = {}
    for index in sorted(lists.glob("*_Packages*")):
        for fields in _stanzas(_text(index)):
            hashes[fields["Package"], fields["Version"]] = fields.get("SHA256", "")
    status = (root / "var/lib/dpkg/status").read_text()
    return {
        fields["Package"]: DebianPackage(
            version=fields["Version"], sha256=hashes.get((fields["Package"], fields["Version"]), "")
        )
        for fields in _stanzas(status)
        if "ok installed" in fields.get("Status", "")
    }


def _stanzas(text: str) -> Iterable[dict[str, str]]:
    for stanza in filter(None, re.split(r"\n\n+", text.strip())):
        yield dict(re.findall(r"^(Package|Version|SHA256|Status): (.*)$", stanza, re.MULTILINE))


def _text(index: Path) -> str:
    if index.suffix == ".lz4":
        return subprocess.run(["lz4", "-dc", str(index)], check=True, capture_output=True, text=True).stdout
    return index.read_text()


def drift(base: Base, found: Mapping[str, DebianPackage]) -> tuple[str, ...]:
    """How a made filesystem differs from the lock: one phrase a package, sorted."""
    names = sorted(base.packages.keys() | found.keys())
    return tuple(
        f"{name} {_change(base.packages.get(name), found.get(name))}"
        for name in names
        if base.packages.get(name) != found.get(name)
    )


def _change(old: DebianPackage | None, new: DebianPackage | None) -> str:
    if old and new and old.version == new.version:
        return f"{new.version} with other bytes"
    return f"{_version(old)} → {_version(new)}"


def _version(package: DebianPackage | None) -> str:
    return package.version if package else "none"
