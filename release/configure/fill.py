"""Put values where their placeholders are: the files of a bundle in, those to serve out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import VerificationError
from .sourcemap import Change, shifted
from .values import PLACEHOLDERS

_SCRIPTS = (".js", ".mjs", ".cjs")
_PAGE = ".html"
_MAP = ".map"

# ECMA-262, LineTerminatorSequence; source maps count lines so.
_LINE_END = re.compile("(\r\n|[\n\r\u2028\u2029])")
_ESCAPED = re.compile(r"[^A-Za-z0-9\-._~:/]")


def configured_files(
    files: Mapping[str, bytes], values: Mapping[str, str], placeholders: Mapping[str, str] = PLACEHOLDERS
) -> dict[str, bytes]:
    """Return ``files`` (path → content) with ``values`` (variable → value) where their placeholders are.

    Scripts get each value as :func:`escaped` writes it, and their source map (``x.js.map`` of ``x.js``)
    is kept right. A page gets it as it is. Source maps quote sources, and these stay as they were, as
    all other bytes do. Raises VerificationError for a placeholder that is nowhere, or where it is not
    known how a value is written, and for scripts and source maps that are damaged.
    """
    result = dict(files)
    fillings = {placeholder: values[variable] for variable, placeholder in placeholders.items()}
    found = set()
    for path, content in files.items():
        held = [placeholder for placeholder in fillings if placeholder.encode() in content]
        if not held or path.endswith(_MAP):
            continue
        found.update(held)
        _check_kind(path, [fillings[placeholder] for placeholder in held])
        result[path], changes = _filled(path, content, fillings)
        if (its_map := path + _MAP) in files:
            result[its_map] = shifted(files[its_map], changes, its_map)
    for variable, placeholder in placeholders.items():
        if placeholder not in found:
            raise VerificationError(
                f"nothing in it holds {placeholder}, which stands for {variable}",
                "name the console as it was released: one that is configured has no placeholders left",
            )
    return result


def escaped(value: str) -> str:
    """Write ``value`` such that it means itself in a JavaScript string between ``"``, ``'`` or backticks.

    That includes strings in a page. All but letters, digits and ``-._~:/`` becomes ``\\uXXXX`` for each
    UTF-16 code unit (ECMA-262, UnicodeEscapeSequence).
    """
    return _ESCAPED.sub(lambda match: re.sub("....", r"\\u\g<0>", _utf16(match[0]).hex()), value)


def _check_kind(path: str, values: list[str]) -> None:
    if path.endswith(_PAGE):
        # In a page it can be text, an attribute or a script, each with another way to escape.
        for value in values:
            if escaped(value) != value:
                raise VerificationError(
                    f"{path} holds a placeholder, and {value} has a character that may mean something else in a page",
                    "use a value of letters, digits and -._~:/",
                )
    elif not path.endswith(_SCRIPTS):
        raise VerificationError(
            f"{path} holds a placeholder, and is neither a script nor a page", "ask who publishes the bundle"
        )


def _filled(path: str, content: bytes, fillings: Mapping[str, str]) -> tuple[bytes, dict[int, list[Change]]]:
    """Return the content with the values in it, and what changed in which line."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise VerificationError(f"{path} is not UTF-8", "get the bundle again") from error
    # Longest first: one may begin like another.
    pattern = re.compile("|".join(map(re.escape, sorted(fillings, key=len, reverse=True))))
    written = {placeholder: escaped(value) for placeholder, value in fillings.items()}
    parts = _LINE_END.split(text)  # lines, and between them their ends
    changes = {}
    for number, line in enumerate(parts[::2]):
        matches = list(pattern.finditer(line))
        if matches:
            changes[number] = [
                Change(
                    start=_columns(line[: match.start()]),
                    end=_columns(line[: match.end()]),
                    length=_columns(written[match[0]]),
                )
                for match in matches
            ]
            parts[2 * number] = pattern.sub(lambda match: written[match[0]], line)
    return "".join(parts).encode(), changes


def _columns(text: str) -> int:
    return len(_utf16(text)) // 2


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")
