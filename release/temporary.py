"""A file of a published release, here for as long as a comparison looks at it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .checksums import Digest
from .destination.files import FileStore
from .destination.protocol import Origin
from .errors import VerificationError
from .fetch import Downloads, Item
from .manifest import Artifact
from .transfer import Meter
from .version import Version

NEXT = "compare with --no-dependencies"
"""What to do without files that can't be read."""


@contextmanager
def brought(origin: Origin, version: Version, artifact: Artifact, largest: int, meter: Meter) -> Iterator[Path]:
    """Download ``artifact``, check its size and digest, and remove it after the block.

    Raises VerificationError when it isn't what the manifest says or has more than ``largest`` bytes, and
    DestinationError.
    """
    if artifact.size > largest:
        raise VerificationError(f"{artifact.name} in {origin.name} has more than {largest} bytes", NEXT)
    with FileStore(Path(tempfile.gettempdir())).told(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        digest = Digest(sha256=artifact.digest, size=artifact.size)
        Downloads(origin, version, meter).bring(Item(path=artifact.name, digest=digest, target=path))
        yield path
