"""Reads a file of variables as systemd does for ``EnvironmentFile=`` (systemd.exec(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLANK = " \t"
_NEWLINE = "\n\r"
_ESCAPABLE = '"\\`$'


@dataclass(frozen=True, kw_only=True)
class Variables:
    """``values`` by name; ``faults`` are lines that systemd passes over, or reads otherwise than was meant."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def parse(text: str) -> Variables:
    """Return what ``text`` sets; the last of several values of a name counts. Faults quote nothing of a line."""
    reader = _Reader()
    for character in text:
        reader.take(character)
        reader.line += character == "\n"
    reader.close()
    return Variables(values=reader.values, faults=tuple(reader.faults))


class _State(Enum):
    BEFORE_NAME = auto()
    COMMENT = auto()
    NAME = auto()
    BEFORE_VALUE = auto()
    PLAIN = auto()
    SINGLE = auto()
    DOUBLE = auto()


@dataclass
class _Reader:
    """Goes over the text once. ``name`` and ``value`` are what there is of an assignment so far."""

    values: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    state: _State = _State.BEFORE_NAME
    line: int = 1
    started: int = 1
    quoted: int = 1
    name: str = ""
    value: str = ""
    kept: int = 0  # blanks at the end of a value count up to here
    escaped: bool = False

    def take(self, character: str) -> None:
        """Take one more character."""
        match self.state:
            case _State.BEFORE_NAME:
                self._before_name(character)
            case _State.COMMENT:
                if character in _NEWLINE:
                    self.state = _State.BEFORE_NAME
            case _State.NAME:
                self._in_name(character)
            case _State.SINGLE:
                self._in_single_quotes(character)
            case _State.DOUBLE:
                self._in_double_quotes(character)
            case _State.BEFORE_VALUE | _State.PLAIN:
                self._in_value(character)

    def close(self) -> None:
        """Take the end of the text."""
        if self.state in (_State.SINGLE, _State.DOUBLE):
            self.faults.append(f"the quote that opens in line {self.quoted} is never closed")
        if self.state is _State.NAME:
            self._not_assigned()
        elif self.state not in (_State.BEFORE_NAME, _State.COMMENT):
            self._assign()

    def _before_name(self, character: str) -> None:
        if character in "#;":
            self.state = _State.COMMENT
        elif character not in _BLANK + _NEWLINE:
            self.state, self.started, self.name, self.value, self.kept = _State.NAME, self.line, character, "", 0

    def _in_name(self, character: str) -> None:
        if character in _NEWLINE:
            self._not_assigned()
        elif character == "=":
            self.state = _State.BEFORE_VALUE
        else:
            self.name += character

    def _in_value(self, character: str) -> None:
        if self.escaped:
            self.escaped = False
            self._keep("" if character in _NEWLINE else character)  # a line goes on in the next one
        elif character in _NEWLINE:
            self._assign()
        elif character == "\\":
            self.escaped, self.state = True, _State.PLAIN
            self._keep("")
        elif self.state is _State.BEFORE_VALUE and character in "'\"":
            self.state, self.quoted = _State.SINGLE if character == "'" else _State.DOUBLE, self.line
        elif self.state is _State.PLAIN or character not in _BLANK:
            self.state = _State.PLAIN
            self.value += character

    def _in_single_quotes(self, character: str) -> None:
        if character == "'":
            self.state = _State.BEFORE_VALUE
        else:
            self._keep(character)

    def _in_double_quotes(self, character: str) -> None:
        if self.escaped:
            self.escaped = False
            self._keep("" if character == "\n" else character if character in _ESCAPABLE else f"\\{character}")
        elif character == '"':
            self.state = _State.BEFORE_VALUE
        elif character == "\\":
            self.escaped = True
        else:
            self._keep(character)

    def _keep(self, text: str) -> None:
        self.value += text
        self.kept = len(self.value)

    def _assign(self) -> None:
        self.state = _State.BEFORE_NAME
        name = self.name.rstrip(_BLANK)
        if _NAME.fullmatch(name) is not None:
            self.values[name] = self.value[: max(self.kept, len(self.value.rstrip(_BLANK)))]
        elif name.startswith("export "):
            self.faults.append(f"line {self.started} starts with export, which is the shell's: leave that word out")
        else:
            self.faults.append(f"line {self.started} has no name of a variable before its =")

    def _not_assigned(self) -> None:
        self.state = _State.BEFORE_NAME
        self.faults.append(f"line {self.started} is no NAME=value")
