"""Publishes in a process of its own that stops at a chosen point until it is told to go on.

Arguments: staged folder, destination, point, and a file that is made when the point is reached; the
process goes on when the file is gone. A point is ``copy-<n>`` (before the n-th file), ``verified``
(before the rename), ``renamed`` (before the channel moves), ``channel`` (before the index) or ``none``.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from release.destination import directory, open_destination
from release.errors import ReleaseError, report
from release.staged import StagedRelease
from release.verify import read_manifest


def main(stage: str, destination: str, point: str, flag: str) -> None:
    reached = Path(flag)

    def pausing(function: Callable[..., Any], after: int = 1, *, late: bool = False) -> Callable[..., Any]:
        calls = 0

        def paused(*args: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            result = function(*args, **named) if late else None
            if calls == after:
                reached.touch()
                while reached.exists():
                    time.sleep(0.01)
            return result if late else function(*args, **named)

        return paused

    here: Any = directory
    publishing: Any = importlib.import_module("release.publish")
    if point.startswith("copy-"):
        here._copy_file = pausing(here._copy_file, int(point.removeprefix("copy-")))
    elif point == "verified":
        here.verify = pausing(here.verify, late=True)
    elif point == "renamed":
        publishing.move = pausing(publishing.move)
    elif point == "channel":
        publishing.refresh = pausing(publishing.refresh)
    release = StagedRelease(directory=Path(stage), manifest=read_manifest(Path(stage)))
    print(publishing.publish(release, [open_destination(destination)], "stable")[0].outcome)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ReleaseError as error:
        sys.exit(report(error, "publisher", verbose=False))
