"""The maintainers' command line, up to where an engine would be needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import commit, git, make_source, pipeline

from pipeline.cli import main
from pipeline.plan import Plan
from release.errors import UsageError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory of its own: whatever needs an engine would be seen to build one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def planned(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Make a plan in this process; returns what was printed."""

    def plan(source: Path | str, *arguments: str | Path) -> str:
        main(["release", "--plan", "--source", str(source), *map(str, arguments)])
        printed = capsys.readouterr()
        assert printed.err == ""
        return printed.out

    return plan


def rows(output: str) -> dict[str, str]:
    """The first word of each line, and the rest."""
    return {word: rest.strip() for word, _, rest in (line.partition(" ") for line in output.splitlines()) if word}


def test_a_plan_says_what_would_be(source: Path, tmp_path: Path) -> None:
    done = pipeline(
        "release",
        "--plan",
        "--source",
        source,
        "--to",
        tmp_path / "dist",
        "--to",
        tmp_path / "other",
        "--channel",
        "stable",
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    assert found["version"] == "1.0.0"
    assert found["source"] == str(source)
    assert found["commit"] == f"{git(source, 'rev-parse', 'HEAD').strip()} of 2026-02-03 04:05:06 UTC"
    assert found["builds"] == (
        "api,bootstrap,vault-ui,console,migrations,proxy "
        "for linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64"
    )
    assert found["migrations"] == "1 to 5"
    assert found["notes"] == "### Added"
    assert found["to"] == f"{tmp_path}/dist, {tmp_path}/other"
    assert found["channel"] == "stable"
    artifacts = done.stdout.partition("\nartifacts\n")[2].partition("\nimages\n")[0].split()
    assert len(artifacts) == 14 * 2 + 5 + 2
    assert artifacts[0] == "tesseral-api_1.0.0_linux_amd64.tar.gz"
    assert artifacts[-2:] == ["release.json", "SHA256SUMS"]
    images = done.stdout.partition("\nimages\n")[2].splitlines()
    assert images[0] == "  tesseral-api:1.0.0 for linux/amd64, linux/arm64"
    assert images[5:] == ["Nothing was built or published (--plan)."]


def test_a_plan_writes_nothing(source: Path, planned: Callable[..., str], cache: Path, tmp_path: Path) -> None:
    (source / "untracked").write_text("x")
    before = git(source, "status", "--porcelain", "--ignored")
    planned(source, "--to", tmp_path / "dist")
    assert not (tmp_path / "dist").exists()
    assert [path for path in cache.rglob("*") if not path.is_dir()] == []
    assert git(source, "status", "--porcelain", "--ignored") == before


def test_a_plan_of_a_part(source: Path, planned: Callable[..., str]) -> None:
    done = planned(source, "--piece", "api", "--target", "windows/amd64", "--version", "2.0.0-rc.1")
    name = "  tesseral-api_2.0.0-rc.1_windows_amd64"
    assert f"\nartifacts\n{name}.zip\n{name}.cdx.json\n  release.json\n  SHA256SUMS\n" in done
    assert "\nno images: no Linux target is chosen\n" in done
    assert rows(done)["migrations"] == "none"
    assert rows(done)["to"] == "dist"
    assert "\nno images\n" in planned(source, "--piece", "proxy")


def test_a_plan_of_changes_says_so(source: Path, planned: Callable[..., str]) -> None:
    (source / "README.md").write_text("changed\n")
    found = rows(planned(source))
    assert found["commit"].endswith(" UTC, with changes that are not committed")
    assert ".dirty-" in found["version"]
    assert found["notes"] == "none"


def test_a_plan_of_a_url(source: Path, planned: Callable[..., str], cache: Path, tmp_path: Path) -> None:
    commit(source, "After the tag")
    done = planned(f"file://{source}#v1.0.0", "--to", tmp_path / "dist")
    assert rows(done)["version"] == "1.0.0"
    assert rows(done)["source"] == f"file://{source}"
    assert [path for path in cache.rglob("*") if not path.is_dir()] == [], "the clone is gone"


def test_a_plan_of_a_folder_in_a_repository(tmp_path: Path, planned: Callable[..., str]) -> None:
    whole = tmp_path / "whole"
    make_source(whole / "sub", tag=None)
    shutil.rmtree(whole / "sub/.git")
    git(whole, "init", "--quiet")
    commit(whole, "All in a folder")
    words = ("--path", "sub", "--repository", "", "--version", "1.0.0")
    done = planned(f"file://{whole}", *words)
    assert rows(done)["version"] == "1.0.0"
    assert Path(rows(done)["source"]).name == "sub", "no repository is named"


def test_notes_to_the_byte(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild gives them back as release.json has them, whatever they are."""
    notes = "Größe\r\nof\rlines"
    (tmp_path / "notes.md").write_bytes(notes.encode())
    command = ["--source", str(source), "--version", "9.0.0", "--notes", str(tmp_path / "notes.md"), "--plan"]
    plans: list[Plan] = []
    monkeypatch.setattr("pipeline.run.show_plan", lambda plan, _: plans.append(plan))
    monkeypatch.setattr("locale.getencoding", lambda: "ascii")
    main(["release", *command])
    assert plans[0].notes == notes


def test_notes_from_a_file(source: Path, planned: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("\nNew [things]\n\nMore\n")
    done = planned(source, "--version", "9.0.0", "--notes", tmp_path / "notes.md")
    assert rows(done)["notes"] == "New [things]"


def test_notes_are_printed_as_they_are(source: Path, planned: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("Fix a :bug: in it\n")
    done = planned(source, "--version", "9.0.0", "--notes", tmp_path / "notes.md")
    assert rows(done)["notes"] == "Fix a :bug: in it"


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_notes_that_cannot_be_read(
    source: Path, planned: Callable[..., str], tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "notes.md").write_bytes(content)
    with pytest.raises(UsageError, match=f"^the notes {tmp_path}/notes.md can't be read: .*; name a text file"):
        planned(source, "--notes", tmp_path / "notes.md")


def ended(status: int, *arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == status


@pytest.mark.parametrize("command", [[], ["release"], ["bump"], ["engine"], ["lock"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ended(0, *command, "--help")
    assert capsys.readouterr().out.startswith(f"usage: {' '.join(['nox -s', *command])} [-h]")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["release", "--plan", "--colour"], "unrecognized arguments: --colour"),
        (["publish"], "invalid choice: 'publish'"),
        ([], "the following arguments are required: command"),
        (["bump"], "the following arguments are required: part"),
        (["bump", "micro"], "invalid choice: 'micro'"),
        (["lock", "--plan"], "unrecognized arguments: --plan"),
    ],
)
def test_what_the_command_line_does_not_know(
    arguments: list[str], words: str, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(2, *arguments)
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert not cache.exists()


@pytest.mark.parametrize(("argument", "status"), [("--help", 0), ("--colour", 2)])
def test_the_statuses_are_the_programs(argument: str, status: int) -> None:
    assert pipeline("release", argument, timeout=60).returncode == status
