"""zip: the parts of APPNOTE 6.3.10 that a plain archive needs, without extra fields.

An own writer, since Python's zipfile compresses with whichever zlib it was built with.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IFREG

from ..atomic import replacing
from ..compression import deflate_raw
from ..errors import SourceError
from .entry import Entry, ordered

_LIMIT = 2**32 - 1  # this value and more would need zip64
_NEEDS = 20  # version needed to extract: deflate
_MADE_BY = (3 << 8) | _NEEDS  # 3: unix, so that the external attributes hold a unix mode
_UTF8 = 1 << 11
_STORED, _DEFLATED = 0, 8


def write_zip(path: Path, entries: Iterable[Entry], mtime: int) -> None:
    """Write ``entries``, sorted, to ``path``, whole or not at all; folders follow from the names.

    ``mtime`` is in seconds since 1970; zip keeps even seconds of the years 1980 to 2107, here in UTC.
    Each file is held in memory while it is compressed. Raises SourceError for duplicates and for
    more than zip holds (4 GiB, 65,534 files), and OSError.
    """
    files = ordered(entries)
    if len(files) >= 2**16 - 1:
        raise SourceError(f"{path.name}: a zip holds no more than 65,534 files", "pack fewer, or a tar.gz")
    for entry in files:
        _check_size(path, entry.size())
    time = _dos_time(mtime)
    directory = b""
    offset = 0
    with replacing(path) as sink:
        for entry in files:
            data = b"".join(entry.chunks())
            compressed = deflate_raw(data)
            method, content = (_DEFLATED, compressed) if len(compressed) < len(data) else (_STORED, data)
            name = entry.path.encode()
            # The fields that local (§4.3.7) and central header (§4.3.12) share.
            sizes = (zlib.crc32(data), len(content), len(data), len(name), 0)
            shared = struct.pack("<HHHIIIIHH", _NEEDS, _UTF8, method, time, *sizes)
            directory += b"PK\x01\x02" + struct.pack("<H", _MADE_BY) + shared
            directory += struct.pack("<HHHII", 0, 0, 0, (S_IFREG | entry.mode) << 16, offset) + name
            offset += sink.write(b"PK\x03\x04" + shared + name + content)
            _check_size(path, offset + len(directory))
        # End of central directory record, §4.3.16.
        counts = (0, 0, len(files), len(files), len(directory), offset, 0)
        sink.write(directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", *counts))


def _check_size(path: Path, size: int) -> None:
    if size >= _LIMIT:
        raise SourceError(f"{path.name}: a zip holds no more than 4 GiB", "pack less, or a tar.gz")


def _dos_time(mtime: int) -> int:
    """Return date and time as MS-DOS has them (§4.4.6), the date in the upper half."""
    first = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
    last = int(datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC).timestamp())
    when = datetime.fromtimestamp(min(max(mtime, first), last), tz=UTC)
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    return date << 16 | when.hour << 11 | when.minute << 5 | when.second // 2
