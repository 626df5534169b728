"""Looking into image layouts of two builds: from the index down to the files in the layers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..oci.write import blob_path
from .archives import archive_differences
from .documents import document_differences

# They follow from blobs that are compared themselves.
_FOLLOWING = ("digest", "size", "diff_ids")


def image_differences(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    """Yield a place (``linux/amd64 layer 1: usr/bin/api``, empty for the index) and how it differs.

    ``first`` and ``second`` are layouts with other bytes. What is no layout of ours yields one phrase.
    """
    try:
        found = list(_indexes(_Layout(first), _Layout(second)))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        found = [("", f"one of them is no image layout: {error!r}")]
    yield from found
    if not found:
        yield "", "the same content in another form: its JSON, or a blob that nothing refers to"


class _Layout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entry = json.loads((folder / "index.json").read_bytes())
        self.index = self.document(self.entry["manifests"][0])
        self.platforms: Mapping[str, Any] = {_platform(one): one for one in self.index["manifests"]}

    def blob(self, descriptor: Any) -> Path:  # noqa: ANN401 - JSON
        return self.folder / blob_path(str(descriptor["digest"]))

    def document(self, descriptor: Any) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.blob(descriptor).read_bytes())


def _platform(descriptor: Any) -> str:  # noqa: ANN401 - JSON
    return f"{descriptor['platform']['os']}/{descriptor['platform']['architecture']}"


def _indexes(one: _Layout, other: _Layout) -> Iterator[tuple[str, str]]:
    for place, left, right in (("", one.entry, other.entry), ("index", one.index, other.index)):
        yield from ((place, how) for how in document_differences(left, right, but=_FOLLOWING))
    for platform in sorted(one.platforms.keys() & other.platforms.keys()):
        yield from _manifests(one, other, platform)


def _manifests(one: _Layout, other: _Layout, platform: str) -> Iterator[tuple[str, str]]:
    left, right = (layout.document(layout.platforms[platform]) for layout in (one, other))
    for how in document_differences(left, right, but=_FOLLOWING):
        yield f"{platform} manifest", how
    configs = (layout.document(manifest["config"]) for layout, manifest in ((one, left), (other, right)))
    for how in document_differences(*configs, but=_FOLLOWING):
        yield f"{platform} config", how
    for number, (first, second) in enumerate(itertools.zip_longest(left["layers"], right["layers"]), start=1):
        if first is None or second is None or first["digest"] == second["digest"]:
            continue  # another number of layers was told with the manifest
        for member, how in archive_differences(one.blob(first), other.blob(second), ".tar.gz"):
            yield f"{platform} layer {number}" + (f": {member}" if member else ""), how
