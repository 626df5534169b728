import gzip
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from release import compression
from release.compression import GzipWriter, deflate_raw, gzip_stream


def compressed(data: bytes) -> bytes:
    sink = io.BytesIO()
    gzip_stream(io.BytesIO(data), sink)
    return sink.getvalue()


@unhurried
@given(st.binary(max_size=5000))
def test_round_trips(data: bytes) -> None:
    assert gzip.decompress(compressed(data)) == data
    assert zlib.decompress(deflate_raw(data), wbits=-15) == data


def test_the_header_says_nothing_about_the_machine() -> None:
    # RFC 1952 §2.3: no flags, no time, smallest, unknown system.
    assert compressed(b"x")[:10] == bytes.fromhex("1f8b08000000000002ff")


def test_no_input_is_one_member() -> None:
    data = compressed(b"")
    assert gzip.decompress(data) == b""
    assert data.count(b"\x1f\x8b\x08") == 1


@pytest.mark.parametrize(("size", "members"), [(99, 1), (100, 1), (101, 2), (250, 3)])
def test_each_chunk_is_a_member(monkeypatch: pytest.MonkeyPatch, size: int, members: int) -> None:
    monkeypatch.setattr(compression, "CHUNK", 100)
    data = bytes(range(256))[:size]
    packed = compressed(data)
    assert gzip.decompress(packed) == data
    assert packed.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff") == members
    assert struct.unpack("<I", packed[-4:])[0] == (size - 1) % 100 + 1


@unhurried
@given(st.lists(st.binary(max_size=70), max_size=20))
def test_the_way_input_is_split_does_not_show(pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "CHUNK", 100)
        sink = io.BytesIO()
        writer = GzipWriter(sink)
        for piece in pieces:
            writer.write(piece)
        writer.close()
        assert sink.getvalue() == compressed(b"".join(pieces))
