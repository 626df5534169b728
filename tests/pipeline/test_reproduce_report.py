"""The result of a rehearsal: what a person sees, what a program reads, and the exit status."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from pipeline.reproduce.canaries import Canary
from pipeline.reproduce.report import Found, NotVariedError, Report, Result, Row, show
from release.compare import Difference
from release.errors import NotReproducibleError, ReleaseError

SAME = Row(variation="umask", result=Result.SAME, first="022", varied="077")
NOT_VARIED = Row(variation="clock", result=Result.NOT_VARIED, why="only with --set-clock")
NO_EFFECT = Row(variation="cores", result=Result.NO_EFFECT, first="2, 2", varied="1, 2")
CAUGHT = Canary(kind="image", artifact="images/api", member="api", caught=True, how="size 1 and 2")
MISSED = Canary(kind="image", artifact="images/api", member="api", caught=False, how="no difference was seen")
FOUND = Found(
    world="all at once",
    differences=(Difference(artifact="api.tar.gz", member="[api]", how="from byte 1 on: 'a' and 'b'"),),
    deeper="what diffoscope says",
)


def report(*rows: Row, found: tuple[Found, ...] = (), canaries: tuple[Canary, ...] = (CAUGHT,)) -> Report:
    return Report(
        version="1.0.0",
        commit="0123456789abcdef",
        selection="api for linux/amd64",
        seconds=90,
        rows=rows,
        found=found,
        canaries=canaries,
    )


def printed(one: Report, *, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=150, color_system=None)
    show(one, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_plain_lines() -> None:
    assert printed(report(SAME, NOT_VARIED)).splitlines() == [
        "1.0.0 of 0123456789ab: api for linux/amd64",
        "VARIATION  FIRST  VARIED  RESULT",
        "umask      022    077     the same",
        "clock                     not varied: only with --set-clock",
        "CANARY  LET INTO  RESULT",
        "image   api       caught: size 1 and 2",
        "1 of 2 variations made the same bytes, 1 of 1 canaries were caught, in 1.5 minutes",
    ]


def test_a_table_on_a_terminal() -> None:
    text = printed(report(SAME, NO_EFFECT), terminal=True)
    assert "TOOK NO EFFECT" in text
    assert "canary: image" in text
    assert "┃ variation" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_differences_are_told(terminal: bool) -> None:
    text = printed(report(SAME, found=(FOUND,)), terminal=terminal)
    assert "differences in the world 'all at once'" in text
    assert "api.tar.gz: [api]: from byte 1 on: 'a' and 'b'" in text
    assert "what diffoscope says" in text


def test_json() -> None:
    document = json.loads(report(SAME, NO_EFFECT, found=(FOUND,)).as_json())
    assert [row["result"] for row in document["rows"]] == ["the same", "TOOK NO EFFECT"]
    assert document["found"][0]["differences"][0]["member"] == "[api]"
    assert document["canaries"][0]["caught"] is True


@pytest.mark.parametrize(
    ("one", "error", "status", "sentence"),
    [
        (
            report(NO_EFFECT, found=(FOUND,)),
            NotReproducibleError,
            12,
            "1.0.0 is not reproducible: api.tar.gz differs in the world 'all at once'",
        ),
        (report(SAME, canaries=(MISSED,)), NotReproducibleError, 12, "the comparison missed a canary: image"),
        (report(SAME, NO_EFFECT), NotVariedError, 13, "could not vary: cores"),
        (
            report(Row(variation="clock", result=Result.NOT_VARIED, why="x", wanted=True)),
            NotVariedError,
            13,
            "could not vary: clock",
        ),
    ],
)
def test_statuses(one: Report, error: type[ReleaseError], status: int, sentence: str) -> None:
    with pytest.raises(error) as caught:
        one.check()
    assert caught.value.problem == sentence
    assert caught.value.exit_status == status


def test_all_is_well() -> None:
    report(replace(SAME, wanted=True), NOT_VARIED).check()
