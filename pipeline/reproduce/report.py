"""The result of a rehearsal: a table for people, JSON for programs, an exit status for both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import ClassVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from release.compare import Difference
from release.errors import NotReproducibleError, ReleaseError

from .canaries import Canary

_SHOWN = 20


class NotVariedError(ReleaseError):
    """What was to be varied was not, so that nothing is known about it."""

    exit_status: ClassVar[int] = 13


class Result(StrEnum):
    """What became of one variation."""

    SAME = "the same"
    DIFFERS = "DIFFERS"
    UNDECIDED = "undecided"
    NO_EFFECT = "TOOK NO EFFECT"
    NOT_VARIED = "not varied"


STYLES = {Result.SAME: "green", Result.DIFFERS: "bold red", Result.UNDECIDED: "yellow", Result.NO_EFFECT: "bold red"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One variation: the facts that prove it, in the first world and in the varied one.

    ``why`` tells what kept it from being varied; ``wanted``, whether somebody asked for it by name.
    """

    variation: str
    result: Result
    first: str = ""
    varied: str = ""
    why: str = ""
    wanted: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """What differs in the release of one world; ``deeper`` is what diffoscope says of it, where it is installed."""

    world: str
    differences: tuple[Difference, ...]
    deeper: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole result for one ``version``; ``seconds`` is what it took."""

    version: str
    commit: str
    selection: str
    seconds: float
    rows: tuple[Row, ...]
    found: tuple[Found, ...]
    canaries: tuple[Canary, ...]

    def as_json(self) -> str:
        """All of it, as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    def check(self) -> None:
        """Raise :class:`NotReproducibleError` or :class:`NotVariedError` unless all is as it should be."""
        if self.found:
            first = self.found[0]
            raise NotReproducibleError(
                f"{self.version} is not reproducible: {first.differences[0].artifact} differs in the world "
                f"{first.world!r}",
                "the table says how; --keep DIR keeps both builds",
            )
        missed = [canary.kind for canary in self.canaries if not canary.caught]
        if missed:
            raise NotReproducibleError(f"the comparison missed a canary: {', '.join(missed)}", "mend release/compare")
        failed = [row.variation for row in self.rows if row.result is Result.NO_EFFECT]
        failed += [row.variation for row in self.rows if row.wanted and row.result is Result.NOT_VARIED]
        if failed:
            raise NotVariedError(f"could not vary: {', '.join(failed)}", "the table says why")


def show(report: Report, console: Console) -> None:
    """Print ``report``: a table on a terminal, plain lines elsewhere."""

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, emoji=False, soft_wrap=True)

    title = f"{report.version} of {report.commit[:12]}: {report.selection}"
    if console.is_terminal:
        console.print(_table(report, title))
    else:
        say(title)
        say(_aligned([("VARIATION", "FIRST", "VARIED", "RESULT"), *_cells(report)]))
        if report.canaries:
            say(_aligned([("CANARY", "LET INTO", "RESULT"), *_canaries(report)]))
    for found in report.found:
        say(f"differences in the world {found.world!r}")
        for difference in found.differences[:_SHOWN]:
            say(f"  {difference}")
        if len(found.differences) > _SHOWN:
            say(f"  and {len(found.differences) - _SHOWN} more: --report FILE.json has them all")
        if found.deeper:
            say(found.deeper)
    say(_summary(report))


def _summary(report: Report) -> str:
    same = sum(row.result is Result.SAME for row in report.rows)
    caught = sum(canary.caught for canary in report.canaries)
    return (
        f"{same} of {len(report.rows)} variations made the same bytes, "
        f"{caught} of {len(report.canaries)} canaries were caught, in {report.seconds / 60:.1f} minutes"
    )


def _cells(report: Report) -> list[tuple[str, str, str, str]]:
    return [
        (row.variation, row.first, row.varied, f"{row.result}: {row.why}" if row.why else str(row.result))
        for row in report.rows
    ]


def _canaries(report: Report) -> list[tuple[str, str, str]]:
    return [(one.kind, one.member, f"{'caught' if one.caught else 'MISSED'}: {one.how}") for one in report.canaries]


def _table(report: Report, title: str) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left")
    for name in ("variation", "first", "varied", "result"):
        table.add_column(name)
    for row, cells in zip(report.rows, _cells(report), strict=True):
        table.add_row(*map(Text, cells[:3]), Text(cells[3], style=STYLES.get(row.result, "dim")))
    if report.canaries:
        table.add_section()
    for canary, (kind, member, result) in zip(report.canaries, _canaries(report), strict=True):
        style = "green" if canary.caught else "bold red"
        table.add_row(Text(f"canary: {kind}"), Text(member), "", Text(result, style=style))
    return table


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
