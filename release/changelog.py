"""CHANGELOG.md in the form of Keep a Changelog 1.1.0: read a version's notes, cut a new version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from .errors import VersionError
from .version import Part, Version, bump, from_tag

_HEADING = re.compile(r"(#{1,2})\s+\[?(?P<name>[^\]\s]+)\]?(\s+-\s+\S+)?(\s+\[YANKED\])?\s*")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<info>.*)")
_DEFINITION = re.compile(r" {0,3}\[[^\]]+\]:\s*\S.*")
_COMPARISON = re.compile(
    r"(?P<label>\[unreleased\]:\s*)(?P<base>\S+/compare/)(?P<old>\S+?)\.\.\.(?P<head>\S+)\s*", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class _Section:
    """A level-2 section: line ``start`` holds the heading, ``stop`` is past its last line."""

    name: str
    start: int
    stop: int

    @property
    def version(self) -> Version | None:
        return from_tag(self.name, prefix="")

    @property
    def is_unreleased(self) -> bool:
        return self.name.lower() == "unreleased"


def notes(text: str, version: Version) -> str | None:
    """Return the body of the section of ``version``, stripped; None when there is no section or no text."""
    lines = text.split("\n")
    for section in _sections(lines):
        if section.version == version:
            return _body(lines, section) or None
    return None


def released(text: str) -> list[Version]:
    """Return the versions that have a section, in the order of the file."""
    return [section.version for section in _sections(text.split("\n")) if section.version is not None]


def cut(text: str, parts: Part | Sequence[Part], today: date) -> tuple[str, Version]:
    """Turn the Unreleased section into the next version's; return the new text and that version.

    The next version follows from the newest one in the file (0.0.0 when there is none) and ``parts``,
    see :func:`release.version.bump`. An empty Unreleased section stays above, and the comparison
    links at the bottom are kept right. Raises VersionError when there is nothing to release.
    """
    lines = text.split("\n")
    section = next((section for section in _sections(lines) if section.is_unreleased), None)
    if section is None:
        raise VersionError("the changelog has no Unreleased section", "add '## [Unreleased]' with what changed")
    body = _body(lines, section)
    if all(line.startswith("#") or not line.strip() for line in body.split("\n")):
        raise VersionError("the Unreleased section of the changelog is empty", "write down what changed")
    version = bump(max(released(text), default=Version(0)), parts)
    heading = ["## [Unreleased]", "", f"## [{version}] - {today.isoformat()}"]
    below = [new for line in lines[section.start + 1 :] for new in _compared(line, version)]
    return "\n".join([*lines[: section.start], *heading, *below]), version


def _sections(lines: Sequence[str]) -> Iterator[_Section]:
    headings = [*_headings(lines), ("", "", _end(lines))]
    for (level, name, start), (_, _, stop) in pairwise(headings):
        if level == "##":
            yield _Section(name=name, start=start, stop=stop)


def _headings(lines: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Yield marker, name and line of each heading of level 1 or 2 that is outside a code fence."""
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.fullmatch(line)
        if fence:
            if mark and mark["mark"].startswith(fence) and not mark["info"].strip():
                fence = ""
        elif mark and "`" not in mark["info"]:
            fence = mark["mark"]
        elif line.startswith(("# ", "## ")):
            heading = _HEADING.fullmatch(line)
            level, _, title = line.partition(" ")
            yield level, heading["name"] if heading else title.strip(), number


def _end(lines: Sequence[str]) -> int:
    """Return the line where the link definitions at the end of the file begin."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or _DEFINITION.fullmatch(lines[end - 1])):
        end -= 1
    return end


def _body(lines: Sequence[str], section: _Section) -> str:
    return "\n".join(lines[section.start + 1 : section.stop]).strip()


def _compared(line: str, version: Version) -> list[str]:
    """Replace the comparison link of Unreleased by its new one and that of ``version``."""
    link = _COMPARISON.fullmatch(line)
    if link is None:
        return [line]
    prefix = "" if from_tag(link["old"], prefix="") else "v"
    tag = f"{prefix}{version}"
    return [
        f"{link['label']}{link['base']}{tag}...{link['head']}",
        f"[{version}]: {link['base']}{link['old']}...{tag}",
    ]
