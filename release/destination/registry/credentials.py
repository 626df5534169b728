"""Who we are to a registry: what ``docker login`` or ``podman login`` wrote down, or a credential helper knows."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import DestinationError
from .reference import Reference

_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_SECONDS = 60
# What a helper gives as the name of the user when the secret is a refresh token.
_TOKEN_USER = "<token>"  # noqa: S105 - a name, no secret
_NOT_FOUND = "credentials not found"
_AGAIN = "correct it, or log in again"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user and a password, or an ``identity_token``: an OAuth2 refresh token."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def find(reference: Reference, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return the credentials for ``reference``, None when there are none.

    Reads ``$REGISTRY_AUTH_FILE`` (podman, skopeo) when that is set, else ``config.json`` in
    ``$DOCKER_CONFIG`` or ``~/.docker`` (docker's "config.json", keys ``auths``, ``credHelpers``,
    ``credsStore``). Raises DestinationError for a broken file or helper.
    """
    path = _path(environment)
    try:
        document: Any = json.loads(path.read_bytes())
        helper = (document.get("credHelpers") or {}).get(reference.registry) or document.get("credsStore")
        entries = {_place(key): entry for key, entry in (document.get("auths") or {}).items()}
        found = [_from_entry(entries[place]) for place in _places(reference) if place in entries]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DestinationError(f"{path} cannot be read: {error.strerror}", "check the file") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise DestinationError(f"{path} is not a Docker configuration file", _AGAIN) from error
    asked = None if helper is None else _from_helper(str(helper), reference.registry, path)
    return asked or next((one for one in found if one is not None), None)


def _path(environment: Mapping[str, str]) -> Path:
    if environment.get("REGISTRY_AUTH_FILE"):
        return Path(environment["REGISTRY_AUTH_FILE"])
    folder = environment.get("DOCKER_CONFIG")
    return Path(folder) / "config.json" if folder else Path("~/.docker/config.json").expanduser()


def _place(key: str) -> str:
    """Drop what old versions of docker wrote around the host: ``https://host/v1/``."""
    return re.sub(r"^https?://|/v[12]/?$|/$", "", key)


def _places(reference: Reference) -> Iterator[str]:
    """Podman keeps credentials by prefix too: the longest one counts."""
    place = reference.repository("")
    place = f"{reference.registry}/{place}".rstrip("/")
    while place:
        yield place
        place = place.rpartition("/")[0]


def _from_entry(entry: Any) -> Credentials | None:  # noqa: ANN401 - JSON
    """Raises ValueError, TypeError or AttributeError for what is no entry of ``auths``."""
    if entry.get("identitytoken"):
        return Credentials(identity_token=str(entry["identitytoken"]))
    if entry.get("auth"):
        text = base64.b64decode(entry["auth"], validate=True).decode().rstrip("\0")
        user, colon, password = text.partition(":")
        if not colon:
            raise ValueError("no password")
        return Credentials(user=user, password=password)
    if entry.get("username"):
        return Credentials(user=str(entry["username"]), password=str(entry.get("password", "")))
    return None


def _from_helper(name: str, registry: str, path: Path) -> Credentials | None:
    """Ask ``docker-credential-<name>`` (docker-credential-helpers, "get"): the host in, JSON out."""
    if _HELPER_NAME.fullmatch(name) is None:
        raise DestinationError(f"{path} names the credential helper {name!r}, which is no program's name", _AGAIN)
    program = f"docker-credential-{name}"
    try:
        answer = subprocess.run(
            [program, "get"], input=registry, capture_output=True, text=True, timeout=_HELPER_SECONDS, check=False
        )
    except OSError as error:
        raise DestinationError(
            f"{program}, which {path} names, cannot be run: {error.strerror}", "install it or correct the file"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise DestinationError(
            f"{program} said nothing in {_HELPER_SECONDS} seconds", "see whether it waits for you"
        ) from error
    if answer.returncode != 0:
        said = (answer.stdout.strip() or answer.stderr.strip())[:200]
        if _NOT_FOUND in said:
            return None
        raise DestinationError(f"{program} failed for {registry}: {said or answer.returncode}", "log in again")
    try:
        document = json.loads(answer.stdout)
        user, secret = str(document["Username"]), str(document["Secret"])
    except (KeyError, TypeError, ValueError) as error:
        raise DestinationError(f"{program} did not answer with credentials for {registry}", "log in again") from error
    return Credentials(identity_token=secret) if user == _TOKEN_USER else Credentials(user=user, password=secret)
