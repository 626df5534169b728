"""Comparing two builds of one release byte by byte, and telling which file inside which artifact differs, and how.

``digests.py`` compares a folder with a manifest, ``folders.py`` pairs what lies in two folders, ``archives.py``,
``images.py`` and ``documents.py`` look into what is not the same, ``content.py`` finds the first byte that differs.
"""

from .difference import Difference
from .diffoscope import diffoscope
from .digests import Compared, compare_to_manifest
from .folders import compare

__all__ = ["Compared", "Difference", "compare", "compare_to_manifest", "diffoscope"]
