"""Ids of projects: ``project_`` and a UUID as 25 digits to the base 36, as the api writes it."""

from __future__ import annotations

import re
import uuid

_FORM = re.compile(r"project_([0-9a-z]{25})")


def to_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID in an id, None where there is none."""
    found = _FORM.fullmatch(text)
    number = -1 if found is None else int(found[1], 36)
    return uuid.UUID(int=number) if 0 <= number < 1 << 128 else None
