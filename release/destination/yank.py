"""A yank: the record that a published version should not be used, and why. Nothing is deleted."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from .. import canonical
from ..errors import UsageError, VerificationError, VersionError
from ..version import Version, parse

LONGEST_REASON = 1000
"""Characters of a reason at most."""


@dataclass(frozen=True, kw_only=True)
class Yank:
    """``version`` is not to be used, for ``reason`` (one line of text)."""

    version: Version
    reason: str


def check_reason(reason: str) -> None:
    """Raise UsageError unless ``reason`` is one line of text, not empty and not too long."""
    if not reason.strip() or reason != reason.strip():
        raise UsageError("the reason is empty or has space around it", "say in one line why nobody should use it")
    if len(reason) > LONGEST_REASON:
        raise UsageError(f"the reason has {len(reason)} characters", f"use at most {LONGEST_REASON}")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in reason):
        raise UsageError("the reason is more than one line", "say it in one line")


def to_json(yank: Yank) -> bytes:
    """Write ``yank`` in its canonical form."""
    return canonical.dumps({"schemaVersion": 1, "version": str(yank.version), "reason": yank.reason})


def from_json(data: bytes, version: Version) -> Yank:
    """Read the record for ``version``. Raises VerificationError: a record that cannot be read is no reason to go on."""
    try:
        document: Any = canonical.loads(data)
        yank = Yank(version=parse(document["version"]), reason=document["reason"])
        check_reason(yank.reason)
        whole = to_json(yank) == data and yank.version == version
    except (AttributeError, KeyError, TypeError, ValueError, VersionError, UsageError) as error:
        raise VerificationError(f"the yank record of {version} cannot be read", "ask who publishes it") from error
    if not whole:
        raise VerificationError(f"the yank record of {version} is not as it was written", "ask who publishes it")
    return yank
