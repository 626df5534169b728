"""Rule 1: host, user, path, time, locale, umask and hash seed must not show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from release_samples import ROOT

SCRIPT = """
import sys
from pathlib import Path
from release.archive import *
from release.checksums import digest_of
from release.oci import write_layout
from release_samples import *
source, out = map(Path, sys.argv[1:])
files = entries_of(source)
print(write_tar_gz(out / "t.tar.gz", files, EPOCH).sha256, digest_of(out / "t.tar.gz"))
write_zip(out / "t.zip", files, EPOCH)
print(digest_of(out / "t.zip"))
print(write_layout(out / "i", "i", platform_images(files), CREATED, "1.4.0", {}).digest)
print(digest_of(staged(out / "s").directory / "SHA256SUMS"))
"""


def packed(folder: Path, *, umask: int, mtime: int, names: list[str], **environment: str) -> str:
    source = folder / "source"
    for name in names:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 100)
        path.chmod((0o777 if name == "run" else 0o666) & ~umask)
        os.utime(path, (mtime, mtime))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, source, folder],
        cwd=folder,
        umask=umask,
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)]), **environment},
    )
    return done.stdout


@pytest.mark.parametrize(
    ("umask", "environment"),
    [
        (0o077, {"TZ": "Asia/Kolkata", "PYTHONHASHSEED": "1"}),
        (0o002, {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "2", "USER": "someone"}),
        (0o000, {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "SOURCE_DATE_EPOCH": "1", "PYTHONUTF8": "1"}),
    ],
)
def test_the_environment_does_not_show(tmp_path: Path, umask: int, environment: dict[str, str]) -> None:
    names = ["a/b", "a.txt", "run", "größe", "Z"]
    (tmp_path / "elsewhere").mkdir()
    plain = packed(tmp_path, umask=0o022, mtime=1, names=names)
    other = packed(tmp_path / "elsewhere", umask=umask, mtime=10**9, names=names[::-1], **environment)
    assert plain == other
