"""What a person sees before and after a release: the plan, the table of artifacts, the next command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console

from release import table
from release.publish import Published, lines
from release.staged import StagedRelease

from .plan import Plan


def show_plan(plan: Plan, console: Console) -> None:
    """Print what would be built and published."""
    source = plan.source
    rows = {
        "version": str(plan.version),
        "source": str(source.repository or source.root),
        "commit": f"{source.commit} of {source.committed_at:%Y-%m-%d %H:%M:%S} UTC"
        + (", with changes that are not committed" if source.dirty else ""),
        "builds": str(plan.selection),
        "migrations": f"{plan.migrations.first} to {plan.migrations.last}" if plan.migrations else "none",
        "notes": (plan.notes or "none").splitlines()[0],
        "to": ", ".join(plan.destinations),
        "channel": plan.channel or "none",
    }
    for name, text in rows.items():
        _say(console, f"{name:<11} {text}")
    _say(console, "artifacts")
    for name in (*plan.artifacts, "release.json", "SHA256SUMS"):
        _say(console, f"  {name}")
    none = "no images" if plan.selection.platforms else "no images: no Linux target is chosen"
    _say(console, "images" if plan.images else none)
    for name in plan.images:
        _say(console, f"  {name}:{plan.version} for {', '.join(map(str, plan.selection.platforms))}")
    _say(console, "Nothing was built or published (--plan).")


def show_release(staged: StagedRelease, published: Sequence[Published], console: Console) -> None:
    """Print the artifacts and images with size and digest, where they are, and the next command."""
    _say(console, "")
    _say(console, table.render(staged.manifest))
    _say(console, "")
    for result in published:
        for line in lines(result):
            _say(console, line)
    for result in published:
        if result.location is not None:
            _say(console, f"next: (cd {shlex.quote(str(result.location))} && sha256sum -c SHA256SUMS)")
        else:
            origin = shlex.quote(result.destination)
            _say(console, f"next: tesseral-release fetch {result.version} --from {origin} --into DIR")


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, emoji=False, soft_wrap=True)
