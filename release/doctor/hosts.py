"""The public hosts: their names in DNS, and that plain HTTP leads to HTTPS."""

from __future__ import annotations

from ..site import Site
from .attempt import Problem
from .finding import Check, Finding
from .resolve import Override
from .web import Answer

MADE_UP = "tesseral-doctor"
"""Stands for any name below a wildcard."""

_REDIRECTS = (301, 302, 307, 308)


def asked_name(host: str) -> str:
    """Return the name to ask for a host of the settings: itself, or one below a wildcard."""
    return f"{MADE_UP}{host[1:]}" if host.startswith("*.") else host


def judge_dns(host: str, addresses: tuple[str, ...] | Problem, override: Override | None) -> Finding:
    """Judge whether a name leads somewhere."""
    check = Check("dns", host)
    if override is not None:
        return check.skipped(f"--resolve says {override.address}")
    if isinstance(addresses, Problem):
        return check.fail(addresses.text, "add an A or AAAA record that leads to the proxy")
    return check.ok(", ".join(addresses))


def judge_redirect(host: str, name: str, site: Site, answer: Answer | Problem) -> Finding:
    """Judge whether plain HTTP leads to HTTPS; ``name`` of ``host`` was asked."""
    check = Check("redirect", host)
    advice = "let the proxy answer plain HTTP with 301 to https://"
    if isinstance(answer, Problem):
        return check.fail(answer.text, f"{advice}, or set [listen] http to 0")
    to = answer.headers.get("location", "")
    if answer.status in _REDIRECTS and to.startswith((f"https://{name}{site.listen.port}/", f"https://{name}/")):
        return check.ok(f"{answer.status} to {to}")
    return check.fail(f"http://{name} answers {answer.status}" + (f" to {to}" if to else ""), advice)
