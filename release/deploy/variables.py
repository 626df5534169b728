"""The api's variables, sorted into those that may be seen and those that are secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..doctor.attempt import Trouble
from ..doctor.settings import read_environment
from ..doctor.variables import KNOWN, Need, is_public
from ..errors import UsageError
from ..site import Site

# It names a part of a file that a container has not.
_NOT_IN_A_CONTAINER = "AWS_PROFILE"
_SECRETS = tuple(name for name, one in KNOWN.items() if not one.public and one.need is not Need.NEVER)


@dataclass(frozen=True, kw_only=True)
class Variables:
    """``public`` by name; ``secret`` are names alone."""

    public: Mapping[str, str] = field(default_factory=dict)
    secret: tuple[str, ...] = _SECRETS


def read_variables(site: Site) -> Variables:
    """Read the file that the settings name, if they name one; values of secrets are dropped here.

    Raises UsageError when it cannot be read, or has a value of several lines.
    """
    path = site.api.environment
    if path is None:
        return Variables()
    values = _values(path)
    public = {name: value for name, value in values.items() if is_public(name) and name != _NOT_IN_A_CONTAINER}
    for name, value in public.items():
        if not value.isprintable() or value != value.strip():
            raise UsageError(f"{path}: {name} is more than one line of plain text", "correct it")
    secret = tuple(sorted(name for name in values if not is_public(name)))
    return Variables(public=public, secret=secret or _SECRETS)


def _values(path: Path) -> Mapping[str, str]:
    try:
        return read_environment(path).variables.values
    except Trouble as error:
        raise UsageError(str(error), "correct [api] environment, or leave it out") from error
