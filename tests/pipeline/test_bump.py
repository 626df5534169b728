"""``nox -s bump``: what is unreleased becomes the next version."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from support import git

from pipeline.bump import bump
from release.errors import SourceError, VersionError
from release.version import Part

CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- Größe

## [1.2.3] - 2026-01-01

- Old
"""
OWN = '"""A package."""\n\n__version__ = "1.2.3"\nOTHER = "1.2.3"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


@pytest.fixture
def own(folder: Path) -> Path:
    """The version file of a folder that is laid out as this project is."""
    (folder / "pipeline").mkdir()
    (folder / "release").mkdir()
    (folder / "release/__init__.py").write_text(OWN)
    return folder / "release/__init__.py"


def bumped(folder: Path, *parts: Part) -> str:
    """Bump and return what a person is told."""
    seen = io.StringIO()
    chosen: Sequence[Part] = parts
    asyncio.run(bump(folder, chosen, Console(file=seen)))
    return seen.getvalue()


def test_unreleased_becomes_the_next_version(folder: Path) -> None:
    earlier = datetime.now(UTC).date()
    said = bumped(folder, "minor")
    days = {earlier, earlier + timedelta(days=1)}  # midnight may have come in between
    assert (folder / "CHANGELOG.md").read_text() in {
        CHANGELOG.replace("## [Unreleased]\n", f"## [Unreleased]\n\n## [1.3.0] - {day.isoformat()}\n") for day in days
    }
    assert said == (f"{folder}/CHANGELOG.md now says 1.3.0\nnext: git commit -am 'Release 1.3.0' && git tag v1.3.0\n")


@pytest.mark.parametrize(
    ("parts", "version"), [(("patch",), "1.2.4"), (("major",), "2.0.0"), (("minor", "rc"), "1.3.0-rc.1")]
)
def test_the_part_decides(folder: Path, parts: tuple[Part, ...], version: str) -> None:
    assert f"now says {version}\n" in bumped(folder, *parts)
    assert f"\n## [{version}] - 20" in (folder / "CHANGELOG.md").read_text()


def test_this_project_raises_its_own_version(folder: Path, own: Path) -> None:
    said = bumped(folder, "major")
    assert own.read_text() == OWN.replace('__version__ = "1.2.3"', '__version__ = "2.0.0"')
    assert said.startswith(f"{folder}/CHANGELOG.md and {own} now say 2.0.0\n")


def test_another_project_keeps_a_file_of_that_name(folder: Path, own: Path) -> None:
    (folder / "pipeline").rmdir()
    assert "release/__init__.py" not in bumped(folder, "major")
    assert own.read_text() == OWN


def test_a_pipeline_without_a_version_file_is_fine(folder: Path) -> None:
    (folder / "pipeline").mkdir()
    assert "now says 1.2.4" in bumped(folder, "patch")
    assert not (folder / "release").exists()


def test_a_folder_without_a_changelog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        bumped(tmp_path, "minor")
    assert str(caught.value) == (
        f"{tmp_path}/CHANGELOG.md can't be read: No such file or directory; name the folder with --source"
    )


def test_a_changelog_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "CHANGELOG.md").write_bytes(b"\xff")
    with pytest.raises(SourceError, match="can't be read"):
        bumped(folder, "minor")


@pytest.mark.parametrize("unreleased", ["## [Unreleased]\n\n### Added\n\n", ""])
def test_nothing_unreleased_is_refused_and_nothing_written(folder: Path, own: Path, unreleased: str) -> None:
    text = f"# Changelog\n\n{unreleased}## [1.2.3] - 2026-01-01\n\n- Old\n"
    (folder / "CHANGELOG.md").write_text(text)
    with pytest.raises(VersionError, match=r"Unreleased section"):
        bumped(folder, "minor")
    assert (folder / "CHANGELOG.md").read_text() == text
    assert own.read_text() == OWN


def test_a_bump_leaves_nothing_else_behind(folder: Path, own: Path) -> None:
    bumped(folder, "patch")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert names == {"CHANGELOG.md", "pipeline", "release", "release/__init__.py"}


def test_line_ends_are_kept(folder: Path) -> None:
    (folder / "CHANGELOG.md").write_bytes(CHANGELOG.replace("\n", "\r\n").encode())
    bumped(folder, "patch")
    assert b"- Old\r\n" in (folder / "CHANGELOG.md").read_bytes()


def test_a_source_in_a_subdirectory_is_told_its_own_tag(folder: Path) -> None:
    git(folder.parent, "init", "--quiet")
    assert f"git tag {folder.name}/v1.2.4\n" in bumped(folder, "patch")
