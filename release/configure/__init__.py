"""Fills an operator's own values into the console of a release."""

from .console import Configured, configure_console
from .fill import configured_files
from .values import PLACEHOLDERS, console_values

__all__ = ["PLACEHOLDERS", "Configured", "configure_console", "configured_files", "console_values"]
