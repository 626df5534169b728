"""Which published release a person means: by version, by channel, or by pin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .. import attestations
from ..channels import resolve, yank_of
from ..checksums import digest_of_bytes
from ..clock import Clock, system_clock
from ..destination.channel import Pin
from ..destination.documents import release_key
from ..destination.protocol import Origin
from ..destination.yank import Yank
from ..errors import VerificationError, VersionError
from ..manifest import NAME, Manifest, from_json
from ..memory import FORGETFUL, ChannelMemory
from ..signing import TrustedKey, TrustedKeys
from ..version import CHANNELS, Version, parse
from .follow import follow

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Found:
    """A published release whose manifest was checked.

    ``attestations`` is what is said about it, by file name, and ``signed_by`` the trusted key that
    was asked for, None where none was. ``yank`` tells that it should not be used; ``skipped`` are
    newer ones that its channel passed over.
    """

    pin: Pin
    manifest: Manifest
    attestations: Mapping[str, bytes] = field(default_factory=dict)
    signed_by: TrustedKey | None = None
    yank: Yank | None = None
    skipped: tuple[Yank, ...] = ()

    @property
    def version(self) -> Version:
        """The version of the release."""
        return self.pin.version

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person who asked for it should know, a line each."""
        passed_over = tuple(f"{yank.version} is yanked, taking {self.version}: {yank.reason}" for yank in self.skipped)
        return passed_over if self.yank is None else (*passed_over, f"{self.version} is yanked: {self.yank.reason}")


def find(
    origin: Origin,
    wanted: str | Pin,
    trusted: TrustedKeys | None = None,
    *,
    memory: ChannelMemory = FORGETFUL,
    clock: Clock = system_clock,
) -> Found:
    """Return the release that ``wanted`` names: a version, a channel, or a pin.

    With ``trusted``, one of these keys must have signed it, and the channel, which must not have expired
    by ``clock`` nor be older than ``memory`` knows; without, nobody need have, and ``memory`` is left alone.

    Raises VersionError for what is no version or channel and for what is not published,
    VerificationError for what is not as trusted as it has to be and when the manifest is not the one
    that the channel or the pin names, and DestinationError.
    """
    if isinstance(wanted, Pin):
        return _found(origin, wanted.version, trusted, "the pin", wanted.manifest_digest)
    if wanted in CHANNELS:
        resolved = resolve(origin, wanted) if trusted is None else follow(origin, wanted, trusted, memory, clock())
        pin = resolved.pin
        found = _found(origin, pin.version, trusted, f"the channel {wanted!r}", pin.manifest_digest)
        if trusted is not None and found.yank is not None:
            raise VerificationError(
                f"{found.version}, which the signed channel {wanted!r} gives, has a yank record in {origin.name}, "
                "and the channel does not confirm it",
                "run again later, or name a version",
            )
        return replace(found, skipped=resolved.skipped)
    return _found(origin, _version(wanted), trusted)


def _version(text: str) -> Version:
    # Only what looks like a version is told what is wrong with it as one.
    if text.lstrip("v")[:1].isdigit():
        return parse(text)
    raise VersionError(
        f"{text!r} is neither a version nor a channel", f"name one such as 1.4.0, or {' or '.join(sorted(CHANNELS))}"
    )


def _found(
    origin: Origin, version: Version, trusted: TrustedKeys | None, who: str = "", expected: str | None = None
) -> Found:
    """Read and check the manifest of ``version``; ``who`` says that it has the digest ``expected``."""
    data = origin.manifest_of(version)
    if data is None:
        raise _missing(origin, version, who)
    digest = digest_of_bytes(data).sha256
    if expected not in (None, digest):
        raise VerificationError(
            f"{origin.name} has {version} with a {NAME} of {digest}, {who} says {expected}",
            "don't use it, and ask who publishes it",
        )
    manifest = from_json(data)
    if manifest.version != version:
        raise VerificationError(
            f"{origin.name} has the {NAME} of {manifest.version} in the place of {version}",
            "don't use it, and ask who publishes it",
        )
    read = {name: origin.document(release_key(version, name)) for name in attestations.NAMES}
    there = {name: data for name, data in read.items() if data is not None}
    return Found(
        pin=Pin(version=version, manifest_digest=digest),
        manifest=manifest,
        attestations=there,
        signed_by=None if trusted is None else attestations.check(there, manifest, trusted, origin.name),
        yank=yank_of(origin, version),
    )


def _missing(origin: Origin, version: Version, who: str) -> VersionError:
    newest = [str(known) for known in reversed(origin.versions())]
    words = ", ".join(newest[:_SHOWN]) + (" and older ones" if len(newest) > _SHOWN else "")
    asked = f", where {who} points" if who else ""
    next_step = f"it has {words}" if newest else "it has no release: check the address"
    return VersionError(f"{version}{asked} is not published in {origin.name}", next_step)
