"""Measures publishing and fetching on servers of this machine: `nox -s bench -- --help`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench_many import costs
from bench_transfers import Places, Row, transfers
from rich.console import Console
from rich.table import Table
from servers import start_docker_registry, start_s3
from web_server import start_nginx

MB = 10**6
PARTS = ("speed", "memory", "many")


def main() -> None:
    """Run the parts that were asked for, one table each."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--size", type=int, default=512, metavar="MB", help="a release's, in four files (512)")
    parser.add_argument("--large", type=int, default=2048, metavar="MB", help="of one file, for the memory (2048)")
    parser.add_argument("--releases", type=int, default=10_000, metavar="N", help="in one place (10000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="the fastest counts (3)")
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS
    if not set(parts) <= set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _places(Path(folder)) as places:
        if "speed" in parts:
            rows = transfers(places, (arguments.size * MB // 4,) * 4, arguments.rounds)
            console.print(_table(f"{arguments.size} MB in four files, the fastest of {arguments.rounds}", rows))
        if "memory" in parts:
            rows = transfers(places, (arguments.large * MB,), 1)
            console.print(_table(f"one file of {arguments.large} MB, once", rows))
        if "many" in parts:
            console.print(_costs(places, arguments.releases))


@contextmanager
def _places(folder: Path) -> Iterator[Places]:
    root, work = folder / "root", folder / "work"
    root.mkdir()
    work.mkdir()
    with ExitStack() as stack:
        yield Places(
            s3=stack.enter_context(start_s3(folder / "s3")),
            registry=stack.enter_context(start_docker_registry(folder / "registry")),
            web=stack.enter_context(start_nginx(root, folder / "nginx")),
            root=root,
            work=work,
        )


def _table(title: str, rows: list[Row]) -> Table:
    """Lay out measurements; the last column is the first tool's time by this one's."""
    table = Table("what", "tool", title=title, title_justify="left")
    for name in ("seconds", "MB/s", "CPU s", "peak MiB", "by its time"):
        table.add_column(name, justify="right")
    ours: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: row.what):
        found = row.measured
        first = ours.setdefault(row.what, found.seconds)
        figures = (f"{found.seconds:.2f}", f"{row.size / MB / found.seconds:.0f}", f"{found.busy:.2f}")
        ratio = "" if first == found.seconds else f"{first / found.seconds:.2f}"
        table.add_row(row.what, row.tool, *figures, f"{found.peak / 2**20:.0f}", ratio)
    return table


def _costs(places: Places, count: int) -> Table:
    table = Table("what", title="requests and bytes of one command", title_justify="left")
    for name in ("releases there", "requests", "received", "sent", "seconds"):
        table.add_column(name, justify="right")
    for one in costs(places, count):
        numbers = (one.releases, one.requests, one.received, one.sent)
        table.add_row(one.what, *(f"{number:,}" for number in numbers), f"{one.seconds:.2f}")
    return table


if __name__ == "__main__":
    main()
