"""A release as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from .manifest import Manifest

_TITLES = ("NAME", "SIZE", "SHA256")
_SHORT = 12


def rows(manifest: Manifest) -> tuple[tuple[str, str, str], ...]:
    """Return name, size and shortened digest of each artifact, then of each image with its platforms.

    The size of an image is left blank: the manifest knows only that of its index.
    """
    artifacts = [(item.name, human_size(item.size), _short(item.digest)) for item in manifest.artifacts]
    images = [
        (f"image {image.name} ({', '.join(image.platforms)})", "", _short(image.digest)) for image in manifest.images
    ]
    return (*artifacts, *images)


def render(manifest: Manifest) -> str:
    """Return the table as lines of text, columns aligned, sizes to the right."""
    lines: Sequence[tuple[str, str, str]] = (_TITLES, *rows(manifest))
    name, size, _ = (max(map(len, column)) for column in zip(*lines, strict=True))
    return "\n".join(f"{line[0]:<{name}}  {line[1]:>{size}}  {line[2]}" for line in lines)


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_SHORT]


def human_size(size: int) -> str:
    """Write a number of bytes in the units of IEC 80000-13, such as ``5.7 MiB``."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        # 1023.95 and more would be printed as 1024.0.
        if value < 1023.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} PiB"
