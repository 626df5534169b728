"""Archives whose bytes depend on nothing but names, content, the executable bit and one time."""

from .entry import Entry, entries_of
from .tar import TarDigest, write_tar, write_tar_gz
from .zip import write_zip

__all__ = ["Entry", "TarDigest", "entries_of", "write_tar", "write_tar_gz", "write_zip"]
