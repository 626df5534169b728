"""Lines in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return ``lines`` with their cells below each other; all have as many."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def plain(text: str) -> str:
    """Return ``text`` without what could steer a terminal or turn the order of characters around."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
