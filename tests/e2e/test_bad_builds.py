"""Sources that fail in a build: the tool's own output is shown, and nothing is published."""

from __future__ import annotations

import json
from pathlib import Path

from support import commit, pipeline


def refused(source: Path, *arguments: str, status: int) -> str:
    """Release what cannot be built; returns what a person sees after checking that nothing came of it."""
    commit(source, "Break it")
    target = source.parent / "dist"
    done = pipeline("release", "--source", source, "--to", target, "--target", "linux/amd64", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in target.rglob("*")} <= {".lock"}
    return done.stderr


def test_go_that_does_not_compile(source: Path) -> None:
    main = source / "cmd/api/main.go"
    main.write_text(main.read_text() + "\nfunc broken() { return 1 }\n")
    said = refused(source, "--piece", "api", status=4)
    assert "too many return values" in said
    assert "release: api for linux/amd64: `go build" in said


def test_typescript_that_does_not_compile(source: Path) -> None:
    config = source / "console/src/config.ts"
    config.write_text(config.read_text() + '\nconst port: number = "eighty";\n')
    said = refused(source, "--piece", "console", status=4)
    assert "Type 'string' is not assignable to type 'number'" in said
    assert "release: console (in console/): `npm run build` ended with status" in said


def test_a_package_lock_that_does_not_match(source: Path) -> None:
    path = source / "console/package.json"
    package = json.loads(path.read_text())
    package["dependencies"]["react"] = "18.0.0"
    path.write_text(json.dumps(package))
    said = refused(source, "--piece", "console", status=3)
    assert "release: console/package-lock.json does not match package.json; run `npm install` in console/" in said


def test_a_go_sum_that_does_not_match(source: Path) -> None:
    path = source / "go.sum"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "pgx/v5" not in line))
    said = refused(source, "--piece", "api", status=3)
    assert "release: go.mod and go.sum do not match the code; run `go mod tidy` and commit both" in said


def test_a_console_that_compiles_no_placeholder_in(source: Path) -> None:
    config = source / "console/build.mjs"
    config.write_text(config.read_text().replace("process.env.CONSOLE_API_URL", '"https://fixed.example.com"'))
    said = refused(source, "--piece", "console", status=4)
    assert "public/index.js carries no value of CONSOLE_API_URL" in said
