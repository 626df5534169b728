"""Requests to a bucket: where they go, and how often they are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ...transfer import Retrier
from .address import Address
from .client import LazyClient
from .failures import told
from .settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

T = TypeVar("T")


class Bucket:
    """The bucket and prefix of ``address``; usable from several threads."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self.address = address
        self.settings = settings
        self.retry = Retrier(settings.retries)
        self._client = LazyClient(address.text, settings)

    @property
    def name(self) -> str:
        """The text that opened it."""
        return self.address.text

    def request(self, place: str, work: Callable[[S3Client], T]) -> T:
        """Return what ``work`` returns; it is repeated while that may help, so it must be safe to repeat.

        ``place`` is what an error is about. Raises DestinationError.
        """
        return self.retry(lambda: self.once(place, work))

    def once(self, place: str, work: Callable[[S3Client], T]) -> T:
        """Return what ``work`` returns. Raises TransientError for what may be repeated, and DestinationError."""
        with told(place):
            return work(self._client.get())

    def where(self, key: str) -> dict[str, Any]:
        """Return what names the file ``key`` in a request."""
        return {"Bucket": self.address.bucket, "Key": self.address.key(key)}
