"""Times in files: RFC 3339, UTC, whole seconds, such as ``2026-01-01T00:00:00Z``."""

from __future__ import annotations

from datetime import UTC, datetime

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def render(time: datetime) -> str:
    """Write an aware ``time``; parts of a second are cut off. Raises ValueError for a naive one."""
    if time.tzinfo is None:
        raise ValueError("the time has no time zone")
    # isoformat, since strftime doesn't pad years before 1000 everywhere.
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse(text: str) -> datetime:
    """Read a time in exactly that form. Raises ValueError."""
    time = datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    if render(time) != text:
        raise ValueError(f"{text!r} is not in the form 2026-01-01T00:00:00Z")
    return time
