"""What a check found, as a line: its status, what was looked at, what was seen, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line. ``subject`` tells checks of one kind apart; a FAIL or a warning says in ``advice`` what to do."""

    check: str
    subject: str = ""
    status: Status
    found: str
    advice: str = ""

    @property
    def name(self) -> str:
        """What was checked, in words."""
        return f"{self.check} {self.subject}".rstrip()


@dataclass(frozen=True)
class Check:
    """What is looked at, which makes the findings about it."""

    check: str
    subject: str = ""

    def ok(self, found: str) -> Finding:
        """As it should be."""
        return Finding(check=self.check, subject=self.subject, status=Status.OK, found=found)

    def warn(self, found: str, advice: str) -> Finding:
        """It runs, and may not do what is wanted."""
        return Finding(check=self.check, subject=self.subject, status=Status.WARN, found=found, advice=advice)

    def fail(self, found: str, advice: str) -> Finding:
        """It does not work."""
        return Finding(check=self.check, subject=self.subject, status=Status.FAIL, found=found, advice=advice)

    def skipped(self, found: str) -> Finding:
        """Nobody looked; ``found`` says why, and what would make it possible."""
        return Finding(check=self.check, subject=self.subject, status=Status.SKIPPED, found=found)
