"""The configured console, as an image of the operator's own."""

from __future__ import annotations

from pathlib import Path

from .. import canonical
from ..configure.image import is_rewritten
from ..errors import UsageError
from ..oci import ImageIndex, read_layout
from ..oci.write import blob_path
from .pinned import Pinned

NAME = "tesseral-console"
_BASE = "org.opencontainers.image.base.digest"


def console_image(layout: Path, release: Pinned) -> ImageIndex:
    """Return the image in ``layout``, which ``configure console`` made of this release's.

    Raises UsageError for any other, and VerificationError for a layout that is damaged or none.
    """
    index = read_layout(layout)
    if not is_rewritten(layout):
        raise UsageError(
            f"{layout} is no configured console", f"make it: tesseral-release configure console --in …/images/{NAME}"
        )
    blob = layout / blob_path(index.digest)
    base = canonical.loads(blob.read_bytes())["annotations"][_BASE]
    if base != release.image(NAME).digest:
        raise UsageError(
            f"{layout} was made from the console {base}, release {release.version} has another",
            "configure that of the pinned release",
        )
    return index
