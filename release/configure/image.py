"""The console's image: its only layer, and a copy of it with another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import canonical, rfc3339
from ..archive import Entry
from ..errors import VerificationError
from ..oci import ImageConfig, ImageIndex, PlatformImage, read_layout, write_layout
from ..oci.image import Layer, config_document
from ..oci.write import blob_path

_BASE = "org.opencontainers.image.base"
"""Annotations of image-spec 1.1 that tell what an image was made from: ``.digest`` and ``.name``."""

_TITLE = "org.opencontainers.image.title"
_ENDING = "-configured"
_LONGEST_TAG = 128  # distribution-spec 1.1, "Pulling manifests"


def layer_of(layout: Path) -> Path:
    """Return the blob that holds the files of an image, the same for every platform.

    Raises VerificationError for any other image, and for a damaged layout.
    """
    return _blob(layout, _Image(layout).layer["digest"])


def content(entry: Entry) -> bytes:
    """Return the bytes of a file. Raises SourceError."""
    return b"".join(entry.chunks())


def rewrite(layout: Path, target: Path, entries: Sequence[Entry]) -> ImageIndex:
    """Write to ``target`` the image of ``layout`` with ``entries`` as its files; all else stays.

    Its tag is that of ``layout`` and ``-configured``, and annotations tell what it was made from. Raises
    VerificationError for another image than a release's, and OSError.
    """
    old = _Image(layout)
    ref = old.entry.ref
    return write_layout(
        target,
        old.title,
        [PlatformImage(platform=name, entries=tuple(entries), config=one) for name, one in old.configs.items()],
        old.created,
        ref[: _LONGEST_TAG - len(_ENDING)] + _ENDING,
        {**old.annotations, f"{_BASE}.digest": old.entry.digest, f"{_BASE}.name": f"{old.title}:{ref}"},
    )


def is_rewritten(layout: Path) -> bool:
    """Tell whether :func:`rewrite` made what is in a folder, and nothing else is there."""
    try:
        there = _Image(layout)
    except VerificationError:
        return False
    return f"{_BASE}.digest" in there.annotations and there.entry.ref.endswith(_ENDING)


class _Image:
    """The documents of a layout, every blob of which was checked."""

    def __init__(self, layout: Path) -> None:
        self._layout = layout
        self.entry = read_layout(layout)
        try:
            self._read(self._document(self.entry.digest))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise VerificationError(
                f"{layout} is not the image of a console as it is known here: one layer of files for all platforms",
                "name one as it was released",
            ) from error

    def _read(self, index: Any) -> None:  # noqa: ANN401 - JSON
        self.annotations = dict(index["annotations"])
        self.title = str(self.annotations[_TITLE])
        manifests = [self._document(one["digest"]) for one in index["manifests"]]
        (self.layer,) = {one["digest"]: one for manifest in manifests for one in manifest["layers"]}.values()
        documents = [self._document(manifest["config"]["digest"]) for manifest in manifests]
        (created,) = {document["created"] for document in documents}
        self.created = rfc3339.parse(created)
        self.configs = {name: _config(one) for name, one in zip(self.entry.platforms, documents, strict=True)}
        for (platform, config), document in zip(self.configs.items(), documents, strict=True):
            # Whatever is not known here would be lost.
            (diff_id,) = document["rootfs"]["diff_ids"]
            layer = Layer(digest=self.layer["digest"], size=self.layer["size"], diff_id=diff_id)
            known = PlatformImage(platform=platform, entries=(), config=config)
            if config_document(known, layer, created) != document:
                raise ValueError(platform)

    def _document(self, digest: str) -> Any:  # noqa: ANN401 - JSON
        return canonical.loads(_blob(self._layout, digest).read_bytes())


def _config(document: Any) -> ImageConfig:  # noqa: ANN401 - JSON
    """Read what :func:`release.oci.image.config_document` wrote."""
    settings = document["config"]
    return ImageConfig(
        entrypoint=tuple(settings.get("Entrypoint", ())),
        env=tuple(settings.get("Env", ())),
        user=settings.get("User", ""),
        exposed_ports=tuple(settings.get("ExposedPorts", ())),
        working_dir=settings.get("WorkingDir", ""),
        labels=settings.get("Labels", {}),
    )


def _blob(layout: Path, digest: str) -> Path:
    return layout / blob_path(digest)
