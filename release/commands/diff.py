"""``tesseral-release diff``: what is different between two published releases."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..dependencies import compare_programs, compare_sboms, has_sboms
from ..destination import Origin, open_origin
from ..diff import Dependencies, Difference, Migrations, Pair, compare, document
from ..fetch import find
from ..manifest import Artifact, Image, Manifest
from ..progress import showing
from ..sbom import is_sbom
from ..table import human_size
from .columns import aligned, plain
from .reading import answer, origin_flags, warn

_TITLES = {
    "source": "source",
    "pipeline": "built by",
    "requirements": "requirements",
    "console_placeholders": "values of the console",
}
_PACKAGES = {"golang": "Go modules", "npm": "npm packages", "pypi": "PyPI packages"}


def add(commands: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the command to the program's parser."""
    command = commands.add_parser(
        "diff",
        help="tell what is different between two published releases",
        parents=[common, origin_flags(moves_bytes=False)],
        allow_abbrev=False,
    )
    command.add_argument("old", metavar="OLD", help="a version such as 1.3.0, or a channel")
    command.add_argument("new", metavar="NEW", help="a version such as 1.4.0, or a channel")
    command.add_argument("--no-dependencies", action="store_true", help="don't compare packages, so download nothing")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    old, new = (find(origin, text) for text in (arguments.old, arguments.new))
    warn((*old.warnings, *new.warnings))
    difference = compare(old.manifest, new.manifest)
    if not arguments.no_dependencies:
        difference = replace(difference, dependencies=_dependencies(origin, old.manifest, new.manifest))
    answer(arguments, document(difference), "\n".join(lines(difference)))


def _dependencies(origin: Origin, old: Manifest, new: Manifest) -> tuple[Dependencies, ...]:
    lacking = next((release.version for release in (old, new) if not has_sboms(release)), None)
    if lacking is not None:
        warn((f"{lacking} has no SBOMs, so only Go modules are compared, and no npm packages",))
    with showing("compare packages") as meter:
        return (compare_sboms if lacking is None else compare_programs)(origin, old, new, meter)


def lines(difference: Difference) -> list[str]:
    """Tell a person what is different, a group of lines for each kind of thing."""
    groups = [_group(title, _facts(getattr(difference, name))) for name, title in _TITLES.items()]
    if difference.migrations is not None:
        groups.append(_group("migrations", [(_migrations(difference.migrations),)]))
    # An SBOM names the version, so it differs always; what it lists is told below.
    files = [pair for pair in difference.artifacts if not any(is_sbom(one) for one in (pair.old, pair.new) if one)]
    groups.append(_group("artifacts", [_artifact(pair) for pair in files]))
    groups.append(_group("images", [_image(pair) for pair in difference.images]))
    groups += [_group(_packages_in(one), _facts(one.packages)) for one in difference.dependencies or ()]
    shown = [group for group in groups if group] or [["no difference"]]
    return [f"{difference.old} → {difference.new}", *(line for group in shown for line in ("", *group))]


def _group(title: str, rows: Sequence[Sequence[str]]) -> list[str]:
    return [title, *(f"  {line}" for line in aligned(rows))] if rows else []


def _packages_in(one: Dependencies) -> str:
    return f"{_PACKAGES.get(one.kind, f'{plain(one.kind)} packages')} of {plain(one.piece)}"


def _mark(pair: Pair[Any]) -> str:
    return "+" if pair.old is None else "-" if pair.new is None else "~"


def _change(old: str | None, new: str | None) -> str:
    return " → ".join(plain(text) or "no version" for text in (old, new) if text is not None)


def _facts(pairs: tuple[Pair[str], ...]) -> list[tuple[str, ...]]:
    return [(_mark(pair), plain(pair.name), _change(pair.old, pair.new)) for pair in pairs]


def _migrations(migrations: Migrations) -> str:
    first, last = migrations.first, migrations.last
    text = f"{first} is" if first == last else f"{first} to {last} are"
    text += " new" if migrations.added else " gone"
    numbers = ", ".join(map(str, migrations.irreversible))
    return f"{text}; cannot be taken back: {numbers}" if numbers else text


def _artifact(pair: Pair[Artifact]) -> tuple[str, ...]:
    old, new = pair.old, pair.new
    sizes = [human_size(one.size) for one in (old, new) if one is not None]
    grown = f"{(new.size - old.size) / old.size:+.1%}" if old and new and old.size else ""
    return (_mark(pair), pair.name, " → ".join(sizes), grown)


def _image(pair: Pair[Image]) -> tuple[str, ...]:
    old, new = pair.old, pair.new
    platforms = [", ".join(one.platforms) for one in (old, new) if one is not None]
    return (
        _mark(pair),
        pair.name,
        " → ".join(dict.fromkeys(platforms)),
        " → ".join(one.digest.removeprefix("sha256:")[:12] for one in (old, new) if one is not None),
    )
