"""``python -m release`` is ``tesseral-release``."""

from .cli import run

run()
