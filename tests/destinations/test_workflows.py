"""The workflows are valid, run only what is pinned, and put nothing that somebody typed into a script."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from programs import go_program
from support import REPOSITORY

ACTIONLINT = "v1.7.12"
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))


def complaints(workflow: str) -> str:
    """What actionlint says, whatever other linters are on this machine."""
    program = go_program("actionlint", ACTIONLINT, f"github.com/rhysd/actionlint/cmd/actionlint@{ACTIONLINT}")
    command = [str(program), "-shellcheck=", "-pyflakes=", "-no-color", "-"]
    done = subprocess.run(command, input=workflow, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.stdout


def unpinned(workflow: str) -> list[str]:
    """Actions named by something that can move."""
    return [name for name in re.findall(r"uses: *(.*)", workflow) if not re.search(r"@[0-9a-f]{40} # v\d", name)]


def interpolated(workflow: str) -> list[str]:
    """Lines with an expression that are not the value of a setting, or are the value of `run`."""
    setting = re.compile(r" *(- )?(?!run\b)[\w-]+: ")
    return [line for line in workflow.splitlines() if "${{" in line and not setting.match(line)]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> str:
    path: Path = request.param
    return path.read_text()


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["pull-request.yml", "release.yml"]


def test_is_valid(workflow: str) -> None:
    assert complaints(workflow) == ""


def test_is_pinned_and_modest(workflow: str) -> None:
    assert unpinned(workflow) == []
    assert interpolated(workflow) == []
    assert "\npermissions:\n  contents: read\n" in workflow


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("runs-on: ubuntu-24.04", "runs-upon: ubuntu-24.04", 'unexpected key "runs-upon"'),
        ("github.ref", "github.reef", 'property "reef" is not defined'),
        ("contents: read", "contents: reed", '"reed" is invalid'),
        ("run: .ci/run", "run: echo ${{ github.event.pull_request.title }}", "potentially untrusted"),
    ],
)
def test_a_broken_workflow_is_found(good: str, bad: str, words: str) -> None:
    workflow = WORKFLOWS[0].read_text()
    assert good in workflow
    assert words in complaints(workflow.replace(good, bad))


def test_what_is_not_pinned_is_found() -> None:
    assert unpinned("- uses: actions/checkout@v7\n- uses: a/b@" + "0" * 40 + " # v1.2.3") == ["actions/checkout@v7"]


def test_an_expression_in_a_script_is_found() -> None:
    lines = ["- run: echo ${{ inputs.ref }}", "    echo ${{ inputs.ref }}"]
    assert interpolated("\n".join(["REF: ${{ inputs.ref }}", *lines])) == lines
