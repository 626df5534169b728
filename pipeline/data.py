"""Files that images need besides what was built: CA certificates and time zones, from pinned packages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import certifi
import tzdata

from release.archive import Entry
from release.errors import ToolchainError

from .lock import DataPackage, Lock

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
ZONEINFO = "usr/share/zoneinfo"
TZIF_MAGIC = b"TZif"  # RFC 8536, section 3.1


def certificates(lock: Lock) -> tuple[Entry, ...]:
    """Mozilla's CA certificates at the place where Go looks for them. Raises :class:`ToolchainError`."""
    return _checked(lock.certificates, certifi.__version__, certificate_entries())


def zoneinfo(lock: Lock) -> tuple[Entry, ...]:
    """The compiled time zone database at the place where Go looks for it. Raises :class:`ToolchainError`."""
    return _checked(lock.zoneinfo, tzdata.__version__, zoneinfo_entries())


def certificate_entries() -> tuple[Entry, ...]:
    """The certificates of the installed package, whichever that is."""
    return (Entry(path=CERTIFICATES, source=Path(certifi.where()).read_bytes()),)


def zoneinfo_entries() -> tuple[Entry, ...]:
    """The time zones of the installed package, whichever that is."""
    root = Path(str(tzdata.__file__)).parent / "zoneinfo"
    contents = ((path, path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file())
    return tuple(
        Entry(path=f"{ZONEINFO}/{path.relative_to(root).as_posix()}", source=data)
        for path, data in contents
        if data.startswith(TZIF_MAGIC)
    )


def data_digest(entries: Iterable[Entry]) -> str:
    """SHA-256 over ``sha256 SP path LF`` of each file, sorted by path."""
    lines = sorted((entry.path, hashlib.sha256(b"".join(entry.chunks())).hexdigest()) for entry in entries)
    text = "".join(f"{digest} {path}\n" for path, digest in lines)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _checked(pin: DataPackage, version: str, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    found = data_digest(entries)
    if found != pin.digest:
        raise ToolchainError(
            f"{pin.package} {version} has the data {found}, and toolchain.lock pins {pin.version} with {pin.digest}",
            f"install {pin.package}=={pin.version}, or `nox -s lock` to take the new one",
        )
    return entries
