"""A file of a published release, here for as long as somebody looks at it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .destination.files import FileStore
from .destination.protocol import Origin
from .errors import VerificationError
from .fetch import Downloads, Item
from .manifest import Artifact
from .transfer import Meter
from .version import Version


@contextmanager
def brought(
    origin: Origin, version: Version, artifact: Artifact, meter: Meter, *, largest: int, otherwise: str
) -> Iterator[Path]:
    """Download ``artifact``, check its size and digest, and remove it after the block.

    Raises VerificationError when it isn't what the manifest says or has more than ``largest`` bytes;
    ``otherwise`` says what to do then. Raises DestinationError, too.
    """
    if artifact.size > largest:
        raise VerificationError(f"{artifact.name} in {origin.name} has more than {largest} bytes", otherwise)
    with FileStore(Path(tempfile.gettempdir())).told(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        Downloads(origin, version, meter).bring(Item(path=artifact.name, digest=artifact.content, target=path))
        yield path
