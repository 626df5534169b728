"""Node.js, kept running: it evaluates scripts and looks positions up in source maps, as a browser's tools do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from e2e_support import install

_PROGRAM = """
const { SourceMap } = require("node:module");
const { createInterface } = require("node:readline");
const { runInNewContext } = require("node:vm");
const jobs = {
  evaluate: code => runInNewContext(code),
  positions: ({ map, places }) => {
    const parsed = new SourceMap(map);
    return places.map(([line, column]) => {
      const found = parsed.findEntry(line, column);
      return [found.originalSource, found.originalLine, found.originalColumn, found.name].map(one => one ?? null);
    });
  },
};
createInterface({ input: process.stdin }).on("line", text => {
  const [job, argument] = JSON.parse(text);
  let answer;
  try { answer = { result: jobs[job](argument) }; } catch (error) { answer = { error: String(error) }; }
  process.stdout.write(JSON.stringify(answer) + "\\n");
});
"""


class Node:
    """A process that answers one line of JSON with another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def evaluate(self, code: str) -> Any:  # JSON
        """Run ``code`` as a script and return the value of its last expression."""
        return self._ask("evaluate", code)

    def positions(self, source_map: bytes, places: Sequence[tuple[int, int]]) -> list[list[Any]]:
        """For lines and columns of the script: source, line, column and name that the map gives."""
        found: list[list[Any]] = self._ask("positions", {"map": json.loads(source_map), "places": places})
        return found

    def _ask(self, job: str, argument: object) -> Any:  # JSON
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([job, argument]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer.get("result")


@contextmanager
def running() -> Iterator[Node]:
    """Start Node.js, and end it after the block."""
    install("nodejs", commands=("node",))
    process = subprocess.Popen(
        ["node", "-e", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    with process:
        yield Node(process)
        assert process.stdin is not None
        process.stdin.close()
