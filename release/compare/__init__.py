"""Comparing two builds of one release byte by byte, and telling which file inside which artifact differs, and how.

``folders.py`` pairs what lies in two folders, ``archives.py``, ``images.py`` and ``documents.py`` look
into what is not the same, ``content.py`` finds the first byte that differs.
"""

from .difference import Difference
from .diffoscope import diffoscope
from .folders import compare, compare_to_manifest

__all__ = ["Difference", "compare", "compare_to_manifest", "diffoscope"]
