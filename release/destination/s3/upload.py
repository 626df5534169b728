"""Bring a file to its key, once, and read it back; what is there already is compared."""

from __future__ import annotations

import threading

from ...errors import ConflictError, VerificationError
from ...transfer import Meter
from .local import LocalFile
from .multipart import Multipart
from .store import S3Store
from .unfinished import give_up, unfinished
from .writing import create


def bring(store: S3Store, key: str, file: LocalFile, meter: Meter, *, there: bool) -> None:
    """See that the file ``key`` has the bytes of ``file``. ``there``: it was there a moment ago.

    Raises ConflictError when it has other bytes, and VerificationError when what was just written
    does not come back.
    """
    share = _Share(meter)
    written = not there and _create(store, key, file, share)
    if not same(store, key, file):
        place = store.address.place(key)
        if written:
            raise VerificationError(f"{place} is not what was written there", "check the server and run again")
        raise ConflictError(
            f"{place} is there with other bytes than {file.path}, from an unfinished publish",
            "give that one up with `tesseral-release abandon`, or raise the version",
        )
    if file.parts:
        # The file is there: whoever is still at it finds that its upload is gone, and looks.
        for upload in unfinished(store, key):
            if upload.key == key:
                give_up(store, upload)
    share.end(file.size)


def same(store: S3Store, key: str, file: LocalFile) -> bool:
    """Tell whether the file ``key`` has the bytes of ``file``, by the server's checksum where it has one."""
    head = store.head(key)
    if head is None or head["ContentLength"] != file.size:
        return False
    checksum = head.get("ChecksumSHA256", "")
    if checksum and "-" not in checksum:
        return checksum == file.checksum
    # Without a checksum, or with one over parts of other lengths, the bytes themselves decide.
    return checksum == file.checksum_of_parts or store.sha256_of(key) == file.sha256


def _create(store: S3Store, key: str, file: LocalFile, share: _Share) -> bool:
    return Multipart(store, key, file, share.advance).create() if file.parts else create(store, key, file)


class _Share:
    """What of the meter is one file's: at its end that is the file's size, whatever was sent twice or not at all."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._moved = 0
        self._lock = threading.Lock()

    def advance(self, size: int) -> None:
        with self._lock:
            self._moved += size
        self._meter.advance(size)

    def end(self, size: int) -> None:
        if size != self._moved:
            self._meter.advance(size - self._moved)
