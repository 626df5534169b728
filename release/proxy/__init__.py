"""The proxies in front of Tesseral: nginx configuration, made from a kit of templates and an operator's settings."""

from .folder import write_folder
from .kit import PIECE, Kit, archive_entries, installed, open_kit
from .render import render

__all__ = ["PIECE", "Kit", "archive_entries", "installed", "open_kit", "render", "write_folder"]
