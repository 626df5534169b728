"""Publishes in processes of their own, which can be killed.

Each line on standard input is a JSON list: staged folder, ``oci://…``, channel or null, settle time. A
child is forked for it and its id printed; when it ended, what it said and its exit status follow.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from release.destination.registry import RegistryDestination, Settings
from release.destination.registry.reference import parse
from release.errors import ReleaseError
from release.publish import publish
from release.staged import StagedRelease
from release.transfer import RetryPolicy
from release.verify import read_manifest

RETRY = RetryPolicy(first_delay=0.01, largest_delay=0.05)


def run(stage: str, place: str, channel: str | None, settle: float) -> tuple[str, int]:
    settings = Settings(settle=settle, timeout=5.0, jobs=1, retry=RETRY)
    release = StagedRelease(directory=Path(stage), manifest=read_manifest(Path(stage)))
    try:
        (published,) = publish(release, [RegistryDestination(parse(place), settings)], channel)
    except ReleaseError as error:
        return str(error), error.exit_status
    return str(published.outcome), 0


def main() -> None:
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer, status = run(*json.loads(line))
            except BaseException:
                answer, status = traceback.format_exc(), 70
            os.write(writing, answer.encode())
            os._exit(status)
        os.close(writing)
        print(child, flush=True)
        with os.fdopen(reading) as pipe:
            answer = pipe.read()
        _, ended = os.waitpid(child, 0)
        print(json.dumps([answer, os.waitstatus_to_exitcode(ended)]), flush=True)


if __name__ == "__main__":
    main()
