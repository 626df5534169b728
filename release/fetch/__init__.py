"""Fetching: which release is meant, which of its files, and how each gets here, checked and resumable."""

from __future__ import annotations

from .download import Downloads, Item
from .find import Found, find
from .folder import Fetched, fetch
from .selection import Selected, Selection, select

__all__ = ["Downloads", "Fetched", "Found", "Item", "Selected", "Selection", "fetch", "find", "select"]
