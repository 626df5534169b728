"""Decides what one release will be: its version, its notes, what is built and where it goes. Builds nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from semver import Version

from release import changelog
from release.errors import SourceError, VersionError
from release.sbom import file_name, image_file_name
from release.version import check_channel, is_final, is_snapshot, parse, snapshot

from .bundles import placeholders_of
from .migrations import Migrations, check_migrations
from .pieces import MIGRATIONS, Kind, Piece, Selection, archive_name
from .source import Source

CHANGELOG = "CHANGELOG.md"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One release before it is built."""

    version: Version
    notes: str | None
    source: Source
    selection: Selection
    migrations: Migrations | None
    destinations: tuple[str, ...]
    channel: str | None

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The file names of all artifacts: archives, and the SBOM of each archive and image."""
        version = str(self.version)
        archives = tuple(
            archive_name(piece, version, target)
            for piece in self.selection.pieces
            for target in (self.selection.targets if piece.kind is Kind.BINARY else (None,))
        )
        images = (image_file_name(name, version) for name in self.images)
        return (*archives, *map(file_name, archives), *images)

    @property
    def images(self) -> tuple[str, ...]:
        """The names of all images; without a Linux target there is none."""
        return tuple(piece.stem for piece in self.selection.images)

    @property
    def placeholders(self) -> dict[str, str]:
        """The variables that the console's bundle leaves open."""
        return {name: value for piece in self.selection.pieces for name, value in placeholders_of(piece).items()}


def make_plan(
    source: Source,
    selection: Selection,
    *,
    version: str | None,
    notes: str | None,
    destinations: Sequence[str],
    channel: str | None,
) -> Plan:
    """Decide on a release of ``source``.

    ``version`` and ``notes`` are what a person asked for, if anything. Raises
    :class:`SourceError` for a source that lacks something, and
    :class:`VersionError`.
    """
    chosen = choose_version(source, selection, version)
    if channel is not None:
        check_channel(chosen, channel)
    for piece in selection.pieces:
        check_piece(source, piece)
    return Plan(
        version=chosen,
        notes=choose_notes(source, chosen, notes),
        source=source,
        selection=selection,
        migrations=check_migrations(source.below(MIGRATIONS.path), MIGRATIONS.path)
        if MIGRATIONS in selection.pieces
        else None,
        destinations=tuple(destinations),
        channel=channel,
    )


def choose_version(source: Source, selection: Selection, asked: str | None) -> Version:
    """The version asked for, else the tag of a clean commit, else a snapshot that tells what it is of.

    A dirty tree or a selection of pieces has content of its own and so a
    snapshot name of its own.
    """
    if asked is not None:
        version = parse(asked)
        if source.dirty and not is_snapshot(version):
            raise VersionError(
                f"{source.root} has changes that are not committed, so it can't be {version}",
                "commit them, or leave --version out for a snapshot",
            )
        return version
    if source.tagged is not None and not source.dirty and selection.whole:
        return source.tagged
    return snapshot(
        source.last_tag,
        committed_at=source.committed_at,
        commit=source.commit,
        dirty_tree=source.tree_digest.removeprefix("sha256:") if source.dirty else None,
        selection=None if selection.whole else hashlib.sha256(str(selection).encode()).hexdigest(),
    )


def choose_notes(source: Source, version: Version, given: str | None) -> str | None:
    """The notes given, else the version's section in the source's CHANGELOG.md; a final version has some."""
    if given is not None:
        if not given.strip() and is_final(version):
            raise VersionError(f"version {version} has no release notes: --notes is empty", "write what is new")
        return given.strip()
    text = source.read(CHANGELOG)
    notes = None if text is None else changelog.notes(text.decode(errors="replace"), version)
    if notes is None and is_final(version):
        lacks = "has no CHANGELOG.md" if text is None else f"has no section [{version}] with text in CHANGELOG.md"
        raise VersionError(
            f"version {version} has no release notes: the source {lacks}",
            "write the section (`nox -s bump` turns Unreleased into it) or give --notes FILE",
        )
    return notes


def check_piece(source: Source, piece: Piece) -> None:
    """Check that the source has what the piece is built from. Raises :class:`SourceError`."""
    if piece.kind is Kind.KIT:
        return
    tracked = {file.path for file in source.files}
    if piece.kind is Kind.BUNDLE:
        _need(tracked, f"{piece.path}/package.json", f"the source has no {piece.name}: {piece.path}/package.json")
        _need(tracked, f"{piece.path}/package-lock.json", f"{piece.path}/package-lock.json, the lock file,")
        return
    if piece.kind is Kind.BINARY:
        _need(tracked, "go.mod", "the source is no Go module: go.mod")
        _need(tracked, "go.sum", "go.sum, the lock file,")
    if not any(path.startswith(f"{piece.path}/") for path in tracked):
        raise SourceError(
            f"the source has no {piece.name}: git tracks nothing in {piece.path}/", "commit it, or choose with --piece"
        )


def _need(tracked: set[str], path: str, what: str) -> None:
    if path not in tracked:
        raise SourceError(f"{what} is not tracked by git", f"commit {path}, or choose other pieces with --piece")
