"""Archives whose bytes depend on nothing but names, content, the executable bit and one time."""

from .entry import Entry, entries_of
from .gunzip import gunzip, largest_content
from .tar import TarDigest, write_tar, write_tar_gz
from .unpack import folder_name, unpack
from .zip import write_zip

__all__ = [
    "Entry",
    "TarDigest",
    "entries_of",
    "folder_name",
    "gunzip",
    "largest_content",
    "unpack",
    "write_tar",
    "write_tar_gz",
    "write_zip",
]
