"""Where trusted keys come from: files that ``--key`` names, and the config.

::

    [[trusted-keys]]
    key = "ecdsa-sha2-nistp256 AAAA… "
    name = "release key 2026"
    revoked = "lost with a laptop in May"    # optional: refuse it, and say why
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import UsageError
from . import keyfile
from .trust import TrustedKey, TrustedKeys

NAME = "trusted-keys"
_FIELDS = {"key", "name", "revoked"}


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the place of the config by the XDG Base Directory Specification; it may not exist.

    Raises UsageError when the environment names no home.
    """
    base = environment.get("XDG_CONFIG_HOME", "")
    # "All paths set in these environment variables must be absolute": others are ignored.
    try:
        folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    except RuntimeError as error:
        raise UsageError("there is no home to look for the config in", "set XDG_CONFIG_HOME") from error
    return folder / "tesseral-release" / "config.toml"


def trusted_keys(files: Iterable[Path] = (), *, config: Path | None = None) -> TrustedKeys:
    """Return the keys in ``files``; without files those of the config.

    What the config revokes is revoked in both cases. Raises UsageError for a file that cannot be read and
    VerificationError for one that holds something else than keys.
    """
    configured = read_config(config or config_path())
    named = TrustedKeys(tuple(key for path in files for key in keyfile.parse(_read(path), str(path))))
    return named | configured.revoked if named.keys else configured


def read_config(path: Path) -> TrustedKeys:
    """Return the trusted keys of the config at ``path``; none when it is not there.

    Raises UsageError for a config that cannot be read and VerificationError for what is no key.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return TrustedKeys()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "check the file") from error
    try:
        # A recursion without end is the only other thing that tomllib answers a text with.
        entries = tomllib.loads(data.decode()).get(NAME, [])
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}", "correct it") from error
    if not isinstance(entries, list):
        raise _malformed(path, NAME)
    return TrustedKeys(tuple(_entry(path, entry, number) for number, entry in enumerate(entries, start=1)))


def _entry(path: Path, entry: object, number: int) -> TrustedKey:
    place = f"{path}, {NAME} {number},"
    # A misspelt `revoked` must not leave a key trusted.
    if not isinstance(entry, dict) or not entry.keys() <= _FIELDS or "key" not in entry:
        raise _malformed(path, f"{NAME} {number}")
    if not all(isinstance(value, str) and value.isprintable() and value for value in entry.values()):
        raise _malformed(path, f"{NAME} {number}")
    known = keyfile.parse_line(entry["key"], place)
    return replace(known, name=entry.get("name", known.name), revoked=entry.get("revoked"))


def _malformed(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{path}: {what} is not of the form [[{NAME}]] with key, name and revoked", "write each as one line of text"
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(keyfile.LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name a file of public keys with --key") from error
