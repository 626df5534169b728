"""What a release will be: its version, its notes, its artifacts and images."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from support import commit, git, make_source

from pipeline.pieces import API, BOOTSTRAP, CONSOLE, MIGRATIONS, VAULT_UI, Piece, Selection, select
from pipeline.plan import Plan, check_piece, choose_notes, choose_version, make_plan
from pipeline.source import Source, open_source
from release.errors import SourceError, VersionError
from release.version import parse

ALL = Selection()
DAY = "20260203"  # of support.COMMIT_TIME


def opened(folder: Path) -> Source:
    return asyncio.run(open_source(str(folder), None, folder / "never used"))


def version_of(folder: Path, selection: Selection = ALL, asked: str | None = None) -> str:
    return str(choose_version(opened(folder), selection, asked))


def plan_of(
    folder: Path, selection: Selection = ALL, *, version: str | None = None, channel: str | None = None
) -> Plan:
    return make_plan(
        opened(folder), selection, version=version, notes=None, destinations=["dist", "other"], channel=channel
    )


def abbreviated(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")[:7]


def test_a_clean_tagged_commit_has_the_tags_version(source: Path) -> None:
    assert version_of(source) == "1.0.0"


def test_the_highest_tag_of_a_commit_counts(source: Path) -> None:
    for tag in ("v1.9.0", "v1.10.0", "v1.10.0-rc.1", "nightly", "2.0.0", "v3"):
        git(source, "tag", tag)
    assert version_of(source) == "1.10.0"


def test_a_commit_after_a_tag_is_a_snapshot_of_the_next_patch(source: Path) -> None:
    commit(source, "More")
    assert version_of(source) == f"1.0.1-snapshot.{DAY}.{abbreviated(source)}"


def test_a_source_without_tags_is_a_snapshot(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", tag=None)
    assert version_of(source) == f"0.0.1-snapshot.{DAY}.{abbreviated(source)}"


def test_a_commit_after_a_candidate_is_a_snapshot_of_the_same_version(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", tag="v1.4.0-rc.1")
    commit(source, "More")
    assert version_of(source).startswith("1.4.0-snapshot.")


def test_a_tag_of_another_branch_does_not_count(source: Path) -> None:
    git(source, "checkout", "--quiet", "-b", "next")
    commit(source, "Next")
    git(source, "tag", "v2.0.0")
    git(source, "checkout", "--quiet", "main")
    commit(source, "More")
    assert version_of(source).startswith("1.0.1-snapshot.")


def test_a_dirty_tree_is_named_by_its_content(source: Path) -> None:
    names = set()
    for text in ("one\n", "two\n"):
        (source / "README.md").write_text(text)
        digest = opened(source).tree_digest.removeprefix("sha256:")
        names.add(version_of(source))
        assert version_of(source) == f"1.0.1-snapshot.{DAY}.{abbreviated(source)}.dirty-{digest[:7]}"
    assert len(names) == 2


def test_untracked_files_make_no_tree_dirty(source: Path) -> None:
    (source / "note.txt").write_text("not tracked")
    assert version_of(source) == "1.0.0"


def test_a_part_of_the_pieces_is_named_by_its_choice(source: Path) -> None:
    chosen = (select(["api"]), select(["console"]), select(targets=["linux/amd64"]))
    names = {version_of(source, selection) for selection in chosen}
    assert len(names) == 3
    for name in names:
        assert re.fullmatch(rf"1\.0\.1-snapshot\.{DAY}\.{abbreviated(source)}\.partial-[0-9a-f]{{7}}", name)
    assert version_of(source, select(["tesseral-api"])) == version_of(source, select(["api"]))


def test_a_dirty_tree_and_a_part_are_both_named(source: Path) -> None:
    (source / "README.md").write_text("changed\n")
    assert re.search(r"\.dirty-[0-9a-f]{7}\.partial-[0-9a-f]{7}$", version_of(source, select(["api"])))


def test_a_version_asked_for_wins_over_the_tag(source: Path) -> None:
    assert version_of(source, asked="3.2.1-rc.4") == "3.2.1-rc.4"


def test_a_dirty_tree_is_no_version_that_was_asked_for(source: Path) -> None:
    (source / "README.md").write_text("changed\n")
    with pytest.raises(VersionError, match=r"has changes that are not committed, so it can't be 1\.1\.0-rc\.1; commit"):
        version_of(source, asked="1.1.0-rc.1")
    assert version_of(source, asked="1.1.0-snapshot.mine") == "1.1.0-snapshot.mine"


def test_notes_come_from_the_section_of_the_version(source: Path) -> None:
    notes = choose_notes(opened(source), parse("1.0.0"), None)
    assert notes is not None
    assert notes.startswith("### Added\n\n- `api`: health")
    assert "Links between" not in notes


def test_only_a_final_version_needs_notes(source: Path) -> None:
    (source / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.0]\n\n### Added\n\n## [1.2.0-rc.1]\n\nA candidate.\n")
    commit(source, "Notes")
    assert choose_notes(opened(source), parse("1.2.0-rc.1"), None) == "A candidate."
    assert choose_notes(opened(source), parse("1.2.0-rc.2"), None) is None
    assert choose_notes(opened(source), parse("1.2.1-snapshot.x"), None) is None


def test_a_final_version_without_a_section_is_refused(source: Path) -> None:
    with pytest.raises(VersionError) as caught:
        choose_notes(opened(source), parse("1.2.3"), None)
    assert str(caught.value) == (
        "version 1.2.3 has no release notes: the source has no section [1.2.3] with text in CHANGELOG.md; "
        "write the section (`nox -s bump` turns Unreleased into it) or give --notes FILE"
    )


def test_a_final_version_without_a_changelog_is_refused(source: Path) -> None:
    git(source, "rm", "--quiet", "--cached", "CHANGELOG.md")  # the file is there, but does not enter
    commit_staged(source)
    with pytest.raises(VersionError, match=r"the source has no CHANGELOG\.md"):
        choose_notes(opened(source), parse("1.0.0"), None)


def commit_staged(folder: Path) -> None:
    git(folder, "commit", "--quiet", "-m", "Staged")


def test_notes_given_win_over_the_changelog(source: Path) -> None:
    assert choose_notes(opened(source), parse("1.0.0"), "\nOther notes.\n\n") == "Other notes."
    assert choose_notes(opened(source), parse("7.0.0"), "Notes.") == "Notes."


@pytest.mark.parametrize("nothing", ["", " \n\t\n"])
def test_a_final_version_with_empty_notes_is_refused(source: Path, nothing: str) -> None:
    with pytest.raises(VersionError, match="has no release notes"):
        choose_notes(opened(source), parse("7.0.0"), nothing)


def test_a_whole_release(source: Path) -> None:
    plan = plan_of(source)
    targets = ("linux_amd64.tar.gz", "linux_arm64.tar.gz", "darwin_amd64.tar.gz", "darwin_arm64.tar.gz")
    archives = (
        *(f"tesseral-api_1.0.0_{target}" for target in (*targets, "windows_amd64.zip")),
        *(f"tesseral-bootstrap_1.0.0_{target}" for target in (*targets, "windows_amd64.zip")),
        "tesseral-vault-ui_1.0.0.tar.gz",
        "tesseral-console_1.0.0.tar.gz",
        "tesseraldb-migrations_1.0.0.tar.gz",
        "tesseral-proxy_1.0.0.tar.gz",
    )
    assert plan.artifacts == (
        *archives,
        *(re.sub(r"\.(tar\.gz|zip)$", ".cdx.json", name) for name in archives),
        *(f"{image}_1.0.0_image.cdx.json" for image in plan.images),
    )
    assert plan.images == (
        "tesseral-api",
        "tesseral-bootstrap",
        "tesseral-vault-ui",
        "tesseral-console",
        "tesseraldb-migrations",
    )
    assert plan.migrations is not None
    assert (plan.migrations.first, plan.migrations.last, plan.migrations.irreversible) == (1, 5, ())
    assert set(plan.placeholders) == {"CONSOLE_API_URL", "CONSOLE_DOGFOOD_PROJECT_ID"}
    assert plan.destinations == ("dist", "other")
    assert plan.notes is not None


def test_a_part_has_only_its_own(source: Path) -> None:
    plan = plan_of(source, select(["vault-ui", "api"], ["linux/arm64", "windows/amd64"]), version="1.1.0-rc.1")
    assert plan.artifacts == (
        "tesseral-api_1.1.0-rc.1_linux_arm64.tar.gz",
        "tesseral-api_1.1.0-rc.1_windows_amd64.zip",
        "tesseral-vault-ui_1.1.0-rc.1.tar.gz",
        "tesseral-api_1.1.0-rc.1_linux_arm64.cdx.json",
        "tesseral-api_1.1.0-rc.1_windows_amd64.cdx.json",
        "tesseral-vault-ui_1.1.0-rc.1.cdx.json",
        "tesseral-api_1.1.0-rc.1_image.cdx.json",
        "tesseral-vault-ui_1.1.0-rc.1_image.cdx.json",
    )
    assert plan.images == ("tesseral-api", "tesseral-vault-ui")
    assert plan.placeholders == {}
    assert plan.migrations is None


def test_without_a_linux_target_there_are_no_images(source: Path) -> None:
    plan = plan_of(source, select(targets=["darwin/arm64", "windows/amd64"]))
    assert plan.images == ()
    assert len(plan.artifacts) == 8 * 2
    assert [name for name in plan.artifacts if "image" in name] == []


def test_a_part_does_not_need_what_it_leaves_out(source: Path) -> None:
    git(source, "rm", "-r", "--quiet", "console", "cmd/openauthctl")
    commit(source, "Only the api")
    assert plan_of(source, select(["api"], ["linux/amd64"])).images == ("tesseral-api",)
    assert plan_of(source, select(["proxy"])).artifacts[0].startswith("tesseral-proxy_1.0.1-snapshot.")
    with pytest.raises(SourceError, match="has no bootstrap"):
        plan_of(source)


def test_a_snapshot_goes_into_no_channel(source: Path) -> None:
    assert plan_of(source, channel="stable").channel == "stable"
    commit(source, "More")
    with pytest.raises(VersionError, match=r"1\.0\.1-snapshot\..* cannot be in the channel 'candidate'"):
        plan_of(source, channel="candidate")


def test_bad_migrations_are_found_before_anything_is_built(source: Path) -> None:
    (source / MIGRATIONS.path / "000007_late.up.sql").write_text("SELECT 1;")
    (source / MIGRATIONS.path / "000007_late.down.sql").write_text("")
    commit(source, "A gap")
    with pytest.raises(SourceError, match="has no migration 000006 between 000005 and 000007"):
        plan_of(source)


@pytest.mark.parametrize(
    ("removed", "piece", "sentence"),
    [
        ("go.mod", API, "the source is no Go module: go.mod is not tracked by git; commit go.mod"),
        ("go.sum", BOOTSTRAP, "go.sum, the lock file, is not tracked by git; commit go.sum"),
        ("cmd/api", API, "the source has no api: git tracks nothing in cmd/api/; commit it, or choose with --piece"),
        ("cmd", BOOTSTRAP, "the source has no bootstrap: git tracks nothing in cmd/openauthctl/"),
        (
            MIGRATIONS.path,
            MIGRATIONS,
            "the source has no migrations: git tracks nothing in cmd/openauthctl/migrations/",
        ),
        ("console", CONSOLE, "the source has no console: console/package.json is not tracked by git"),
        ("vault-ui/package-lock.json", VAULT_UI, "vault-ui/package-lock.json, the lock file, is not tracked by git"),
    ],
)
def test_what_a_piece_lacks_is_said(source: Path, removed: str, piece: Piece, sentence: str) -> None:
    check_piece(opened(source), piece)
    git(source, "rm", "-r", "--quiet", removed)
    commit(source, "Remove it")
    with pytest.raises(SourceError) as caught:
        check_piece(opened(source), piece)
    assert sentence in str(caught.value)


def test_a_file_that_git_does_not_track_is_not_there(source: Path) -> None:
    git(source, "rm", "--quiet", "--cached", "go.sum")
    assert (source / "go.sum").exists()
    with pytest.raises(SourceError, match=r"go\.sum, the lock file, is not tracked by git"):
        check_piece(opened(source), API)
