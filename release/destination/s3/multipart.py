"""A large file in parts. The parts that an earlier run brought there are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ...errors import DestinationError
from ...transfer import in_parallel
from .failures import code_of, status_of
from .local import LocalFile, Part
from .store import S3Store
from .unfinished import unfinished
from .writing import attributes

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef, PartTypeDef

_ROUNDS = 4


class _GoneError(Exception):
    """The upload is no more: another publisher of the same bytes completed it, or somebody gave it up."""


@dataclass(frozen=True, kw_only=True)
class _Upload:
    """An upload under way, and the ETags of the parts that are there, by number."""

    id: str
    there: dict[int, str]


class Multipart:
    """Brings ``file`` to ``key``. Several processes may take part in one upload: they have the same bytes.

    ``moved`` is told of bytes, from any thread.
    """

    def __init__(self, store: S3Store, key: str, file: LocalFile, moved: Callable[[int], None]) -> None:
        self._store = store
        self._key = key
        self._file = file
        self._moved = moved
        self._place = store.address.place(key)
        self._where = store.where(key)

    def create(self) -> bool:
        """Write the file, once; False when something is there already. Raises DestinationError."""
        for _ in range(_ROUNDS):
            try:
                upload = self._join() or self._begin()
                return self._complete(upload, self._fill(upload))
            except _GoneError:
                if self._store.exists(self._key):
                    return False
        raise DestinationError(f"{self._place}: somebody ends its upload again and again", "find out who")

    def _join(self) -> _Upload | None:
        """Return the oldest upload whose parts are those of the file, so that two that look find the same."""
        ours = {part.number: part.checksum for part in self._file.parts}
        for upload in unfinished(self._store, self._key):
            if upload.key == self._key:
                parts = self._parts(upload.id)
                if all(ours.get(part["PartNumber"]) == part.get("ChecksumSHA256") for part in parts):
                    return _Upload(id=upload.id, there={part["PartNumber"]: part["ETag"] for part in parts})
        return None

    def _parts(self, upload_id: str) -> list[PartTypeDef]:
        def ask(client: S3Client) -> list[PartTypeDef]:
            pages = client.get_paginator("list_parts").paginate(**self._where, UploadId=upload_id)
            try:
                return [part for page in pages for part in page.get("Parts", ())]
            except ClientError as error:
                raise _gone(error) from error

        return self._store.request(self._place, ask)

    def _begin(self) -> _Upload:
        answer = self._store.request(
            self._place,
            lambda client: client.create_multipart_upload(
                **self._where,
                **attributes(self._key),
                ChecksumAlgorithm="SHA256",
                # The checksum that S3 keeps is made of those of the parts: the file's own is worth keeping too.
                Metadata={"sha256": self._file.sha256.hex()},
            ),
        )
        return _Upload(id=answer["UploadId"], there={})

    def _fill(self, upload: _Upload) -> list[CompletedPartTypeDef]:
        """Bring the parts that are not there yet, and return all."""

        def bring(part: Part) -> CompletedPartTypeDef:
            etag = upload.there.get(part.number) or self._send(upload.id, part)
            self._moved(part.size)
            return {"PartNumber": part.number, "ETag": etag, "ChecksumSHA256": part.checksum}

        return in_parallel([partial(bring, part) for part in self._file.parts], self._store.settings.jobs)

    def _send(self, upload_id: str, part: Part) -> str:
        def send(client: S3Client) -> str:
            try:
                return client.upload_part(
                    **self._where,
                    UploadId=upload_id,
                    PartNumber=part.number,
                    Body=self._file.bytes_of(part),
                    ChecksumSHA256=part.checksum,
                )["ETag"]
            except ClientError as error:
                raise _gone(error) from error

        return self._store.request(self._place, send)

    def _complete(self, upload: _Upload, parts: list[CompletedPartTypeDef]) -> bool:
        def complete(client: S3Client) -> bool:
            try:
                client.complete_multipart_upload(
                    **self._where, UploadId=upload.id, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
            except ClientError as error:
                if status_of(error) == 412:
                    return False
                raise _gone(error) from error
            return True

        return self._store.request(self._place, complete)


def _gone(error: ClientError) -> Exception:
    """Return what to raise. InvalidPart: another replaced a part by one of another length."""
    return _GoneError() if code_of(error) in ("NoSuchUpload", "InvalidPart") else error
