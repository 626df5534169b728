"""What a person sees before and after a release: the plan, the table of artifacts, the next command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from release.publish import Published
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
    _say(console, "images" if plan.images else "no images: no Linux target is chosen")
    for name in plan.images:
        _say(console, f"  {name}:{plan.version} for {', '.join(map(str, plan.selection.platforms))}")
    _say(console, "Nothing was built or published (--plan).")


def show_release(staged: StagedRelease, published: Sequence[Published], console: Console) -> None:
    """Print the artifacts and images with size and digest, where they are, and the next command."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("artifact", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("sha256", no_wrap=True)
    for artifact in staged.manifest.artifacts:
        table.add_row(artifact.name, human(artifact.size), artifact.digest.removeprefix("sha256:")[:16] + "…")
    for image in staged.manifest.images:
        architectures = ", ".join(platform.partition("/")[2] for platform in image.platforms)
        name = f"image {image.name} ({architectures})"
        table.add_row(name, "", image.digest.removeprefix("sha256:")[:16] + "…")
    console.print()
    console.print(table)
    console.print()
    for result in published:
        _say(console, f"{result.outcome} in {result.destination}: version {staged.manifest.version}")
    for result in published:
        if result.location is not None:
            place = shlex.quote(str(result.location))
            _say(console, f"next: (cd {place} && sha256sum -c SHA256SUMS)")


def human(size: int) -> str:
    """A size for people, in units of 1024 bytes."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
