"""What doctor prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..commands.columns import aligned, plain
from .finding import Finding, Status


def render(findings: Sequence[Finding]) -> str:
    """Return a line for each finding, and one that counts them."""
    lines = [
        (str(one.status), plain(one.name), plain(f"{one.found}; {one.advice}" if one.advice else one.found))
        for one in findings
    ]
    return "\n".join([*aligned(lines), counted(findings)])


def counted(findings: Sequence[Finding]) -> str:
    """Return how many checks there were, and how they went."""
    counts = Counter(one.status for one in findings)
    return f"{len(findings)} checks: " + ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])


def document(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings for JSON."""
    return [
        {
            "check": one.check,
            "subject": one.subject,
            "status": one.status.lower(),
            "found": one.found,
            "advice": one.advice,
        }
        for one in findings
    ]
