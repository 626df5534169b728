"""Addresses of git repositories, in the forms that git itself takes (git-clone(1), GIT URLS)."""

from __future__ import annotations

import re


def is_url(text: str) -> bool:
    """Tell whether ``text`` names a repository to clone rather than a folder."""
    return "://" in text or re.match(r"[\w.-]+@[\w.-]+:", text) is not None


def without_secrets(url: str) -> str:
    """Return ``url`` without a user name or password in it."""
    return re.sub(r"(?<=://)[^/]*@", "", url)
