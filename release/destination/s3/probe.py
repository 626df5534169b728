"""See early that a bucket can be written, and that its server keeps the conditions all else rests on."""

from __future__ import annotations

from ...errors import DestinationError
from .store import S3Store
from .writing import swap

KEY = ".create-only"
_TEXT = b"tesseral-release sees by this file that nothing can be overwritten here.\n"
_OTHER = b"tesseral-release has overwritten this file, which the server should have refused.\n"


def check(store: S3Store) -> None:
    """Raise DestinationError when the bucket cannot be written, or can be without a condition being kept.

    The file stays: a removal needs one more permission, and two that check at once would mislead each other.
    """
    if swap(store, KEY, None, _TEXT) and swap(store, KEY, None, _OTHER):
        raise DestinationError(
            f"{store.name} cannot be used: the server has no conditional writes, so a release could be overwritten",
            "use a server that knows If-None-Match",
        )
