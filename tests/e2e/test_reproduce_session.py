"""A small rehearsal with the real engine: what makes no difference, and a source whose builds differ."""

from __future__ import annotations

import json
from pathlib import Path

from support import commit, make_source, pipeline

VARIED = ("build path", "home", "user name", "host name", "time zone", "umask", "clone")
SMALL = ("--piece", "vault-ui", "--target", "linux/amd64")


def test_what_makes_no_difference(tagged_source: Path, tmp_path: Path) -> None:
    only = [word for name in VARIED for word in ("--only", name)]
    result = tmp_path / "result.txt"
    arguments = (*SMALL, *only, "--canaries", "packed", "--json", "--report", str(result))
    done = pipeline("reproduce", "--source", tagged_source, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {row["variation"]: row["result"] for row in report["rows"]} == dict.fromkeys(VARIED, "the same")
    assert all(row["first"] != row["varied"] for row in report["rows"])
    assert [(one["kind"], one["caught"]) for one in report["canaries"]] == [
        ("vault-ui, tar.gz", True),
        ("SBOM", True),
        ("image", True),
    ]
    assert "7 of 7 variations made the same bytes, 3 of 3 canaries were caught" in result.read_text()


def test_a_source_whose_builds_differ(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", tag=None)
    with (source / "vault-ui/build.mjs").open("a") as script:
        script.write(
            '\nimport { appendFileSync } from "node:fs";\nappendFileSync("public/index.css", `${Date.now()}`);\n'
        )
    commit(source, "Tell when it was built")
    done = pipeline("reproduce", "--source", source, *SMALL, "--only", "umask", "--canaries", "none")
    assert done.returncode == 12, done.stdout + done.stderr
    assert "\numask      022    077     DIFFERS\n" in done.stdout
    assert ".tar.gz: index.css: from byte " in done.stdout
    assert "layer 1: index.css: from byte " in done.stdout
    assert "is not reproducible: " in done.stderr
