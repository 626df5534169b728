"""``tesseral-release diff``: what is different between two published releases."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..compiled import build_info, representative
from ..destination import Origin, open_origin
from ..diff import Difference, Migrations, Modules, Pair, compare, compare_programs, document
from ..fetch import find
from ..manifest import Artifact, Image, Manifest
from ..progress import showing
from ..table import human_size
from .columns import aligned, plain
from .reading import answer, origin_flags, warn

_TITLES = {
    "source": "source",
    "pipeline": "built by",
    "requirements": "requirements",
    "console_placeholders": "values of the console",
}
_NO_NPM = "npm dependencies are not compared: a release doesn't list them yet"


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
    command.add_argument(
        "--no-dependencies", action="store_true", help="don't download programs to compare their modules"
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    origin = open_origin(arguments.origin)
    old, new = (find(origin, text) for text in (arguments.old, arguments.new))
    warn((*old.warnings, *new.warnings))
    difference = compare(old.manifest, new.manifest)
    if not arguments.no_dependencies:
        difference = replace(difference, go_modules=_programs(origin, old.manifest, new.manifest))
    answer(arguments, document(difference), "\n".join(lines(difference)))


def _programs(origin: Origin, old: Manifest, new: Manifest) -> tuple[Modules, ...]:
    before, after = representative(old.artifacts), representative(new.artifacts)
    pieces = sorted(piece for piece in before.keys() & after.keys() if before[piece].digest != after[piece].digest)
    with showing("compare Go modules") as meter:
        meter.expect(sum(one[piece].size for one in (before, after) for piece in pieces))
        return tuple(
            compare_programs(
                piece,
                build_info(origin, old.version, before[piece], meter),
                build_info(origin, new.version, after[piece], meter),
            )
            for piece in pieces
        )


def lines(difference: Difference) -> list[str]:
    """Tell a person what is different, a group of lines for each kind of thing."""
    groups = [_group(title, _facts(getattr(difference, name))) for name, title in _TITLES.items()]
    if difference.migrations is not None:
        groups.append(_group("migrations", [(_migrations(difference.migrations),)]))
    groups.append(_group("artifacts", [_artifact(pair) for pair in difference.artifacts]))
    groups.append(_group("images", [_image(pair) for pair in difference.images]))
    for one in difference.go_modules or ():
        changed = _facts((*one.toolchain, *one.modules)) or [("the same",)]
        groups.append(_group(f"Go modules of {plain(one.piece)}", changed))
    shown = [group for group in groups if group] or [["no difference"]]
    if difference.go_modules is not None:
        shown.append([_NO_NPM])
    return [f"{difference.old} → {difference.new}", *(line for group in shown for line in ("", *group))]


def _group(title: str, rows: Sequence[Sequence[str]]) -> list[str]:
    return [title, *(f"  {line}" for line in aligned(rows))] if rows else []


def _mark(pair: Pair[Any]) -> str:
    return "+" if pair.old is None else "-" if pair.new is None else "~"


def _change(old: str | None, new: str | None) -> str:
    return " → ".join(plain(text) for text in (old, new) if text is not None)


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
