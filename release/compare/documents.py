"""Where two JSON documents differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator

_LONGEST = 80


def document_differences(one: object, other: object, *, but: Collection[str] = (), at: str = "") -> Iterator[str]:
    """Yield a phrase for each value that differs, by its path (``config.Env[0]``).

    Values of keys in ``but`` are passed over.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            place = f"{at}.{key}" if at else str(key)
            if key in but:
                continue
            if key not in one or key not in other:
                yield f"{place} is in the {'first' if key in one else 'second'} only"
            else:
                yield from document_differences(one[key], other[key], but=but, at=place)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from document_differences(left, right, but=but, at=f"{at}[{number}]")
    elif one != other:
        yield f"{at} {_shown(one)} and {_shown(other)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
