"""The time of day, for those who were given no other: what depends on it takes a clock as an argument."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells an aware time."""


def system_clock() -> datetime:
    """Return what this machine believes."""
    return datetime.now(UTC)
