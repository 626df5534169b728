"""An image of a published release as an OCI layout here, rebuilt blob by blob from its digest down."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .. import canonical
from ..atomic import replacing, sync_folder
from ..checksums import Digest
from ..errors import VerificationError
from ..manifest import Image, Manifest
from ..oci import ImageIndex
from ..oci.image import entry_document
from ..oci.write import BLOBS, LAYOUT, blob_path
from ..staged import IMAGES
from ..verify import check_image
from .download import Downloads, Item

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Documents are read whole; ours have a few kilobytes.
_LARGEST_DOCUMENT = 2**22


class LayoutDownload:
    """Brings one image into ``into``/images/NAME, by way of a hidden folder beside it."""

    def __init__(self, downloads: Downloads, image: Image, manifest: Manifest, into: Path) -> None:
        self.path = f"{IMAGES}/{image.name}"
        self._downloads = downloads
        self._image = image
        self._manifest = manifest
        self._layout = into / self.path
        self._part = self._layout.with_name(f".{image.name}.part")

    def start(self) -> tuple[Item, ...] | None:
        """Bring the index and the manifests, and return the blobs that are left: None when all is here already.

        Raises VerificationError for documents that are not those of an image, and as
        :meth:`.Downloads.bring` does.
        """
        if self._layout.exists():
            try:
                check_image(self._layout, self._image, self._manifest)
            except VerificationError as error:
                raise VerificationError(
                    f"{self._layout} is there, and is not what release.json says: {error.problem}",
                    "move it away, or name another folder",
                ) from error
            return None
        (self._part / BLOBS).mkdir(parents=True, exist_ok=True)
        blobs: dict[str, Item] = {}
        try:
            index = self._document({"digest": self._image.digest, "size": self._image.size})
            for descriptor in index["manifests"]:
                manifest = self._document(descriptor)
                # Platforms share layers: by their digest, each is brought once.
                for blob in (manifest["config"], *manifest["layers"]):
                    blobs[blob["digest"]] = self._item(blob)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise VerificationError(
                f"{self.path} of {self._manifest.version} is not an image of a release", "ask who publishes it"
            ) from error
        return tuple(blobs.values())

    def finish(self) -> None:
        """Write the layout's own files, check all of it, and give it its name."""
        image = self._image
        entry = ImageIndex(
            digest=image.digest, size=image.size, ref=str(self._manifest.version), platforms=image.platforms
        )
        for name, data in (("oci-layout", LAYOUT), ("index.json", canonical.dumps(entry_document(entry)))):
            with replacing(self._part / name) as sink:
                sink.write(data)
        check_image(self._part, image, self._manifest)
        for folder in (self._part, *(self._part / parent for parent in (BLOBS.parent, BLOBS))):
            folder.chmod(0o755)
            sync_folder(folder)
        self._part.rename(self._layout)
        sync_folder(self._layout.parent)

    def _document(self, descriptor: Any) -> Any:  # noqa: ANN401 - JSON
        item = self._item(descriptor)
        if item.digest.size > _LARGEST_DOCUMENT:
            raise VerificationError(
                f"{item.path} of {self._manifest.version} is too large: {item.digest.size} bytes",
                "ask who publishes it",
            )
        self._downloads.expect((item,))
        self._downloads.bring(item)
        return canonical.loads(item.target.read_bytes())

    def _item(self, descriptor: Any) -> Item:  # noqa: ANN401 - JSON
        digest, size = descriptor["digest"], descriptor["size"]
        if _DIGEST.fullmatch(digest) is None or type(size) is not int or size < 0:
            raise ValueError(digest)
        name = blob_path(digest)
        return Item(
            path=f"{self.path}/{name.as_posix()}",
            digest=Digest(sha256=digest, size=size),
            target=self._part / name,
        )
