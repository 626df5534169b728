"""How far a transfer is: a port that the programs show to people in their own ways."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Told of bytes as they move, from any thread. What it raises ends the transfer."""

    def expect(self, size: int) -> None:
        """Add ``size`` bytes to what there is to move."""

    def advance(self, size: int) -> None:
        """``size`` bytes more were moved; less than zero where some must be moved again."""


class _Silent:
    def expect(self, size: int) -> None:
        pass

    def advance(self, size: int) -> None:
        pass


SILENT: Meter = _Silent()
"""Tells nobody."""
