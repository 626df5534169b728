"""Publishes to S3 in a process of its own, as the command line does, but in small parts and without long waits.

Arguments: the staged folder, ``s3://…``, and how many requests run at once; the server comes from the
environment. Without arguments it forks such a process for each line of its input, a JSON list
``[environment, arguments]``, and answers with the process's id, then with how it ended: that starts in
a moment, which tests with a hundred processes need.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from release.destination.s3 import S3Destination, Settings
from release.errors import ReleaseError, report
from release.publish import publish
from release.staged import StagedRelease
from release.transfer import RetryPolicy
from release.verify import read_manifest

# S3 takes no smaller parts.
PART = 5 * 2**20
QUICK = Settings(
    largest_put=PART,
    part_size=PART,
    connect_timeout=2,
    read_timeout=1,
    retries=RetryPolicy(attempts=4, first_delay=0.01, largest_delay=0.05, longest_wait=3),
)


def run(stage: str, destination: str, jobs: str = "4") -> int:
    try:
        release = StagedRelease(directory=Path(stage), manifest=read_manifest(Path(stage)))
        place = S3Destination.named(destination, replace(QUICK, jobs=int(jobs)))
        print(publish(release, [place], "stable")[0].outcome)
    except ReleaseError as error:
        return report(error, "publisher", verbose=False)
    return 0


def serve() -> None:
    for line in sys.stdin:
        env, arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.update(env)
            # The output is for the answers.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            os._exit(run(*arguments))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(run(*sys.argv[1:]))
    serve()
