import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from release.checksums import Digest, digest_of, digest_of_bytes, parse, render, write
from release.errors import VerificationError

HEX = "0" * 64
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]*", fullmatch=True)
digests = st.binary(max_size=9).map(lambda data: digest_of_bytes(data).sha256)


def test_digest_of_a_file(tmp_path: Path) -> None:
    data = bytes(3 * 2**20 + 1)
    (tmp_path / "f").write_bytes(data)
    expected = Digest(sha256=f"sha256:{hashlib.sha256(data).hexdigest()}", size=len(data))
    assert digest_of(tmp_path / "f") == digest_of_bytes(data) == expected


@unhurried
@given(st.dictionaries(names, digests))
def test_round_trip(listed: dict[str, str]) -> None:
    data = render(listed)
    assert parse(data) == listed
    assert [line[66:] for line in data.decode().splitlines()] == sorted(listed)


def test_sha256sum_reads_the_list(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "a.txt").write_text("a")
    write(
        tmp_path / "SHA256SUMS",
        {"b.txt": digest_of(tmp_path / "b.txt").sha256, "a.txt": digest_of(tmp_path / "a.txt").sha256},
    )
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEX}  a",
        f"{HEX} a\n",
        f"{HEX} *a\n",
        f"{HEX.upper().replace('0', 'A')}  a\n",
        f"{HEX}  dir/a\n",
        f"{HEX}  ..\n",
        f"{HEX}  -rf\n",
        f"{HEX}  a\r\n",
        f"\\{HEX}  a\n",
        f"{HEX}  a\n{HEX}  a\n",
        f"{HEX}  a\n\n",
        f"{HEX}  ä\n",
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(VerificationError):
        parse(text.encode())
