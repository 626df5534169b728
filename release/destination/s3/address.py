"""The text ``s3://bucket/prefix``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import UsageError

_FORM = re.compile(r"(?i:s3)://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[A-Za-z0-9._~+=-]+)*)/?")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A bucket, and what all keys in it begin with: empty, or with a ``/`` at its end."""

    text: str
    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """Return the key of the file ``name``."""
        return self.prefix + name

    def place(self, name: str) -> str:
        """Return what a person calls the file ``name``."""
        return f"s3://{self.bucket}/{self.key(name)}"


def parse(text: str) -> Address:
    """Read ``s3://bucket`` or ``s3://bucket/prefix``. Raises UsageError."""
    # Not repeated to the screen: what stands there may be a password.
    if "@" in text:
        raise UsageError("the s3:// destination has an @ in it", "leave credentials to the usual AWS settings")
    found = _FORM.fullmatch(text)
    if found is None or any(segment in (".", "..") for segment in found["prefix"].split("/")):
        raise UsageError(f"{text!r} names no place in S3", "write s3://bucket or s3://bucket/prefix")
    prefix = found["prefix"].removeprefix("/")
    return Address(text=text, bucket=found["bucket"], prefix=f"{prefix}/" if prefix else "")
