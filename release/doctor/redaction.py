"""Keeps secrets out of whatever is printed, also out of what a library or a server says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from .finding import Finding
from .variables import is_public

# A shorter text is no secret that anything could keep: it occurs everywhere.
_SHORTEST = 4
_PASSWORD_IN_DSN = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))")


@dataclass(frozen=True)
class Redactor:
    """Puts the name of a variable where its value would be; ``secrets``: value → name, longest first."""

    secrets: Mapping[str, str]

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Redactor:
        """Take as secret the value of each variable that is not known to be public, and passwords inside of URLs."""
        found = {secret: name for name, value in values.items() for secret in _secrets(name, value)}
        ordered = sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)
        return cls({secret: found[secret] for secret in ordered})

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        for secret, name in self.secrets.items():
            text = text.replace(secret, f"<{name}>")
        return text

    def findings(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings without secrets."""
        return [
            replace(
                one,
                check=self.text(one.check),
                subject=self.text(one.subject),
                found=self.text(one.found),
                advice=self.text(one.advice),
            )
            for one in findings
        ]


def _secrets(name: str, value: str) -> set[str]:
    secrets = set() if is_public(name) else {value, *value.splitlines()}
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        password = ""
    in_dsn = _PASSWORD_IN_DSN.search(value)
    for part in (password, *(in_dsn.groups("") if in_dsn else ())):
        secrets |= {part, unquote(part), quote(unquote(part), safe="")}
    return secrets
