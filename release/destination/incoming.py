"""Private folders to fill before they become visible, swept when their owner is dead."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..filelock import is_held, locked

_PREFIX = ".incoming-"
_LOCK = "lock"


@contextmanager
def incoming(root: Path) -> Iterator[Path]:
    """Make a folder in ``root`` that goes away at the end of the block, however that is left.

    A killed process leaves its folder behind, and the kernel frees its lock: that is how the next
    one knows. Raises OSError.
    """
    with ExitStack() as stack:
        # Under the root's lock no folder is without its own, so a sweep takes none from the living.
        with locked(root / ".lock"):
            _sweep(root)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.enter_context(locked(folder / _LOCK))
        yield folder


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{_PREFIX}*"):
        if not is_held(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)
