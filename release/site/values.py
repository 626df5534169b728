"""What a single value of the settings has to be. Each check says what is wrong with one, None when nothing is."""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePosixPath
from typing import Any

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253  # RFC 1035, 2.3.4, without the length bytes
_LONGEST_SHOWN = 60


def host(value: Any) -> str | None:  # noqa: ANN401 - whatever TOML has
    """A public host name (RFC 1123, 2.1), such as ``console.example.com``."""
    if not isinstance(value, str):
        return _not_text(value, "a host name")
    if not value.isascii():
        return f"{shown(value)} has letters that DNS has not: write the name as DNS has it, with xn--"
    if value != value.lower():
        return f"{shown(value)} has capital letters: write it in lower case"
    problem = _name_fault(value)
    if problem is None and "." not in value:
        problem = "has no dot: give the whole name, such as console.example.com"
    return problem and f"{shown(value)} {problem}"


def hosts(value: Any) -> str | None:  # noqa: ANN401
    """A list of host names, of which some may stand for all below: ``*.vaults.example.com``."""
    if not isinstance(value, list):
        return f'{shown(value)} is no list: write it as ["login.customer.example"]'
    faults = (host(name.removeprefix("*.") if isinstance(name, str) else name) for name in value)
    return next((fault for fault in faults if fault is not None), None)


def address(value: Any) -> str | None:  # noqa: ANN401
    """``host:port``; the host is a name, an IPv4 address, or an IPv6 address in brackets."""
    if not isinstance(value, str):
        return _not_text(value, "host:port")
    name, _, number = value.rpartition(":")
    if not name or not re.fullmatch(r"[0-9]{1,5}", number) or port(int(number)) is not None:
        return f"{shown(value)} is not host:port with a port from 1 to 65535, such as 127.0.0.1:3001"
    if not _is_ip(name) and _name_fault(name) is not None:
        return f"{shown(value)} names neither a host in lower case nor an IP address before the port"
    return None


def addresses(value: Any) -> str | None:  # noqa: ANN401
    """A list of IP addresses, IPv6 in brackets: ``["0.0.0.0", "[::]"]``; each once."""
    if not isinstance(value, list) or not value:
        return f'{shown(value)} is no list of addresses: write it as ["0.0.0.0", "[::]"]'
    wrong = [one for one in value if not isinstance(one, str) or not _is_ip(one) or value.count(one) > 1]
    return f"{shown(wrong[0])} is no IP address (IPv6 in brackets), or there twice" if wrong else None


def port(value: Any) -> str | None:  # noqa: ANN401
    """A TCP port."""
    return None if _is_number(value) and 1 <= value <= 65535 else f"{shown(value)} is no port from 1 to 65535"


def port_or_none(value: Any) -> str | None:  # noqa: ANN401
    """A TCP port, or 0 for none."""
    if _is_number(value) and 0 <= value <= 65535:
        return None
    return f"{shown(value)} is neither a port from 1 to 65535 nor 0, for none"


def path(value: Any) -> str | None:  # noqa: ANN401
    """A path."""
    if not isinstance(value, str):
        return _not_text(value, "a path")
    return None if value and value.isprintable() else f"{shown(value)} is no path: write one line of text"


def absolute_path(value: Any) -> str | None:  # noqa: ANN401
    """A path that starts at ``/``."""
    problem = path(value)
    if problem is None and not PurePosixPath(value).is_absolute():
        problem = f"{shown(value)} is not absolute: let it start with /"
    return problem


def shown(value: object) -> str:
    """Return ``value`` as a message shows it: on one line, and not all of it when it is long."""
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _is_ip(text: str) -> bool:
    bracketed = re.fullmatch(r"\[([0-9a-f:.]+)\]", text)
    try:
        ipaddress.IPv6Address(bracketed[1]) if bracketed else ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _name_fault(name: str) -> str | None:
    labels = name.split(".")
    wrong = [label for label in labels if _LABEL.fullmatch(label) is None]
    if wrong:
        return f"is no host name, because of {shown(wrong[0])} in it: it takes letters, digits and inner hyphens"
    if len(name) > _LONGEST_NAME:
        return f"is longer than the {_LONGEST_NAME} characters of a host name"
    return "is no host name: its last part is a number" if labels[-1].isdigit() else None


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _not_text(value: object, what: str) -> str:
    return f'{shown(value)} is no text: give {what} in "quotes"'
