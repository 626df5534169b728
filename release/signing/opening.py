"""What the text after ``--sign-with`` means."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from . import private
from .signer import Signer


def open_signer(text: str) -> Signer:
    """Return the key that ``text`` names: a file, ``env:NAME`` (the key's text in a variable) or ``awskms:///…``.

    Asks for a passphrase where one is needed. Raises UsageError and SigningError.
    """
    if "PRIVATE KEY" in text:
        # Not repeated: errors are kept in logs.
        raise UsageError(
            "a key itself is not taken from the command line, where others see it", "name its file, or env:NAME"
        )
    if text.startswith("awskms:"):
        from .kms import open_key  # noqa: PLC0415 - boto3 takes a while, and files don't need it

        return open_key(text)
    if text.startswith("env:"):
        return private.from_environment(text.removeprefix("env:"))
    if not text or "\0" in text or "://" in text:
        raise UsageError(f"{text!r} names no key", "give a file, env:NAME or awskms:///alias/NAME")
    return private.read(Path(text))
