"""Writing to a bucket: always on a condition, always with the SHA-256 that the server must find."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import ClientError

from ...errors import TransientError
from ..documents import changes, media_type
from .failures import code_of, status_of
from .local import LocalFile
from .store import S3Store

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def swap(store: S3Store, key: str, expected: bytes | None, data: bytes) -> bool:
    """Write a small file if it still holds ``expected`` (None: if it is not there); False when it does not.

    Raises DestinationError.
    """
    unsure = False

    def attempt() -> bool:
        nonlocal unsure
        try:
            return _swap(store, key, expected, data) or (unsure and _holds(store, key, data))
        except TransientError:
            # It may be written all the same: the next attempt looks.
            unsure = True
            raise

    return store.retry(attempt)


def create(store: S3Store, key: str, file: LocalFile) -> bool:
    """Write ``file`` in one request; False when something is there already. Raises DestinationError."""

    def attempt() -> bool:
        with file.open() as body:
            return _put(store, key, body, file.checksum, IfNoneMatch="*")

    return store.retry(attempt)


def delete(store: S3Store, key: str) -> None:
    """Remove a file. Raises DestinationError."""
    store.request(store.address.place(key), lambda client: client.delete_object(**store.where(key)))


def attributes(key: str) -> dict[str, Any]:
    """Return what a file is served with."""
    kept = "no-cache" if changes(key) else "public, max-age=31536000, immutable"
    return {"ContentType": media_type(key), "CacheControl": kept}


def _swap(store: S3Store, key: str, expected: bytes | None, data: bytes) -> bool:
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    if expected is None:
        return _put(store, key, data, checksum, IfNoneMatch="*")
    found = store.fetch(key)
    if found is None or found[0] != expected:
        return False
    return _put(store, key, data, checksum, IfMatch=found[1])


def _holds(store: S3Store, key: str, data: bytes) -> bool:
    found = store.fetch(key)
    return found is not None and found[0] == data


def _put(store: S3Store, key: str, body: bytes | BinaryIO, checksum: str, **condition: Any) -> bool:  # noqa: ANN401
    def put(client: S3Client) -> bool:
        try:
            client.put_object(**store.where(key), **attributes(key), **condition, Body=body, ChecksumSHA256=checksum)
        except ClientError as error:
            # 404: there is nothing that could match.
            if status_of(error) == 412 or code_of(error) == "NoSuchKey":
                return False
            raise
        return True

    return store.once(store.address.place(key), put)
