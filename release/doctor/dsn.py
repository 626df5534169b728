"""What ``API_DB_DSN`` says, for libpq: the api's own driver knows keys that libpq refuses, and reads some otherwise."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from .attempt import Trouble

_SCHEMES = ("postgres", "postgresql")
_HOST = r"(\[[0-9A-Fa-f:.%]+\]|[\w.%-]*)(:[0-9]*)?"
_HOSTS = re.compile(f"{_HOST}(,{_HOST})*", re.ASCII)


def parameters(dsn: str) -> dict[str, str]:
    """Return the parameters of a connection. Raises Trouble, which quotes nothing, for what is no DSN."""
    keywords = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    text = _without_foreign_keys(dsn, keywords) if "://" in dsn else dsn
    try:
        found = conninfo_to_dict(text)
    except (psycopg.Error, UnicodeError):
        # The text of the error quotes the DSN, password and all.
        raise Trouble("API_DB_DSN is no postgres:// URL, nor key=value pairs") from None
    return {key: str(value) for key, value in found.items() if value is not None}


def is_local(found: Mapping[str, str]) -> bool:
    """Tell whether a connection stays on this machine: a socket, or a loopback address."""
    hosts = (found.get("hostaddr") or found.get("host", "")).split(",")
    return all(not host or host.startswith(("/", "@")) or host == "localhost" or _is_loopback(host) for host in hosts)


def _without_foreign_keys(dsn: str, keywords: set[str]) -> str:
    """Drop what only pgx knows, such as pool_max_conns, and settings of the session, which libpq takes otherwise."""
    try:
        parts = urlsplit(dsn)
    except ValueError:
        raise Trouble("API_DB_DSN is no postgres:// URL") from None
    login, _, hosts = parts.netloc.rpartition("@")
    # What is too much is of a password that is not encoded: its end would be taken for a host, and shown.
    if parts.scheme not in _SCHEMES or _HOSTS.fullmatch(hosts) is None or "@" in login + parts.path or parts.fragment:
        raise Trouble("API_DB_DSN is no postgres:// URL (special characters of a password are written with %)")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    settings = " ".join(f"-c {key}={_escaped(value)}" for key, value in pairs if key == "search_path")
    known = [(key, value) for key, value in pairs if key in keywords]
    if settings and "options" not in dict(known):
        known.append(("options", settings))
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(known, quote_via=quote)}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
