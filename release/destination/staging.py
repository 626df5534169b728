"""The two states a release can be in before :meth:`.protocol.Staging.commit`."""

from __future__ import annotations

from collections.abc import Callable

from .protocol import Outcome


class AlreadyThere:
    """A release that is published already."""

    def commit(self) -> Outcome:
        """Do nothing."""
        return Outcome.UNCHANGED


class Pending:
    """A release that one more step makes visible."""

    def __init__(self, step: Callable[[], Outcome]) -> None:
        self._step = step

    def commit(self) -> Outcome:
        """Take the step."""
        return self._step()
