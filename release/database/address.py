"""Where a database is: the text after ``--database``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import UsageError

VARIABLE = "DATABASE_URL"
"""The environment variable that is read when nothing is named."""

# golang-migrate's names for its drivers.
_SCHEMES = ("postgres", "postgresql", "pgx", "pgx4", "pgx5")
_FROM_VARIABLE = re.compile(r"env:(.*)", re.DOTALL)
_HOST = r"(\[[0-9A-Fa-f:.%]+\]|[\w.-]*)(:[0-9]*)?"
_HOSTS = re.compile(f"{_HOST}(,{_HOST})*", re.ASCII)
_PARAMETER = re.compile(r"[a-z_-]+")
_SEEN = "others can see the password on the command line: --database env:NAME hides it"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A database. ``url`` may hold a password and is for the driver only; ``name`` is for people."""

    url: str = field(repr=False)
    name: str
    warnings: tuple[str, ...] = ()


def address(text: str | None, environment: Mapping[str, str]) -> Address:
    """Return the database that ``text`` names: a URL, ``env:NAME``, or nothing for that in ``DATABASE_URL``.

    Raises UsageError, which never shows the URL.
    """
    variable = VARIABLE if text is None else _variable(text)
    if variable is None:
        return _parsed(text or "", "--database", warn=True)
    if not environment.get(variable):
        raise UsageError(
            f"the environment variable {variable} is not set",
            f"set {VARIABLE}, or name another with --database env:NAME",
        )
    return _parsed(environment[variable], variable, warn=False)


def _variable(text: str) -> str | None:
    match = _FROM_VARIABLE.fullmatch(text)
    return match[1] if match else None


def _parsed(url: str, place: str, *, warn: bool) -> Address:
    unreadable = UsageError(
        f"{place} holds no URL of a PostgreSQL database",
        "write postgres://USER:PASSWORD@HOST:PORT/NAME, special characters in the password percent-encoded",
    )
    try:
        parts = urlsplit(url)
    except ValueError:
        # From None: the message of the cause may hold a part of the password.
        raise unreadable from None
    login, _, hosts = parts.netloc.rpartition("@")
    database, query = parts.path.removeprefix("/"), dict(parse_qsl(parts.query, keep_blank_values=True))
    # What is too much here is of a password that isn't encoded: the end of one could be taken for a host, and shown.
    plain = (
        _HOSTS.fullmatch(hosts) is not None
        and not {"@", "/"} & {*login, *database}
        and not parts.fragment
        and all(map(_PARAMETER.fullmatch, query))
    )
    if parts.scheme not in _SCHEMES or not plain or not url.isprintable():
        raise unreadable
    table = next((name for name in query if name.startswith("x-migrations-table")), None)
    if table is not None:
        raise UsageError(f"{place} names another table of versions ({table})", "leave it out: it is schema_migrations")
    # Parameters for golang-migrate itself begin with x-, and the driver knows none of them.
    kept = "&".join(one for one in parts.query.split("&") if not one.startswith("x-"))
    return Address(
        url=f"postgresql://{parts.netloc}{parts.path}" + (f"?{kept}" if kept else ""),
        name=" at ".join(part for part in (unquote(database), query.get("host") or hosts) if part) or "the database",
        warnings=(_SEEN,) if warn and (":" in login or "password" in query) else (),
    )
