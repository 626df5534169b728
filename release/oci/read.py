"""Reading an OCI image layout as :mod:`release.oci.write` makes it, trusting nothing in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import canonical, tree
from ..checksums import digest_of, digest_of_bytes
from ..errors import VerificationError
from .image import CONFIG, INDEX, LAYER, MANIFEST, REF_NAME, ImageIndex, entry_document, platform_fields
from .write import LAYOUT, blob_path

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_AGAIN = "fetch the release again"
# Documents are read whole; ours have a few kilobytes.
_LARGEST_DOCUMENT = 2**22


def read_layout(directory: Path) -> ImageIndex:
    """Check each blob's digest and size from ``index.json`` down and return what the layout holds.

    Raises VerificationError naming the blob for one that is missing, altered, or referred to by none.
    """
    try:
        return _Layout(directory).read()
    except OSError as error:
        raise VerificationError(f"{error.filename} cannot be read: {error.strerror}", _AGAIN) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise VerificationError(f"{directory} is not an image layout of a release", _AGAIN) from error


class _Layout:
    """Follows descriptors, remembering the files that were checked."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._checked = {"index.json", "oci-layout"}

    def read(self) -> ImageIndex:
        listed = tree.files(self._directory, VerificationError)
        if (self._directory / "oci-layout").read_bytes() != LAYOUT:
            raise VerificationError(f"{self._directory / 'oci-layout'} is not as written", _AGAIN)
        entry = (self._directory / "index.json").read_bytes()
        pointer = canonical.loads(entry)["manifests"][0]
        index = ImageIndex(
            digest=pointer["digest"],
            size=pointer["size"],
            ref=pointer["annotations"][REF_NAME],
            platforms=tuple(self._platform(image) for image in self._document(pointer, INDEX)["manifests"]),
        )
        if canonical.dumps(entry_document(index)) != entry:
            raise VerificationError(f"{self._directory / 'index.json'} is not as written", _AGAIN)
        for path in listed:
            if path not in self._checked:
                raise VerificationError(f"{self._directory / path} belongs to no image", "remove it")
        return index

    def _platform(self, descriptor: Any) -> str:  # noqa: ANN401
        """Check the image of one platform and return its name."""
        manifest = self._document(descriptor, MANIFEST)
        config = self._document(manifest["config"], CONFIG)
        for layer in manifest["layers"]:
            self._check(layer, LAYER, lambda path: digest_of(path).sha256)
        platform = f"{config['os']}/{config['architecture']}"
        if descriptor["platform"] != platform_fields(platform):
            raise VerificationError(f"{self._directory}: an image for {platform} is listed as another's", _AGAIN)
        return platform

    def _document(self, descriptor: Any, media_type: str) -> Any:  # noqa: ANN401
        data = b""

        def read(path: Path) -> str:
            nonlocal data
            data = path.read_bytes()
            return digest_of_bytes(data).sha256

        if descriptor["size"] > _LARGEST_DOCUMENT:
            raise VerificationError(f"{self._directory}: {descriptor['digest']} is too large", _AGAIN)
        self._check(descriptor, media_type, read)
        return canonical.loads(data)

    def _check(self, descriptor: Any, media_type: str, digest: Callable[[Path], str]) -> None:  # noqa: ANN401
        """Compare the blob with its descriptor: form, media type, size, then digest."""
        wanted = descriptor["digest"]
        if _DIGEST.fullmatch(wanted) is None or descriptor["mediaType"] != media_type:
            raise VerificationError(f"{self._directory}: {wanted!r} is no {media_type}", _AGAIN)
        name = blob_path(wanted).as_posix()
        path = self._directory / name
        if not path.is_file():
            raise VerificationError(f"the blob {path} is missing", _AGAIN)
        size = path.stat().st_size
        if size != descriptor["size"]:
            raise VerificationError(f"the blob {path} has {size} bytes, not {descriptor['size']}", _AGAIN)
        found = digest(path)
        if found != wanted:
            raise VerificationError(f"the blob {path} has the digest {found}, not its name", _AGAIN)
        self._checked.add(name)
