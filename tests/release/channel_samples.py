"""A place with signed releases and channels, those who write there, and one who reads, for the tests of channels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from site_samples import place, whole

from release.attestations import SIGNATURE, signed_bytes
from release.channels import move, pin_of
from release.destination import Channel, DirectoryDestination, Pin
from release.destination.documents import channel_key, release_key
from release.destination.seal import LIFETIME
from release.fetch import Found, find
from release.memory import FORGETFUL, ChannelMemory, FileMemory
from release.revision import Writing
from release.signing import RELEASE, Signer, TrustedKey, TrustedKeys, sign
from release.version import parse

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def trusting(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(tuple(TrustedKey(key=one.public_key) for one in signers))


def writing(
    signer: Signer | None,
    at: datetime = NOON,
    *,
    lifetime: timedelta = LIFETIME,
    memory: ChannelMemory = FORGETFUL,
    known: TrustedKeys | None = None,
) -> Writing:
    return Writing(signer=signer, lifetime=lifetime, memory=memory, known=known or TrustedKeys(), clock=lambda: at)


class Site:
    """Releases in a directory, signed by ``signer``."""

    def __init__(self, root: Path, signer: Signer) -> None:
        self.root = root
        self.signer = signer
        self.destination = DirectoryDestination(root)

    def release(self, version: str) -> Pin:
        """Put ``version`` there unless it is."""
        if self.destination.manifest_of(parse(version)) is not None:
            return pin_of(self.destination, parse(version))
        manifest = whole(version)
        pin = place(self.root, manifest)
        path = self.root / release_key(pin.version, SIGNATURE)
        path.write_bytes(sign(self.signer, signed_bytes(manifest), RELEASE))
        return pin

    def move(self, version: str, at: datetime = NOON, name: str = "stable") -> Channel:
        """Publish ``version`` and point a channel to it; returns that."""
        return move(self.destination, name, self.release(version), writing=writing(self.signer, at))

    def file(self, name: str = "stable") -> Path:
        return self.root / channel_key(name)

    def data(self, name: str = "stable") -> bytes:
        return self.file(name).read_bytes()


class Reader:
    """Who trusts the keys of some and remembers in a file."""

    def __init__(self, site: Site, memory: Path, *trusted: Signer) -> None:
        self.site = site
        self.path = memory
        self.trusted = trusting(*(trusted or (site.signer,)))
        self.warnings: list[str] = []

    def look(self, at: datetime = NOON, name: str = "stable") -> Found:
        memory = FileMemory(self.path, self.warnings.append)
        return find(self.site.destination, name, self.trusted, memory=memory, clock=lambda: at)

    def gets(self, at: datetime = NOON, name: str = "stable") -> str:
        return str(self.look(at, name).version)
