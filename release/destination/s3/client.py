"""The client: the usual AWS settings say where and who, this module how patiently."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from ...errors import DestinationError
from .failures import told
from .settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class LazyClient:
    """Makes the client when it is first needed, once for all threads."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._lock = threading.Lock()
        self._client: S3Client | None = None

    def get(self) -> S3Client:
        """Return the client. Raises DestinationError when the AWS settings are no good."""
        with self._lock:
            if self._client is None:
                try:
                    with told(self._name):
                        self._client = _connect(self._settings)
                except ValueError as error:
                    raise DestinationError(f"{self._name} cannot be used: {error}", "check AWS_ENDPOINT_URL") from error
            return self._client


def _connect(settings: Settings) -> S3Client:
    config = Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        max_pool_connections=settings.jobs,
        # Trying again is ours: with one budget, and with a look at what the failed request did.
        retries={"total_max_attempts": 1, "mode": "standard"},
        # Every body is sent with its SHA-256; a second checksum breaks servers that don't know it.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # A session of its own: the shared one of boto3 is not for several threads.
    return boto3.session.Session().client("s3", config=config)
