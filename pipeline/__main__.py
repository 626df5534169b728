"""``python -m pipeline``: what the nox sessions call."""

from .cli import run

run()
