"""Checks an installation of Tesseral, before its api starts and after. Asks only; changes nothing anywhere."""

from . import report
from .attempt import Problem
from .examine import examine
from .finding import Finding, Status
from .pinned import Release, fetch_release, read_pin, read_release
from .resolve import Resolver, parse_override

__all__ = [
    "Finding",
    "Problem",
    "Release",
    "Resolver",
    "Status",
    "examine",
    "fetch_release",
    "parse_override",
    "read_pin",
    "read_release",
    "report",
]
