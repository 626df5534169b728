"""Having an order built: a port, and the pipeline behind it, as its maintainers run it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..destination.files import FileStore
from ..errors import NotRebuiltError
from ..manifest import NAME
from .checkout import COMMAND
from .child import run
from .order import Order


class Builder(Protocol):
    """Something that builds releases."""

    def build(self, order: Order, work: Path) -> Path:
        """Build ``order`` below the folder ``work`` and return the folder of the release.

        Raises NotRebuiltError when that fails.
        """


class CheckoutBuilder:
    """``nox -s release`` of the checkout in ``folder``, in a process of its own: this one needs no engine."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / COMMAND

    def build(self, order: Order, work: Path) -> Path:
        """Build as :meth:`Builder.build` says; what the command prints passes to standard error."""
        notes, destination = work / "notes.md", work / "dist"
        if order.notes is not None:
            with FileStore(work).told():
                notes.write_bytes(order.notes.encode())
        try:
            ended = run([self._program, "-s", "release", "--", *_arguments(order, notes, destination)])
        except OSError as error:
            raise NotRebuiltError(
                f"{self._program} cannot be run: {error.strerror}", "clone the repository again"
            ) from error
        if ended.status:
            raise NotRebuiltError(
                f"{order.version} could not be rebuilt from {order.place}: "
                f"`{self._program} -s release` ended with status {ended.status}",
                "see what it said",
                detail="\n".join(["The last lines were:", *(f"| {line}" for line in ended.said)]),
            )
        release = destination / "releases" / order.version
        if not (release / NAME).is_file():
            raise NotRebuiltError(f"{self._program} built no {order.version}", "see what it said above")
        return release


def _arguments(order: Order, notes: Path, destination: Path) -> list[str]:
    """The options, each in one word with its value, which then is never taken for an option itself."""
    options = {
        "source": order.place.url,
        "ref": order.place.ref,
        "path": order.path,
        "repository": order.repository,
        "version": order.version,
        **({} if order.notes is None else {"notes": str(notes)}),
        "to": str(destination),
    }
    return [
        *(f"--{name}={value}" for name, value in options.items()),
        *(f"--piece={piece}" for piece in order.pieces),
        *(f"--target={target}" for target in order.targets),
    ]
