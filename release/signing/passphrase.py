"""The passphrase of a private key: from the environment or a person, never from the command line."""

from __future__ import annotations

import getpass
import os
import sys

from ..errors import SigningError

VARIABLE = "TESSERAL_RELEASE_KEY_PASSPHRASE"


def of_key(place: str) -> bytes:
    """Return the passphrase of the key in ``place``. Raises SigningError when nobody can be asked."""
    if VARIABLE in os.environ:
        return os.environ[VARIABLE].encode()
    return _ask(f"Passphrase of {place}: ", f"{place} is encrypted").encode()


def of_new_key() -> bytes:
    """Return the passphrase of a key to be made; empty for none. Raises SigningError when nobody can be asked."""
    if VARIABLE in os.environ:
        return os.environ[VARIABLE].encode()
    first = _ask("Passphrase of the new key (empty for none): ", "the new key may have a passphrase")
    if _ask("The same again: ", "") != first:
        raise SigningError("the two passphrases differ", "start again")
    return first.encode()


def _ask(prompt: str, problem: str) -> str:
    if not sys.stdin.isatty():
        raise SigningError(f"{problem}, and there is no terminal to ask for it", f"set {VARIABLE}")
    try:
        return getpass.getpass(prompt)
    except EOFError as error:
        raise SigningError("no passphrase was given", f"type it, or set {VARIABLE}") from error
