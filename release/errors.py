"""Errors a person is meant to read, one class a kind, each with its exit status.

The programs raise these from anywhere and turn them into one sentence on
standard error and an exit status in one place only (:func:`report`).
"""

from __future__ import annotations

import sys
import traceback
from typing import ClassVar


class ReleaseError(Exception):
    """Something a person can act on: what is wrong and where, and what to do next.

    ``detail`` holds output of a tool that is worth showing below the sentence.
    """

    exit_status: ClassVar[int] = 1

    def __init__(self, problem: str, next_step: str = "", *, detail: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.next_step = next_step
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.problem}; {self.next_step}" if self.next_step else self.problem


class UsageError(ReleaseError):
    """The command line asks for something that does not exist."""

    exit_status = 2


class SourceError(ReleaseError):
    """The source tree cannot be released: not a git tree, a piece is missing or malformed."""

    exit_status = 3


class BuildError(ReleaseError):
    """A tool failed on the source; ``detail`` carries its own output."""

    exit_status = 4


class VersionError(ReleaseError):
    """A version, its tag, its notes or its channel break a rule."""

    exit_status = 5


class DestinationError(ReleaseError):
    """A destination cannot be read or written."""

    exit_status = 6


class TransientError(DestinationError):
    """A failure that may be gone the next time: a lost connection, a server that is busy.

    Raised inside of a destination and tried again there; reaches a person when that is given up.
    ``retry_after``: how many seconds the server asked to wait.
    """

    def __init__(self, problem: str, next_step: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(problem, next_step)
        self.retry_after = retry_after


class ConflictError(ReleaseError):
    """A version is published already, with different bytes."""

    exit_status = 7


class EngineError(ReleaseError):
    """No Dagger engine can be had, or it went away."""

    exit_status = 8


class ToolchainError(ReleaseError):
    """A pinned tool cannot be had, or is not what its pin says."""

    exit_status = 9


class VerificationError(ReleaseError):
    """Something read is not what its digest, size or schema says."""

    exit_status = 10


class SigningError(ReleaseError):
    """A private key cannot be had, opened or used."""

    exit_status = 11


class NotReproducibleError(ReleaseError):
    """Two builds of one commit differ, or a comparison missed a canary."""

    exit_status = 12


class NotRebuiltError(ReleaseError):
    """A release could not be built again, so that nothing is known about it."""

    exit_status = 13


class Interrupted(ReleaseError):  # noqa: N818 - named for what a person did
    """A signal ended the run; what is visible is whole, and the same command finishes."""

    exit_status = 130

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted", "nothing is visible in part; the same command goes on")
        self.signal_number = signal_number


class AttentionError(ReleaseError):
    """An upgrade can be done, and a person should look first: it locks big tables, or can't be taken back."""

    exit_status = 14


class ImpossibleError(ReleaseError):
    """An upgrade can't be done from here: a version in between is needed, or the database is in no state for it."""

    exit_status = 15


class DatabaseError(ReleaseError):
    """A database can't be reached, or refuses what it is asked."""

    exit_status = 16


class UnhealthyError(ReleaseError):
    """An installation was checked, and some of it does not work."""

    exit_status = 17


def report(error: BaseException, program: str, *, verbose: bool) -> int:
    """Print ``error`` for a person to standard error and return the exit status.

    An error that is none of ours is a defect of this program: it is said so,
    with the traceback when ``verbose``.
    """
    if verbose:
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, Interrupted):
        print(f"{program}: {error}", file=sys.stderr)
        return 128 + error.signal_number
    if isinstance(error, ReleaseError):
        if error.detail:
            print(error.detail.rstrip("\n"), file=sys.stderr)
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_status
    hint = "" if verbose else "; --verbose shows where"
    print(f"{program}: a defect of this program: {type(error).__name__}: {error}{hint}", file=sys.stderr)
    return 70
