"""Uploads in parts that were begun and not completed: S3 keeps them, and nobody sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from .failures import code_of
from .store import S3Store

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An upload to the file ``key``."""

    key: str
    id: str


def unfinished(store: S3Store, prefix: str) -> tuple[Unfinished, ...]:
    """Return the uploads to files whose names begin with ``prefix``, oldest first. Raises DestinationError."""
    address = store.address

    def ask(client: S3Client) -> tuple[Unfinished, ...]:
        pages = client.get_paginator("list_multipart_uploads").paginate(
            Bucket=address.bucket, Prefix=address.key(prefix)
        )
        found = [one for page in pages for one in page.get("Uploads", ())]
        found.sort(key=lambda one: (one["Initiated"], one["UploadId"]))
        return tuple(Unfinished(key=one["Key"].removeprefix(address.prefix), id=one["UploadId"]) for one in found)

    return store.request(address.place(prefix), ask)


def give_up(store: S3Store, upload: Unfinished) -> None:
    """Remove what ``upload`` brought. Does nothing when it is gone. Raises DestinationError."""

    def abort(client: S3Client) -> None:
        try:
            client.abort_multipart_upload(**store.where(upload.key), UploadId=upload.id)
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    store.request(store.address.place(upload.key), abort)
