"""Writing an OCI image layout (image-layout.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from .. import canonical, rfc3339
from ..archive import Entry
from ..archive.tar import write_gz
from ..atomic import replacing
from ..checksums import Digest, DigestWriter, digest_of_bytes
from ..errors import SourceError
from .image import (
    ImageIndex,
    Layer,
    PlatformImage,
    config_document,
    entry_document,
    index_document,
    manifest_document,
)

LAYOUT = canonical.dumps({"imageLayoutVersion": "1.0.0"})
BLOBS = Path("blobs", "sha256")


def blob_path(digest: str) -> Path:
    """Return where the blob of ``digest`` lies in a layout's folder (image-spec 1.1, "Blobs")."""
    return BLOBS / digest.removeprefix("sha256:")


def write_layout(
    directory: Path,
    name: str,
    images: Sequence[PlatformImage],
    created: datetime,
    ref: str,
    annotations: Mapping[str, str],
) -> ImageIndex:
    """Write ``images`` as the multi-platform image ``name``, tagged ``ref``, to the new ``directory``.

    ``created`` (the time of the commit) is the time of every file too. The index is annotated with
    title, version and created; ``annotations`` adds to these (``org.opencontainers.image.revision``).
    Platforms with the same files share a layer. Raises SourceError for a folder in use, two images for
    one platform, or bad entries, and OSError.
    """
    if directory.exists() and any(directory.iterdir()):
        raise SourceError(f"{directory} is not empty", "remove it")
    platforms = sorted(image.platform for image in images)
    if len(set(platforms)) != len(platforms):
        raise SourceError(f"the image {name} has two variants for one platform", "leave one out")
    blobs = directory / BLOBS
    blobs.mkdir(parents=True, exist_ok=True)
    time = rfc3339.render(created)
    layers: dict[tuple[Entry, ...], Layer] = {}
    manifests: list[tuple[str, Digest]] = []
    for image in sorted(images, key=lambda image: image.platform):
        if image.entries not in layers:
            layers[image.entries] = _write_layer(blobs, image.entries, int(created.timestamp()))
        layer = layers[image.entries]
        config = _write_blob(blobs, config_document(image, layer, time))
        manifests.append((image.platform, _write_blob(blobs, manifest_document(config, layer))))
    standard = {"title": name, "version": ref, "created": time}
    all_annotations = {f"org.opencontainers.image.{key}": value for key, value in standard.items()}
    digest = _write_blob(blobs, index_document(manifests, all_annotations | dict(annotations)))
    index = ImageIndex(digest=digest.sha256, size=digest.size, ref=ref, platforms=tuple(platforms))
    _write(directory / "oci-layout", LAYOUT)
    _write(directory / "index.json", canonical.dumps(entry_document(index)))
    return index


def _write_layer(blobs: Path, entries: Sequence[Entry], mtime: int) -> Layer:
    unnamed = blobs / "layer"
    with replacing(unnamed) as file:
        blob = DigestWriter(file)
        tar = write_gz(entries, blob, mtime)
    unnamed.replace(blobs / blob.digest.sha256.removeprefix("sha256:"))
    return Layer(digest=blob.digest.sha256, size=blob.digest.size, diff_id=tar.sha256)


def _write_blob(blobs: Path, document: object) -> Digest:
    data = canonical.dumps(document)
    digest = digest_of_bytes(data)
    _write(blobs / digest.sha256.removeprefix("sha256:"), data)
    return digest


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as sink:
        sink.write(data)
