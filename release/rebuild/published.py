"""The published bytes of what a rebuild made otherwise, to be looked into."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..destination.files import FileStore
from ..destination.protocol import Origin
from ..errors import DestinationError, VerificationError
from ..fetch import Downloads, Found, Item
from ..fetch.layouts import LayoutDownload
from ..manifest import NAME, to_json
from ..staged import IMAGES
from ..transfer import Meter


def bring(origin: Origin, found: Found, names: Iterable[str], into: Path, meter: Meter) -> dict[str, str]:
    """Bring ``names`` of the release into the new folder ``into``, by size and digest.

    Returns what could not be had, and why: others are brought all the same. Raises DestinationError when the
    folder cannot be written.
    """
    manifest = found.manifest
    downloads = Downloads(origin, found.version, meter)
    files = {one.name: one.content for one in manifest.artifacts}
    images = {f"{IMAGES}/{image.name}": image for image in manifest.images}
    missing: dict[str, str] = {}
    with FileStore(into).told():
        (into / IMAGES).mkdir(parents=True)
        for name in names:
            try:
                if name == NAME:
                    (into / NAME).write_bytes(to_json(manifest))
                elif name in images:
                    layout = LayoutDownload(downloads, images[name], manifest, into)
                    _bring(downloads, layout.start() or ())
                    layout.finish()
                else:
                    _bring(downloads, (Item(path=name, digest=files[name], target=into / name),))
            except (DestinationError, VerificationError) as error:
                missing[name] = error.problem
    return missing


def _bring(downloads: Downloads, items: Iterable[Item]) -> None:
    items = tuple(items)
    downloads.expect(items)
    for item in items:
        downloads.bring(item)
