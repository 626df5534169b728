"""JSON with one form for one value, so that its digest means something."""

from __future__ import annotations

import json
from typing import Any


def dumps(value: object) -> bytes:
    """Write ``value``: sorted keys, no insignificant space, UTF-8 unescaped, a line feed at the end.

    Raises ValueError for what JSON or UTF-8 cannot hold.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def loads(data: bytes) -> Any:  # noqa: ANN401 - JSON is any value; the caller checks it
    """Read JSON whose numbers are integers. Raises ValueError, also for nesting without end."""
    try:
        return json.loads(data.decode(), parse_float=_refuse, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(number: str) -> None:
    raise ValueError(f"{number} is not an integer")
