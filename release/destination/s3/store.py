"""A bucket as a store of files: the reading side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from ...errors import DestinationError, VerificationError
from ..documents import LARGEST
from .bucket import Bucket
from .failures import code_of, status_of, told

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

T = TypeVar("T")

# Small: what of a piece had arrived is lost with the connection.
_PIECE = 2**16


class S3Store(Bucket):
    """The files of a bucket; see :class:`..store.Store`."""

    def read(self, key: str) -> bytes | None:
        """Return a small file, None when it is not there. Raises VerificationError for one that is not small."""
        found = self.retry(lambda: self.fetch(key))
        return None if found is None else found[0]

    def fetch(self, key: str) -> tuple[bytes, str] | None:
        """Return a small file and its ETag as :meth:`read` does; asks once only."""
        place = self.address.place(key)

        def get(client: S3Client) -> tuple[bytes, str] | None:
            # With its checksum, which botocore compares: such a file is too small to be asked for again in part.
            answer = _unless_missing(lambda: client.get_object(**self.where(key), ChecksumMode="ENABLED"))
            if answer is None:
                return None
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > LARGEST:
                    raise VerificationError(f"{place} has more than {LARGEST} bytes", "look at it")
                return body.read(), answer["ETag"]

        return self.once(place, get)

    def exists(self, key: str) -> bool:
        """Tell whether there is a file ``key``."""
        return self.head(key) is not None

    def head(self, key: str) -> HeadObjectOutputTypeDef | None:
        """Return what the server knows of a file, with its checksum; None when it is not there."""

        def head(client: S3Client) -> HeadObjectOutputTypeDef | None:
            return _unless_missing(lambda: client.head_object(**self.where(key), ChecksumMode="ENABLED"))

        return self.request(self.address.place(key), head)

    @contextmanager
    def open(self, key: str, start: int) -> Iterator[Iterator[bytes]]:
        """Read a file from byte ``start``; from its end on there is nothing to read."""
        place = self.address.place(key)
        answer = self.request(place, lambda client: self._answer(client, key, start))
        if answer is None:
            yield iter(())
            return
        with closing(answer["Body"]) as body:
            if start and answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
                raise DestinationError(f"{place}: the server cannot read a file from its middle", "use another server")
            yield _pieces(body, place)

    def sha256_of(self, key: str) -> bytes:
        """Read a file and return its digest."""

        def digest() -> bytes:
            whole = hashlib.sha256()
            with self.open(key, 0) as pieces:
                for data in pieces:
                    whole.update(data)
            return whole.digest()

        return self.retry(digest)

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is directly below ``prefix``; folders end in ``/``."""
        return self._list(prefix, Delimiter="/")

    def below(self, prefix: str) -> tuple[str, ...]:
        """Return the names of all files below ``prefix``, without it."""
        return self._list(prefix)

    def _answer(self, client: S3Client, key: str, start: int) -> GetObjectOutputTypeDef | None:
        # Only where it says something: a file without bytes has no byte 0 either.
        part: dict[str, Any] = {"Range": f"bytes={start}-"} if start else {}
        try:
            return client.get_object(**self.where(key), **part)
        except ClientError as error:
            if status_of(error) == 416:
                return None
            if code_of(error) == "NoSuchKey":
                place = self.address.place(key)
                raise DestinationError(f"{place} is not there", "check the version and the name") from error
            raise

    def _list(self, prefix: str, **how: str) -> tuple[str, ...]:
        start = self.address.key(prefix)
        what: dict[str, Any] = {"Bucket": self.address.bucket, "Prefix": start, **how}

        def names(client: S3Client) -> tuple[str, ...]:
            found: list[str] = []
            for page in client.get_paginator("list_objects_v2").paginate(**what):
                found += [item["Prefix"] for item in page.get("CommonPrefixes", ())]
                found += [item["Key"] for item in page.get("Contents", ())]
            return tuple(name.removeprefix(start) for name in found if name != start)

        return self.request(self.name, names)


def _unless_missing(work: Callable[[], T]) -> T | None:
    """Return None when there is no such file; the answer to HEAD cannot say what is missing."""
    try:
        return work()
    except ClientError as error:
        if code_of(error) in ("NoSuchKey", "404"):
            return None
        raise


def _pieces(body: Any, place: str) -> Iterator[bytes]:  # noqa: ANN401 - botocore's stream
    while True:
        with told(place):
            data: bytes = body.read(_PIECE)
        if not data:
            return
        yield data
