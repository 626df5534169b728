"""Releases in an S3 bucket, of AWS or of any server with conditional writes."""

from __future__ import annotations

from .destination import S3Destination
from .settings import Settings

__all__ = ["S3Destination", "Settings"]
