"""Whose a version is while it is published: Fischer's algorithm, since a registry has no conditional write.

Look that there is no claim, write ours, let it stand for the settle time, look again: the claim that
is there then has the version. That one publisher wins rests on one assumption, which is Fischer's:
between looking and writing no publisher takes longer than the settle time. Each measures that for
itself and starts again when it took longer; a request that hangs in the network and arrives after
its sender gave up, or a registry whose readers see old tags, can break it. So the claim is looked at
once more right before the tags are written, and a version's tags are looked at before and after
that: what remains possible is that two publishers both fail and name each other, or, if all of it
goes wrong in the same instant, that the last tag written stays. A reader still finds one release of
the two, whole, since it goes by digest; the tag of an image may then be the other one's.
"""

from __future__ import annotations

import time
from typing import Any

from ... import canonical
from ...errors import ConflictError, DestinationError
from ...version import Version
from .. import claim
from ..documents import claim_key
from .records import Records

NOBODY = "sha256:" + 64 * "0"
"""The manifest digest of a claim that was given up where a registry deletes nothing."""

_ATTEMPTS = 5


def claimed(records: Records, version: Version) -> bytes | None:
    """Return the claim of ``version``, None when nobody has it."""
    data = records.read(claim_key(version))
    return None if data == claim.to_json(version, NOBODY) else data


def claimed_manifest(data: bytes) -> str | None:
    """Return the digest of the ``release.json`` in a claim, None when it cannot be read."""
    try:
        document: Any = canonical.loads(data)
        return str(document["manifestDigest"])
    except (KeyError, TypeError, ValueError):
        return None


def give_up(records: Records, version: Version) -> None:
    """Remove the claim of ``version``; where that cannot be, overwrite it with nobody's."""
    key = claim_key(version)
    if not records.remove(key):
        records.put(records.prepare(key, claim.to_json(version, NOBODY)))


class Claim:
    """The claim of one publisher on ``version``; ``where`` is what a person calls the place."""

    def __init__(self, records: Records, version: Version, manifest_digest: str, where: str, settle: float) -> None:
        self._records = records
        self._version = version
        self._manifest_digest = manifest_digest
        self._where = where
        self._settle = settle
        self._since = 0.0

    def take(self) -> None:
        """Write the claim unless it is there. It counts after :meth:`confirm`.

        Raises ConflictError when another's is there, DestinationError when the registry is so slow
        that nobody can know who was first.
        """
        data = claim.to_json(self._version, self._manifest_digest)
        prepared = self._records.prepare(claim_key(self._version), data)
        for _ in range(_ATTEMPTS):
            started = time.monotonic()
            ours = self._is_there()
            if not ours:
                self._records.put(prepared)
            self._since = time.monotonic()
            # Also one that was there before may be a moment old, and about to be overwritten.
            if ours or self._since - started <= self._settle:
                return
        raise DestinationError(
            f"{self._where} takes longer than {self._settle} seconds to write a claim", "run again when it is faster"
        )

    def confirm(self) -> None:
        """Let the claim stand for the settle time, then see that it is still there. Raises ConflictError."""
        time.sleep(max(0.0, self._since + self._settle - time.monotonic()))
        if not self._is_there():
            raise ConflictError(
                f"the claim of {self._version} in {self._where} was given up by somebody meanwhile", "run again"
            )

    def _is_there(self) -> bool:
        data = claimed(self._records, self._version)
        if data is not None:
            claim.check(data, self._version, self._manifest_digest, self._where)
        return data is not None
